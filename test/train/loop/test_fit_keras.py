"""The training loop in Keras: steps of `fit` lower the loss, a run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")

from safetensors.numpy import load_file

from angle import model_keras as angle_model
from angle.model_torch import VGG16Angle
from common import convert
from common.weights_keras import set_weights, weights
from train import angle_keras
from train.loop.fit_keras import fit
from train.loop.loader_keras import RenderedBatches, stretched
from train.loop.recipes import AngleRecipe, FitRecipe
from train.loop.run import TrainingRun

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    # Keras reads TensorFlow's variables in a way that NumPy 2 warns of.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Keras closes the file of its own log only when a training ends well.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

NARROW = (4, 4, 6, 6, 8)
QUICK = FitRecipe(lr=0.01, warmup_steps=1, steps=12, ema_decay=0.5)

Arrays = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Weights that do not depend on which tests ran before."""
    keras.utils.set_random_seed(1)


# Learning


def _learn(folder: Path, model: Any, make: Any, **more: Any) -> dict[str, list[float]]:
    shape = angle_keras.make_shape(AngleRecipe(inverted=0.0), 0)
    batches = RenderedBatches(make, shape, steps=4)
    held_out = RenderedBatches(make, shape, steps=2, start=100)
    run = TrainingRun.create(folder, {}, 1)
    model.run_eagerly = True  # building a graph takes longer than these few steps
    return fit(model, QUICK, run, batches, held_out, convert.to_torch, **more)


def test_angle_learns_from_scratch_and_from_weights(
    tmp_path: Path, patch_batch: Callable[[int], Arrays]
) -> None:
    model = angle_keras.compiled(angle_model.vgg16_angle(NARROW), QUICK)
    history = _learn(tmp_path / "a", model, patch_batch)
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert json.loads((tmp_path / "a" / "state.json").read_text())["step"] == 12
    best = load_file(tmp_path / "a" / "best.safetensors")
    network = VGG16Angle(NARROW)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in best.items()})
    fresh = angle_model.vgg16_angle(NARROW)
    set_weights(fresh, convert.to_keras(best))
    angle_keras.compiled(fresh, QUICK)
    again = _learn(tmp_path / "b", fresh, patch_batch)
    assert again["loss"][0] < 0.95 * history["loss"][0]


def test_a_resumed_run_ends_where_one_without_a_stop_ends(
    tmp_path: Path, patch_batch: Callable[[int], Arrays]
) -> None:
    start = weights(angle_model.vgg16_angle(NARROW))

    def made() -> Any:
        model = angle_model.vgg16_angle(NARROW)
        set_weights(model, start)
        return angle_keras.compiled(model, QUICK)

    whole = _learn(tmp_path / "whole", made(), patch_batch)
    broken = made()

    def break_off(progress: float) -> None:
        if progress > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _learn(tmp_path / "parts", broken, patch_batch, on_progress=break_off)
    rest = _learn(tmp_path / "parts", made(), patch_batch, resume=True)
    np.testing.assert_allclose(rest["loss"], whole["loss"][1:], rtol=1e-4)


# Batches


def test_batches_are_numbered_through_the_epochs() -> None:
    numbers: list[int] = []

    def make(index: int) -> Arrays:
        numbers.append(index)
        return {}

    batches = RenderedBatches(make, lambda batch, first: (batch, first), steps=3, start=10)
    for batches.epoch in (0, 1, 1):
        firsts = [batches[i][1] for i in range(len(batches))]
        assert firsts == [True, False, False]
    assert numbers == [10, 11, 12, 13, 14, 15, 13, 14, 15]


def test_stretched_pads_an_axis_with_a_value() -> None:
    values = np.arange(6).reshape(2, 3)
    assert stretched(values, 1, 4, 0, -1).tolist() == [[0, 1, 2, -1], [3, 4, 5, -1]]
    assert stretched(values, 0, 2, 1, None).tolist() == [[0, 1, 2], [3, 4, 5], [3, 4, 5]]
    assert stretched(values, 0, 2, 0, None) is not None
