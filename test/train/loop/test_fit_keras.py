"""Training in Keras: the first loss is PyTorch's, a few steps of `fit` lower it, a run goes on where it was."""

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
from crnn import convert as crnn_convert
from crnn import model_keras as crnn_model
from crnn.model_torch import CRNN
from ctpn import model_keras as ctpn_model
from ctpn.model_torch import VGG16CTPN
from ctpn.targets import assign
from detection import METHODS
from recognition import row_of
from recognition.densenet_keras import densenet
from recognition.densenet_torch import DenseNetCTC
from recognition.resnet_attention_keras import resnet_attention
from recognition.resnet_attention_torch import ResNetAttention
from train import (
    angle_keras,
    angle_torch,
    crnn_keras,
    ctpn_keras,
    detector_torch,
    recognizer_torch,
)
from train.batches.lines import IGNORE
from train.loop.fit_keras import fit
from train.loop.loader_keras import RenderedBatches, stretched
from train.loop.recipes import AngleRecipe, CrnnRecipe, CtpnKerasRecipe, FitRecipe
from train.loop.run import Run

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    # Keras reads TensorFlow's variables in a way that NumPy 2 warns of.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Keras closes the file of its own log only when a training ends well.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

NARROW = (4, 4, 6, 6, 8)
LINE_WIDTHS = (4, 6, 8, 10)
CLASSES = 9
QUICK = FitRecipe(lr=0.01, warmup_steps=1, steps=12, ema_decay=0.5)

Arrays = dict[str, np.ndarray]


def patches(index: int) -> Arrays:
    """Patches that are bright at their upper edge; the last one shows nothing."""
    rng = np.random.default_rng(index)
    values = rng.normal(0, 0.3, (3 + index % 2, 1, 32, 32)).astype(np.float32)
    values[:, :, :8] += 2
    known = np.ones(len(values), np.bool_)
    known[-1] = False
    return {"patches": values, "known": known}


def crops(index: int) -> Arrays:
    """White squares with a black bar, and the targets of the bar."""
    rng = np.random.default_rng(index)
    images = np.full((2, 64, 64, 3), 255, np.uint8)
    targets = []
    for image in images:
        x0, y0 = (int(v) for v in rng.integers(2, 20, 2))
        image[y0 : y0 + 18, x0 : x0 + 40] = 0
        quad = [[x0, y0], [x0 + 40, y0], [x0 + 40, y0 + 18], [x0, y0 + 18]]
        targets.append(assign(np.array([quad], np.float32), np.zeros(1, np.bool_), (64, 64)))
    names = ("labels", "deltas", "sides", "side_mask")
    return {"images": images, **{n: np.stack([getattr(t, n) for t in targets]) for n in names}}


