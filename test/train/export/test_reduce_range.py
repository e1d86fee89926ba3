"""Weights of seven bits: what is halved, what stays, and what ships."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ocr.onnx_runtime import import_onnxruntime
from ocr.weights import WEIGHTS
from train.export import channel_padding
from train.export.reduce_range import LIMIT, reduce_range

RNG = np.random.default_rng(7)


def quantized_model(*, colors: int = 4, shared: bool = False, largest: int = 127) -> ModelProto:
    """An int8 convolution with a bias and a dynamic product after it, as the quantizer writes them."""
    kernels = RNG.integers(-largest, largest + 1, (8, colors, 3, 3)).astype(np.int8)
    kernels[:, 0, 0, 0] = largest
    product = RNG.integers(-largest, largest + 1, (8, 5)).astype(np.int8)
    product[0] = largest
    kernel_scale = RNG.uniform(0.005, 0.02, 8).astype(np.float32)
    arrays = {
        "scale": np.float32(0.02),
        "zero": np.uint8(114),
        "kernels": kernels,
        "kernel_scale": kernel_scale,
        "kernel_zero": np.zeros(8, np.int8),
        "bias": RNG.integers(-4000, 4000, 8).astype(np.int32),
        "bias_scale": kernel_scale * np.float32(0.02),
        "bias_zero": np.zeros(8, np.int32),
        "weights": product,
        "weights_scale": RNG.uniform(0.005, 0.02, 5).astype(np.float32),
        "weights_zero": np.zeros(5, np.int8),
    }
    node = helper.make_node
    nodes = [
        node("QuantizeLinear", ["image", "scale", "zero"], ["bytes"]),
        node("DequantizeLinear", ["bytes", "scale", "zero"], ["values"]),
        node("DequantizeLinear", ["kernels", "kernel_scale", "kernel_zero"], ["k"], axis=0),
        node("DequantizeLinear", ["bias", "bias_scale", "bias_zero"], ["b"], axis=0),
        node("Conv", ["values", "k", "b"], ["maps"], pads=[1] * 4),
        node("ReduceMax", ["maps"], ["largest"], axes=[2, 3], keepdims=0),
        node("DynamicQuantizeLinear", ["largest"], ["q", "q_scale", "q_zero"]),
        node("MatMulInteger", ["q", "weights", "q_zero", "weights_zero"], ["sums"]),
        node("Cast", ["sums"], ["whole"], to=TensorProto.FLOAT),
        node("Mul", ["q_scale", "weights_scale"], ["unit"]),
        node("Mul", ["whole", "unit"], ["answer"]),
    ]  # fmt: skip
    outputs = [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1, 5])]
    if shared:
        nodes.append(
            node("DequantizeLinear", ["kernels", "kernel_scale", "kernel_zero"], ["copy"], axis=0)
        )
        outputs.append(
            helper.make_tensor_value_info("copy", TensorProto.FLOAT, list(kernels.shape))
        )
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, colors, "H", "W"])
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()]
    graph = helper.make_graph(nodes, "g", [image], outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: ModelProto, images: np.ndarray) -> np.ndarray:
    options = import_onnxruntime().SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = import_onnxruntime().InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"image": images})[0])


def constants(model: ModelProto) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def test_weights_fit_and_the_answers_stay(tmp_path: Path) -> None:
    model = quantized_model()
    images = RNG.normal(size=(1, 4, 12, 20)).astype(np.float32)
    before, answer = constants(model), run(model, images)
    assert reduce_range(model) == 2
    after = constants(model)
    for name in ("kernels", "weights"):
        assert np.abs(after[name].astype(int)).max() <= LIMIT
    for name, scale in (("kernels", "kernel_scale"), ("bias", "bias_scale")):
        axes = (-1,) + (1,) * (before[name].ndim - 1)
        unit = before[scale].reshape(axes)
        error = after[name] * after[scale].reshape(axes) - before[name] * unit
        assert np.abs(error / unit).max() < 1.001  # half a step of the new, wider steps
    assert np.allclose(after["bias_scale"], after["kernel_scale"] * 0.02)
    assert np.abs(run(model, images) - answer).max() < 0.03 * np.abs(answer).max()
    assert reduce_range(model) == 0


def test_padded_kernels_are_found(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(quantized_model(colors=3), str(path))
    channel_padding.pad_channels_to_multiple(path)
    model = onnx.load(str(path))
    assert reduce_range(model) == 2
    assert np.abs(constants(model)["kernels"].astype(int)).max() <= LIMIT


def test_a_weight_of_two_layers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"kernels serves 2 layers, expected one"):
        reduce_range(quantized_model(shared=True))


def test_small_weights_are_unchanged() -> None:
    model = quantized_model(largest=LIMIT)
    before = model.SerializeToString()
    assert reduce_range(model) == 0
    assert model.SerializeToString() == before


@pytest.mark.parametrize("name", ["crnn-small", "ctpn-small", "scene-small"])
def test_the_usual_models_ship_with_weights_that_fit(name: str) -> None:
    """Where sums of 16 bits overflow, these would be read otherwise, or widened at the cost of a fifth of the time."""
    model = onnx.load(str(WEIGHTS / f"{name}.onnx"))
    assert reduce_range(model) == 0
    assert any(node.op_type == "DequantizeLinear" for node in model.graph.node)
