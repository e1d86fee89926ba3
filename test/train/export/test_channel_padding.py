"""Channels that fill words change no number, are there in what ships, and leave the trained kernels to be found."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr.onnx_runtime import import_onnxruntime
from ocr.weights import WEIGHTS
from train.export import channel_padding
from train.transfer import onnx_weights, quantized_weights

RNG = np.random.default_rng(5)


def quantized_convolution(path: Path, colors: int) -> None:
    """Write an int8 convolution of pictures as the quantizer does, its kernels' scales one for each output."""
    arrays = {
        "scale": np.float32(0.02),
        "zero": np.uint8(114),
        "kernels": RNG.integers(-127, 128, (8, colors, 3, 3)).astype(np.int8),
        "kernel_scale": RNG.uniform(0.005, 0.02, 8).astype(np.float32),
        "kernel_zero": np.zeros(8, np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "scale", "zero"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "scale", "zero"], ["values"]),
        helper.make_node(
            "DequantizeLinear", ["kernels", "kernel_scale", "kernel_zero"], ["weights"], axis=0
        ),
        helper.make_node("Conv", ["values", "weights"], ["maps"], pads=[1] * 4, strides=[2, 2]),
    ]
    shape = [1, colors, "H", "W"]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, 8, "R", "C"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )


def run(path: Path, images: np.ndarray) -> np.ndarray:
    session = import_onnxruntime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": images})[0])


@pytest.mark.parametrize(("colors", "widened"), [(1, 0), (2, 1), (3, 1), (4, 0), (6, 1)])
def test_padding_channels_keeps_the_outputs(tmp_path: Path, colors: int, widened: int) -> None:
    path = tmp_path / "model.onnx"
    quantized_convolution(path, colors)
    images = RNG.normal(size=(1, colors, 20, 36)).astype(np.float32)
    before = run(path, images)
    assert channel_padding.pad_channels_to_multiple(path) == widened
    assert np.array_equal(run(path, images), before)
    assert channel_padding.pad_channels_to_multiple(path) == 0


@pytest.mark.parametrize("name", ["ctpn-small", "scene-small", "vgg16-reference"])
def test_shipped_networks_pad_three_channels_to_four(name: str) -> None:
    graph = onnx_weights.read_model(WEIGHTS / f"{name}.onnx").graph
    assert [node.input[0] for node in graph.node if node.op_type == "Pad"]
    trained = quantized_weights.load(WEIGHTS / f"{name}.onnx").values()
    assert 3 in {value.shape[1] for value in trained if value.ndim == 4}
