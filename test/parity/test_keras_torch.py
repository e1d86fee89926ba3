"""PyTorch and Keras are one network: a table of networks, and what must hold of each.

Names, weights there and back, outputs, every layer, the first loss, and that a few steps of `fit` lower it.
What holds of the networks in PyTorch is in `test/detection/test_methods.py` and `test/recognition/test_methods.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

from safetensors.numpy import load_file

from angle import model_keras as angle_keras_model
from angle.model_torch import VGG16Angle
from common import convert
from common.convert import Weights
from common.weights_keras import set_weights, weights
from crnn import convert as crnn_convert
from crnn import model_keras as crnn_keras_model
from crnn.model_torch import CRNN
from ctpn import model_keras as ctpn_keras_model
from ctpn.model_torch import VGG16CTPN
from ctpn.targets import assign
from detection import METHODS
from recognition import row_of
from recognition.attention_torch import AttentionReading
from recognition.densenet_keras import densenet
from recognition.densenet_torch import DenseNetCTC
from recognition.resnet_attention_keras import read_by_attention, resnet_attention
from recognition.resnet_attention_torch import ResNetAttention
from train import angle_keras, angle_torch, crnn_keras, ctpn_keras, detector_torch, recognizer_torch
from train.batches.lines import IGNORE
from train.loop.fit_keras import fit
from train.loop.loader_keras import RenderedBatches
from train.loop.recipes import AngleRecipe, CrnnRecipe, CtpnKerasRecipe, FitRecipe
from train.loop.run import TrainingRun

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    # Keras reads TensorFlow's variables in a way that NumPy 2 warns of.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

NARROW = (4, 6, 8, 10, 12)
LINE_WIDTHS = (4, 6, 8, 10)
CLASSES = 9
QUICK = FitRecipe(lr=0.01, warmup_steps=1, steps=12, ema_decay=0.5)

Arrays = dict[str, np.ndarray]


class Pair(NamedTuple):
    """One network twice, of the same weights, and what both are shown."""

    torch: torch.nn.Module
    keras: Any
    to_keras: Callable[[Weights], Weights]
    to_torch: Callable[[Weights], Weights]
    inputs: tuple[np.ndarray, ...]


def _resnet(network: torch.nn.Module, lines: torch.Tensor, labels: torch.Tensor) -> Any:
    features = network.features(lines)
    return network.classify(features), network.attention.teach(features, labels.long())


MAKERS: dict[str, Callable[[], tuple[torch.nn.Module, Any, Any, str]]] = {
    "angle": lambda: (VGG16Angle(NARROW), angle_keras_model.vgg16_angle(NARROW), convert, "grey"),
    "angle-plain": lambda: (
        VGG16Angle(NARROW, normalized=False),
        angle_keras_model.vgg16_angle(NARROW, normalized=False),
        convert,
        "grey",
    ),
    "ctpn": lambda: (
        VGG16CTPN(NARROW, 9, 5), ctpn_keras_model.vgg16_ctpn(NARROW, 9, 5), convert, "color",
    ),
    "crnn": lambda: (
        CRNN(CLASSES, LINE_WIDTHS, 7), crnn_keras_model.crnn(CLASSES, LINE_WIDTHS, 7), crnn_convert, "line",
    ),
    "crnn-gru": lambda: (
        CRNN(CLASSES, LINE_WIDTHS, 7, "gru"),
        crnn_keras_model.crnn(CLASSES, LINE_WIDTHS, 7, "gru"),
        crnn_convert,
        "line",
    ),
    "densenet": lambda: (
        DenseNetCTC(CLASSES, 8, 2, 4, 12, dropout=0.0),
        densenet(CLASSES, 8, 2, 4, 12, dropout=0.0),
        crnn_convert,
        "line",
    ),
    "resnet-attention": lambda: (
        ResNetAttention(CLASSES, LINE_WIDTHS, 7),
        resnet_attention(CLASSES, LINE_WIDTHS, 7),
        crnn_convert,
        "labelled line",
    ),
}  # fmt: skip
SHAPES = {"grey": (2, 1, 32, 48), "color": (2, 3, 32, 48), "line": (2, 1, 32, 32)}


def _inputs(kind: str) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(5)
    values = rng.normal(size=SHAPES[kind.split()[-1]]).astype(np.float32)
    if kind != "labelled line":
        return (values,)
    return (values, np.array([[3, 1, 1, 8], [5, 0, 0, 0]], np.int32))


def _shake(network: torch.nn.Module) -> None:
    """Make every number random, running statistics too: what is swapped or skipped then shows."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            noise = torch.rand(value.shape, generator=generator) if value.ndim else None
            if noise is None or "bias_hh" in name and not isinstance(network, CRNN):
                continue
            if "running_var" in name or value.ndim == 1 and "norm" in name and "weight" in name:
                value.copy_(0.5 + noise)
            elif value.ndim == 1 and "bias_hh" not in name:
                value.copy_(noise - 0.5)
        for name, parameter in network.named_parameters():
            if "bias_hh" in name and parameter.requires_grad:
                parameter.copy_(torch.rand(parameter.shape, generator=generator) - 0.5)


