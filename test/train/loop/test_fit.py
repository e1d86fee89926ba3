"""The training loop: it learns, stops, resumes to where it was, and refuses what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file

from train.loop.arguments import duration
from train.loop.fit_torch import fit, learning_rate
from train.loop.recipes import FitRecipe
from train.loop.run import TrainingRun

pytestmark = pytest.mark.torch

QUIET = FitRecipe(lr=0.05, warmup_steps=2, steps=12, evaluate_every_s=1e9, checkpoint_every_s=1e9)


def batches(start: int) -> Iterator[dict[str, torch.Tensor]]:
    while True:
        x = torch.randn(16, 3, generator=torch.Generator().manual_seed(start))
        yield {"x": x, "y": x @ torch.tensor([[1.0], [-2.0], [0.5]])}
        start += 1


def loss(network, batch, progress):  # noqa: ANN001, ANN201
    value = (network(batch["x"]).float() - batch["y"]).square().mean()
    return value, {"loss": value.item()}


def evaluate(network) -> dict[str, float]:  # noqa: ANN001
    batch = next(batches(999))
    return {"error": float((network(batch["x"]) - batch["y"]).square().mean())}


def train(
    folder: Path, recipe: FitRecipe, *, resume: bool = False
) -> tuple[torch.nn.Module, dict[str, float]]:
    torch.manual_seed(5)
    network = torch.nn.Linear(3, 1)
    run = TrainingRun.create(folder, {}, 5)
    figures = fit(
        network,
        recipe,
        run,
        batches,
        loss,
        evaluate,
        best="error",
        higher_is_better=False,
        resume=resume,
    )
    return network, figures


def test_fit_lowers_the_loss_and_saves_the_best_weights(tmp_path: Path) -> None:
    _, short = train(tmp_path / "a", QUIET)
    _, long = train(tmp_path / "b", FitRecipe(**{**vars(QUIET), "steps": 120}))
    assert long["error"] < 0.2 * short["error"]
    best = load_file(tmp_path / "b" / "best.safetensors")
    assert set(best) == {"weight", "bias"}
    assert json.loads((tmp_path / "b" / "recipe.json").read_text())["seed"] == 5


def test_resuming_gives_the_same_weights_as_never_stopping(tmp_path: Path) -> None:
    whole, _ = train(
        tmp_path / "whole", FitRecipe(**{**vars(QUIET), "lr": 0.01, "warmup_steps": 1})
    )
    # The schedule depends on the steps in all: the first half must know of the second.
    state = tmp_path / "halves" / "state.json"

    def interrupted(start: int) -> Iterator[dict[str, torch.Tensor]]:
        for i, batch in enumerate(batches(start)):
            if start + i == 6:
                return
            yield batch

    torch.manual_seed(5)
    recipe = FitRecipe(**{**vars(QUIET), "lr": 0.01, "warmup_steps": 1, "checkpoint_every_s": -1.0})
    network = torch.nn.Linear(3, 1)
    run = TrainingRun.create(tmp_path / "halves", {}, 5)
    fit(network, recipe, run, interrupted, loss, evaluate, best="error", higher_is_better=False)
    assert json.loads(state.read_text())["step"] == 6
    resumed, _ = train(tmp_path / "halves", recipe, resume=True)
    torch.testing.assert_close(resumed.weight, whole.weight)


def test_training_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time budget"):
        train(tmp_path, FitRecipe())


def test_the_rate_rises_then_falls() -> None:
    recipe = FitRecipe(lr=1.0, warmup_steps=10, steps=100)
    rates = [learning_rate(recipe, step, step / 100) for step in range(101)]
    top = rates.index(max(rates))
    assert 5 <= top <= 12
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[-1] <= 0.011


def test_durations_are_parsed() -> None:
    assert [duration(text) for text in ("90s", "40m", "1.5h", "7")] == [90, 2400, 5400, 7]
    for text in ("", "m", "4 parsecs", "-3m"):
        with pytest.raises(Exception, match="not a time"):
            duration(text)
