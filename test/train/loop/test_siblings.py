"""Networks that train side by side learn what each would learn alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from train.loop.fit_torch import fit
from train.loop.recipes import FitRecipe
from train.loop.run import TrainingRun
from train.loop.siblings_torch import Sibling, fit_siblings

pytestmark = pytest.mark.torch

RECIPE = FitRecipe(
    lr=0.05, warmup_steps=2, steps=8, evaluate_every_s=1e9, checkpoint_every_s=1e9, clip=0.3
)
SLOPES = {"first": 1.0, "second": -30.0}


def batches(start: int) -> Iterator[dict[str, dict[str, torch.Tensor]]]:
    while True:
        x = torch.randn(16, 3, generator=torch.Generator().manual_seed(start))
        yield {name: {"x": x, "y": slope * x[:, :1]} for name, slope in SLOPES.items()}
        start += 1


def loss(network, batch, progress):  # noqa: ANN001, ANN201
    value = (network(batch["x"]) - batch["y"]).square().mean()
    return value, {"loss": value.item()}


def evaluate(network) -> dict[str, float]:  # noqa: ANN001
    return {"good": -float(next(batches(99))["first"]["x"].sum())}


def make() -> torch.nn.Module:
    torch.manual_seed(5)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))


def siblings(folder: Path) -> dict[str, Sibling]:
    return {
        name: Sibling(make(), TrainingRun.create(folder / name, {}, 5), loss, evaluate, "good")
        for name in SLOPES
    }


def together(
    folder: Path, recipe: FitRecipe, *, resume: bool = False
) -> dict[str, torch.nn.Module]:
    made = siblings(folder)
    fit_siblings(made, recipe, batches, resume)
    return {name: one.network for name, one in made.items()}


def assert_same(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_each_learns_as_if_it_were_alone(tmp_path: Path) -> None:
    # Dropout, clipping and the optimizer's state of one would show in the other.
    found = together(tmp_path / "together", RECIPE)
    for name in SLOPES:
        alone = make()
        fit(
            alone, RECIPE, TrainingRun.create(tmp_path / name, {}, 5),
            lambda start, name=name: (batch[name] for batch in batches(start)),
            loss, evaluate, best="good", higher_is_better=True,
        )  # fmt: skip
        assert_same(found[name], alone)
        saved = {path.name for path in (tmp_path / "together" / name).iterdir()}
        assert {"best.safetensors", "last.safetensors", "checkpoint.safetensors"} <= saved


def test_siblings_resume_to_where_they_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = together(tmp_path / "whole", RECIPE)
    with monkeypatch.context() as patch:
        patch.setattr("train.loop.siblings_torch.caught_signals", lambda: nullcontext([15]))
        together(tmp_path / "halves", RECIPE)  # stops after its first step
    halves = together(tmp_path / "halves", RECIPE, resume=True)
    for name in SLOPES:
        assert_same(whole[name], halves[name])