_MADE: dict[str, Pair] = {}


@pytest.fixture(params=MAKERS)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    if request.param not in _MADE:
        torch.manual_seed(0)
        network, model, converter, kind = MAKERS[request.param]()
        _shake(network)
        inputs = _inputs(kind)
        set_weights(model, converter.to_keras(_state(network)))
        _MADE[request.param] = Pair(
            network.eval(), model, converter.to_keras, converter.to_torch, inputs
        )
    yield _MADE[request.param]


def _state(network: torch.nn.Module) -> Weights:
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def _both(pair: Pair) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    tensors = [torch.from_numpy(value) for value in pair.inputs]
    with torch.inference_mode():
        two = len(tensors) == 2
        ours = _resnet(pair.torch, *tensors) if two else pair.torch(*tensors)
    theirs = pair.keras(list(pair.inputs) if len(tensors) == 2 else pair.inputs[0], training=False)
    one = isinstance(ours, torch.Tensor)
    return ((ours,), (theirs,)) if one else (tuple(ours), tuple(theirs))


def test_weights_come_back_bit_by_bit(pair: Pair) -> None:
    state = _state(pair.torch)
    there = pair.to_keras(state)
    assert set(there) == set(weights(pair.keras))
    for name, value in weights(pair.keras).items():
        np.testing.assert_array_equal(value, there[name], name)
    back = pair.to_torch(there)
    assert set(back) == set(state)
    for name, value in state.items():
        if not name.endswith(convert.IGNORED):
            assert back[name].dtype == value.dtype
            np.testing.assert_array_equal(back[name], value, name)
    again = pair.to_keras(back)
    for name, value in there.items():
        np.testing.assert_array_equal(again[name], value, name)


def test_outputs_are_equal(pair: Pair) -> None:
    ours, theirs = _both(pair)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(np.asarray(b), a.numpy(), atol=1e-4)


def _caught(pair: Pair) -> dict[str, np.ndarray]:
    """What every layer of the PyTorch network puts out, by name."""
    caught: dict[str, np.ndarray] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            value = output[0] if isinstance(output, tuple) else output
            caught[name] = value.numpy()

        return hook

    hooks = [
        module.register_forward_hook(keep(name))
        for name, module in pair.torch.named_modules()
        if name
    ]
    _both(pair)
    for hook in hooks:
        hook.remove()
    return caught


