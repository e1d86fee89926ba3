"""PyTorch and Keras are one network: names, weights there and back, every layer, the first loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")

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
from recognition.densenet_keras import densenet
from recognition.densenet_torch import DenseNetCTC
from recognition.resnet_attention_keras import read_by_attention, resnet_attention
from recognition.resnet_attention_torch import AttentionReading, ResNetAttention

pytestmark = [pytest.mark.torch, pytest.mark.slow]

NARROW = (4, 6, 8, 10, 12)
LINE_WIDTHS = (4, 6, 8, 10)
CLASSES = 9


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


def test_one_changed_number_is_noticed(pair: Pair) -> None:
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