def lines(index: int) -> Arrays:
    """Lines of one to three bars, each a character by its height; sizes change from batch to batch."""
    rng = np.random.default_rng(index)
    columns = (48, 64)[index % 2]
    count = 2 + index % 3
    values = np.zeros((count, 1, 32, columns), np.float32)
    labels = np.zeros((count, 3), np.int64)
    aligned = np.full((count, columns // 4), IGNORE, np.int64)
    for line, label, steps in zip(values, labels, aligned, strict=True):
        steps[:] = 0
        for j in range(3):
            label[j] = rng.integers(1, CLASSES)
            line[0, : 3 * label[j], 4 + 14 * j : 12 + 14 * j] = 2
            steps[2 + int(3.5 * j)] = j + 1
    lengths, steps = np.full(count, 3), np.full(count, columns // 4)
    return {
        "lines": values,
        "labels": labels,
        "lengths": lengths,
        "steps": steps,
        "aligned": aligned,
    }


def _state(network: torch.nn.Module) -> Arrays:
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def _tensors(batch: Arrays) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in batch.items()}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Weights that do not depend on which tests ran before."""
    keras.utils.set_random_seed(1)


# The same first loss


def test_first_loss_of_the_angle_model_is_pytorchs() -> None:
    recipe = AngleRecipe(inverted=0.0)
    torch.manual_seed(0)
    network, model = VGG16Angle(NARROW), angle_model.vgg16_angle(NARROW)
    set_weights(model, convert.to_keras(_state(network)))
    ours, _ = angle_torch.make_loss(recipe)(network.train(), _tensors(patches(1)), 0.0)
    angle_keras.compiled(model, QUICK)
    inputs, truth = angle_keras.make_shape(recipe, 0)(patches(1), False)
    theirs = model.compute_loss(x=inputs, y=truth, y_pred=model(inputs, training=True))
    assert float(theirs) == pytest.approx(ours.item(), abs=1e-4)


def test_first_loss_of_the_detector_is_pytorchs() -> None:
    torch.manual_seed(0)
    network, model = VGG16CTPN(NARROW, 9, 5), ctpn_model.vgg16_ctpn(NARROW, 9, 5)
    set_weights(model, convert.to_keras(_state(network)))
    batch = crops(0)
    batch["labels"][1] = np.minimum(batch["labels"][1], 0)  # one picture without text
    loss = detector_torch.make_loss(METHODS["ctpn-reference"])
    ours, parts = loss(network.train(), _tensors(batch), 0.0)
    training = ctpn_keras.compiled(model, QUICK, CtpnKerasRecipe())
    inputs, truth = ctpn_keras.shape(batch, False)
    theirs = training.compute_loss(x=inputs, y=truth, y_pred=training(inputs, training=True))
    assert parts["vertical"] > 0 and parts["side"] > 0
    assert float(theirs) == pytest.approx(ours.item(), abs=1e-4)


RECOGNIZERS: dict[str, tuple[Callable[[], torch.nn.Module], Callable[[], Any]]] = {
    "crnn": (
        lambda: CRNN(CLASSES, LINE_WIDTHS, 6),
        lambda: crnn_model.crnn(CLASSES, LINE_WIDTHS, 6),
    ),
    "densenet": (
        lambda: DenseNetCTC(CLASSES, 6, 2, 4, 8, dropout=0.0),
        lambda: densenet(CLASSES, 6, 2, 4, 8, dropout=0.0),
    ),
    "resnet-attention": (
        lambda: ResNetAttention(CLASSES, LINE_WIDTHS, 6),
        lambda: resnet_attention(CLASSES, LINE_WIDTHS, 6),
    ),
}


@pytest.mark.parametrize("arch", RECOGNIZERS)
@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_first_loss_of_the_recognizers_is_pytorchs(arch: str, progress: float) -> None:
    torch.manual_seed(0)
    network, model = (make() for make in RECOGNIZERS[arch])
    set_weights(model, crnn_convert.to_keras(_state(network)))
    recipe = CrnnRecipe(sampled=None)
    batch = lines(1)
    batch["labels"][0, 1] = batch["labels"][0, 0]  # a doubled character
    batch["steps"][1] = 2  # a line that cannot hold its text
    loss = recognizer_torch.make_loss(row_of(arch), recipe)
    ours, _ = loss(network.train(), _tensors(batch), progress)
    training = crnn_keras.compiled(model, QUICK, recipe)
    training.join(progress)
    inputs, truth = crnn_keras.make_shape(2 if arch == "densenet" else 1)(batch, False)
    # An even number of lines needs no line twice, so both see the same.
    assert len(inputs["lines"]) == len(batch["lines"]) + len(batch["lines"]) % 2
    keep = len(batch["lines"])
    inputs, truth = ({k: v[:keep] for k, v in part.items()} for part in (inputs, truth))
    theirs = training.compute_loss(x=inputs, y=truth, y_pred=training(inputs, training=True))
    assert float(theirs) == pytest.approx(ours.item(), rel=1e-4, abs=1e-4)


# Learning


def _learn(
    folder: Path,
    model: Any,
    make: Any,
    shape: Any,
    to_torch: Any,
    recipe: FitRecipe = QUICK,
    *,
    eagerly: bool = True,
    **more: Any,
) -> dict[str, list[float]]:
    batches = RenderedBatches(make, shape, steps=4)
    held_out = RenderedBatches(make, shape, steps=2, start=100)
    run = Run.create(folder, {}, 1)
    model.run_eagerly = eagerly  # building a graph takes longer than these few steps
    return fit(model, recipe, run, batches, held_out, to_torch, **more)


def test_angle_learns_from_scratch_and_from_weights(tmp_path: Path) -> None:
    shape = angle_keras.make_shape(AngleRecipe(inverted=0.0), 0)
    model = angle_keras.compiled(angle_model.vgg16_angle(NARROW), QUICK)
    history = _learn(tmp_path / "a", model, patches, shape, convert.to_torch)
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert json.loads((tmp_path / "a" / "state.json").read_text())["step"] == 12
    best = load_file(tmp_path / "a" / "best.safetensors")
    network = VGG16Angle(NARROW)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in best.items()})
    fresh = angle_model.vgg16_angle(NARROW)
    set_weights(fresh, convert.to_keras(best))
    angle_keras.compiled(fresh, QUICK)
    again = _learn(tmp_path / "b", fresh, patches, shape, convert.to_torch)
    assert again["loss"][0] < 0.95 * history["loss"][0]


def test_detector_learns(tmp_path: Path) -> None:
    loss = CtpnKerasRecipe()
    model = ctpn_keras.compiled(ctpn_model.vgg16_ctpn(NARROW, 9, 5), QUICK, loss)
    history = _learn(
        tmp_path, model, lambda index: crops(0), ctpn_keras.shape, convert.to_torch, eagerly=False
    )  # fmt: skip
    assert history["loss"][-1] < 0.97 * history["loss"][0]
    assert history["val_loss"][-1] < history["val_loss"][0]
    assert {"score", "vertical", "side", "val_loss"} <= set(history)


@pytest.mark.parametrize("arch", RECOGNIZERS)
def test_recognizers_learn_from_batches_of_any_size(arch: str, tmp_path: Path) -> None:
    recipe = CrnnRecipe(aligned_until=0.3)
    model = crnn_keras.compiled(RECOGNIZERS[arch][1](), QUICK, recipe)
    shape = crnn_keras.make_shape(2 if arch == "densenet" else 1)
    history = _learn(
        tmp_path, model, lines, shape, crnn_convert.to_torch,
        on_progress=model.join, eagerly=arch != "crnn",
    )  # fmt: skip
    assert history["aligned"][-1] < 0.9 * history["aligned"][0]
    saved = load_file(tmp_path / "last.safetensors")
    network = RECOGNIZERS[arch][0]()
    network.load_state_dict({k: torch.from_numpy(v) for k, v in saved.items()})


def test_a_resumed_run_ends_where_one_without_a_stop_ends(tmp_path: Path) -> None:
    shape = angle_keras.make_shape(AngleRecipe(inverted=0.0), 0)
    start = weights(angle_model.vgg16_angle(NARROW))

    def made() -> Any:
        model = angle_model.vgg16_angle(NARROW)
        set_weights(model, start)
        return angle_keras.compiled(model, QUICK)

    whole = _learn(tmp_path / "whole", made(), patches, shape, convert.to_torch)
    broken = made()

    def break_off(progress: float) -> None:
        if progress > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _learn(
            tmp_path / "parts", broken, patches, shape, convert.to_torch,
            on_progress=break_off,
        )  # fmt: skip
    seen: list[int] = []

    def watched(index: int) -> Arrays:
        seen.append(index)
        return patches(index)

    rest = _learn(tmp_path / "parts", made(), patches, shape, convert.to_torch, resume=True)
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


def test_first_batch_differs_along_every_axis_that_varies() -> None:
    """Else Keras would take an axis that two batches share by chance for one that never changes."""
    shape = crnn_keras.make_shape(1)
    for index in range(6):
        one, other = shape(lines(index), True), shape(lines(index + 2), False)
        for part in (0, 1):
            for key in one[part]:
                a, b = one[part][key].shape, other[part][key].shape
                varying = [0, 3] if key == "lines" else list(range(len(a)))
                assert all(a[axis] != b[axis] for axis in varying), key


def test_stretched() -> None:
    values = np.arange(6).reshape(2, 3)
    assert stretched(values, 1, 4, 0, -1).tolist() == [[0, 1, 2, -1], [3, 4, 5, -1]]
    assert stretched(values, 0, 2, 1, None).tolist() == [[0, 1, 2], [3, 4, 5], [3, 4, 5]]
    assert stretched(values, 0, 2, 0, None) is not None