def test_every_layer_is_equal(pair: Pair) -> None:
    """The first layer that differs is the one that is named."""
    caught = _caught(pair)
    shared = [layer for layer in pair.keras.layers if layer.name in caught and layer.weights]
    weighty = {name.rpartition("/")[0].removesuffix("/forward").removesuffix("/backward")
               for name in weights(pair.keras)}  # fmt: skip
    own = {name for name in weighty if not name.startswith("attention.")}
    assert {layer.name for layer in shared} == own
    inner = keras.Model(pair.keras.inputs, [layer.output for layer in shared])
    outputs = inner(list(pair.inputs), training=False)
    for layer, output in zip(shared, outputs, strict=True):
        ours, theirs = caught[layer.name], np.asarray(output)
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.BatchNormalization)):
            theirs = theirs.transpose(0, 3, 1, 2)  # PyTorch's channels stand before rows
        theirs = theirs.reshape(ours.shape)
        np.testing.assert_allclose(theirs, ours, atol=1e-4, err_msg=layer.name)


def test_comparison_notices_one_changed_number(pair: Pair) -> None:
    """Parity that cannot fail proves nothing: every weight matters to the outputs."""
    ours, _ = _both(pair)
    state = weights(pair.keras)
    deaf = []
    for name, value in list(state.items())[:: max(1, len(state) // 4)]:
        changed = {**state, name: value + 0.3}
        set_weights(pair.keras, changed)
        theirs = _both(pair)[1]
        if all(
            np.allclose(np.asarray(b), a.numpy(), atol=1e-4)
            for a, b in zip(ours, theirs, strict=True)
        ):
            deaf.append(name)
    set_weights(pair.keras, state)
    assert not deaf


def test_reading_by_attention_is_equal() -> None:
    torch.manual_seed(0)
    network = ResNetAttention(CLASSES, LINE_WIDTHS, 7).eval()
    model = resnet_attention(CLASSES, LINE_WIDTHS, 7)
    set_weights(model, crnn_convert.to_keras(_state(network)))
    lines = np.random.default_rng(1).normal(size=(3, 1, 32, 32)).astype(np.float32)
    with torch.inference_mode():
        ours = AttentionReading(network)(torch.from_numpy(lines))
    theirs = read_by_attention(model)(lines)
    np.testing.assert_array_equal(theirs[0], ours[0].numpy())
    for a, b in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(b, a.numpy(), atol=1e-4)


# The first loss, and learning


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


def _training(name: str, model: Any, recipe: CrnnRecipe) -> tuple[Any, Callable[..., Any]]:
    """The model compiled with its loss, and what brings a batch to it."""
    if name.startswith("angle"):
        shape = angle_keras.make_shape(AngleRecipe(inverted=0.0), 0)
        return angle_keras.compiled(model, QUICK), shape
    if name == "ctpn":
        return ctpn_keras.compiled(model, QUICK, CtpnKerasRecipe()), ctpn_keras.shape
    shape = crnn_keras.make_shape(2 if name == "densenet" else 1)
    return crnn_keras.compiled(model, QUICK, recipe), shape


def _loss(name: str, recipe: CrnnRecipe) -> Callable[..., Any]:
    if name.startswith("angle"):
        return angle_torch.make_loss(AngleRecipe(inverted=0.0))
    if name == "ctpn":
        return detector_torch.make_loss(METHODS["ctpn-reference"])
    return recognizer_torch.make_loss(row_of(name), recipe)


def _batch(name: str, patch_batch: Callable[[int], Arrays]) -> Arrays:
    """A batch of hard cases: a page without text, a doubled character, a line that cannot hold its text."""
    if name.startswith("angle"):
        return patch_batch(1)
    if name == "ctpn":
        batch = crops(0)
        batch["labels"][1] = np.minimum(batch["labels"][1], 0)
        return batch
    batch = lines(0)  # an even number of lines, of which none is repeated
    batch["labels"][0, 1] = batch["labels"][0, 0]
    batch["steps"][1] = 2
    return batch


def test_first_losses_are_equal(
    pair: Pair, request: pytest.FixtureRequest, patch_batch: Callable[[int], Arrays]
) -> None:
    name = request.node.callspec.params["pair"]
    recipe, batch, before = CrnnRecipe(sampled=None), _batch(name, patch_batch), weights(pair.keras)
    network = copy.deepcopy(pair.torch).train()
    training, shape = _training(name, pair.keras, recipe)
    inputs, truth = shape(batch, False)
    join = getattr(training, "join", None)
    try:
        # In graphs, as in a training.
        found = tensorflow.function(lambda x: training(x, training=True))(inputs)
        for progress in (0.0, 1.0) if join else (0.0,):  # CTC joins in the second part of a run
            if join:
                join(progress)
            tensors = {key: torch.from_numpy(value) for key, value in batch.items()}
            ours, parts = _loss(name, recipe)(network, tensors, progress)
            theirs = tensorflow.function(training.compute_loss)(x=inputs, y=truth, y_pred=found)
            assert float(theirs) == pytest.approx(ours.item(), rel=1e-4, abs=1e-4)
            assert name != "ctpn" or parts["vertical"] > 0 and parts["side"] > 0
    finally:
        set_weights(pair.keras, before)


@pytest.mark.parametrize("name", ["ctpn", "crnn", "resnet-attention"])
def test_steps_lower_the_loss(name: str) -> None:
    """The angle model learns in the loop's own test."""
    keras.utils.set_random_seed(1)
    training, shape = _training(name, MAKERS[name]()[1], CrnnRecipe(sampled=None))
    training.run_eagerly = True  # building a graph takes longer than these few steps
    inputs, truth = shape(crops(0) if name == "ctpn" else lines(0), False)
    values = []
    for _ in range(5):
        training.reset_metrics()
        values.append(training.train_on_batch(inputs, truth, return_dict=True)["loss"])
    assert values[-1] < 0.97 * values[0]


def test_fit_takes_batches_of_any_size(tmp_path: Path) -> None:
    """In a graph, which is built once for all; what is saved is PyTorch's."""
    keras.utils.set_random_seed(1)
    network, model, converter, _ = MAKERS["densenet"]()
    training, shape = _training("densenet", model, CrnnRecipe(aligned_until=0.3))
    history = fit(
        training, QUICK, TrainingRun.create(tmp_path, {}, 1),
        RenderedBatches(lines, shape, steps=4), RenderedBatches(lines, shape, steps=2, start=100),
        converter.to_torch, on_progress=training.join,
    )  # fmt: skip
    assert history["aligned"][-1] < 0.9 * history["aligned"][0]
    assert {"ctc", "aligned", "val_loss"} <= set(history)
    saved = load_file(tmp_path / "last.safetensors")
    network.load_state_dict({k: torch.from_numpy(v) for k, v in saved.items()})


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


# Conversion by itself


def test_unknown_layers_are_named() -> None:
    with pytest.raises(ValueError, match=r"odd\.weight has shape"):
        convert.to_keras({"odd.weight": np.zeros((2, 3, 4), np.float32)})
    with pytest.raises(ValueError, match="odd/table"):
        convert.to_torch({"odd/table": np.zeros((2, 3), np.float32)})
    with pytest.raises(ValueError, match="one bidirectional layer"):
        convert.to_keras({"rnn.weight_ih_l0": np.zeros((8, 3), np.float32)})


def test_two_biases_of_a_foreign_lstm_become_their_sum() -> None:
    layer = torch.nn.LSTM(3, 2, bidirectional=True)
    state = {f"rnn.{k}": v.detach().numpy() for k, v in layer.named_parameters()}
    there = convert.to_keras(state)
    total = state["rnn.bias_ih_l0"] + state["rnn.bias_hh_l0"]
    np.testing.assert_array_equal(there["rnn/forward/bias"], total)
    assert not convert.to_torch(there)["rnn.bias_hh_l0"].any()


def test_weights_of_another_network_are_refused() -> None:
    model = crnn_keras_model.crnn(CLASSES, LINE_WIDTHS, 7)
    state = weights(model)
    with pytest.raises(ValueError, match="another network"):
        set_weights(model, {**state, "conv9/kernel": np.zeros(1)})
    with pytest.raises(ValueError, match="conv1/bias is"):
        set_weights(model, {**state, "conv1/bias": np.zeros(99)})
