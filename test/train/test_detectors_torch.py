"""Detectors that train together share frozen layers, pages, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from detection import METHODS
from detection.wordsup import WordSup
from train import detectors_torch as module
from train.detector_torch import make_loss
from train.transfer.freeze_torch import freeze

pytestmark = pytest.mark.torch

QUADS = np.array([[[8, 8], [100, 8], [100, 30], [8, 30]]], np.float32)


def batch_of(name: str) -> dict[str, torch.Tensor]:
    """Make one crop with one line for a method."""
    targets = METHODS[name].method().targets(QUADS, np.zeros(1, np.bool_), (128, 128))
    images = np.random.default_rng(3).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    return {key: torch.from_numpy(np.asarray(v)[None]) for key, v in targets.items()} | {
        "images": torch.from_numpy(images)
    }


@pytest.mark.parametrize("name", ["db", "east", "rrpn", "textboxes++"])
def test_a_network_learns_the_same_from_the_shared_maps(name: str) -> None:
    row, batch = METHODS[name], batch_of(name)
    torch.manual_seed(1)
    network = row.torch.NETWORKS[row.network]()
    freeze(network, module.FROZEN)
    network.train()
    gradients = []
    for loss in (make_loss(row), module.with_levels(make_loss(row), module.SharedLevels(network))):
        network.zero_grad()
        torch.manual_seed(2)
        loss(network, batch, 0.0)[0].backward()
        gradients.append(
            {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
        )
    own, shared = gradients
    assert own.keys() == shared.keys()
    assert not any(key.startswith(module.FROZEN) for key in own)
    assert "levels" not in vars(network)
    for key, value in own.items():
        torch.testing.assert_close(value, shared[key], msg=key)


def test_the_shared_layers_forget_one_batch_for_the_next() -> None:
    row = METHODS["db"]
    network = row.torch.NETWORKS["small"]().eval()
    levels = module.SharedLevels(network)
    batches = [
        {"images": torch.zeros(1), "db/known": torch.ones(1), "dmpnet/known": torch.zeros(1)}
    ] * 2
    seen = []
    for parts, value in zip(
        module.split(iter(batches), ["db", "dmpnet"], levels), (0.0, 1.0), strict=True
    ):
        assert [float(parts[name]["known"]) for name in ("db", "dmpnet")] == [1.0, 0.0]
        seen.append(levels(torch.full((1, 3, 64, 64), value))[2])
        # A second network of the same batch gets what the first one got.
        assert levels(torch.full((1, 3, 64, 64), 7.0))[2] is seen[-1]
    assert not torch.equal(*seen)


def test_targets_of_all_are_those_of_each() -> None:
    methods = {"db": METHODS["db"].method(), "wordsup": WordSup()}
    characters = [np.stack([QUADS[0] * (0.5, 1), QUADS[0] * (0.5, 1) + (46, 0)]).astype(np.float32)]
    ignore = np.zeros(1, np.bool_)
    every = module.AllTargets(methods).character_targets(QUADS, ignore, (128, 128), characters)
    expected = {
        **{f"db/{key}": v for key, v in methods["db"].targets(QUADS, ignore, (128, 128)).items()},
        **{
            f"wordsup/{key}": v
            for key, v in methods["wordsup"]
            .character_targets(QUADS, ignore, (128, 128), characters)
            .items()
        },
    }
    assert every.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(every[key], value, err_msg=key)
