"""Pad pictures of three channels with a fourth, empty one: it makes the first layer several times as fast in int8.

ONNX Runtime copies an int8 convolution's inputs channel by channel; where their number is a multiple of four it
copies words. The channel is added inside the graph and holds zeros, the kernels' too, so that every number is what
it was; the kernels stay in the file as they were trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeGuard

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper, numpy_helper

WORD = 4
"""Channels whose number is a multiple of this are copied fast."""

MIN_CHANNELS = 2
"""Channels below which it does not pay: a grey picture."""


def pad_channels_to_multiple(path: Path) -> int:
    """Give the quantized convolutions of a file channels that fill words; return how many had too few.

    Args:
        path: an ONNX file with nodes of `QuantizeLinear` and `DequantizeLinear`, rewritten where that helps.
    """
    model = onnx.load(str(path))
    made = {name: node for node in model.graph.node for name in node.output}
    kernels = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    count = 0
    for node in list(model.graph.node):
        if node.op_type != "Conv" or _groups(node) != 1:
            continue
        values, weights = made.get(node.input[0]), made.get(node.input[1])
        if not (_is_dequantized(values) and _is_dequantized(weights)):
            continue
        shape = kernels.get(weights.input[0], ())
        if len(shape) != 4 or shape[1] < MIN_CHANNELS or shape[1] % WORD == 0:
            continue
        missing = -shape[1] % WORD
        _widen(model, values, missing, [values.input[2]])  # the byte that stands for zero
        _widen(model, weights, missing, [])
        count += 1
    if count:
        onnx.checker.check_model(model)
        onnx.save(model, str(path))
    return count


def _groups(node: NodeProto) -> int:
    return next((a.i for a in node.attribute if a.name == "group"), 1)


def _is_dequantized(node: NodeProto | None) -> TypeGuard[NodeProto]:
    return node is not None and node.op_type == "DequantizeLinear"


def _widen(model: ModelProto, node: NodeProto, missing: int, zero: list[str]) -> None:
    """Add channels of nothing, the byte `zero` or 0, to what a node dequantizes, which has four axes."""
    source = node.input[0]
    ends = numpy_helper.from_array(np.array([0] * 5 + [missing, 0, 0]), f"{source}_missing")
    model.graph.initializer.append(ends)
    filled = f"{source}_filled"
    fill = helper.make_node("Pad", [source, ends.name, *zero], [filled], name=f"{source}_fill")
    model.graph.node.insert(list(model.graph.node).index(node), fill)
    node.input[0] = filled
