"""Reduce int8 weights of an exported model to seven bits, so that no processor's sums of products overflow.

    python -m train.export.reduce_range weights/crnn-small.onnx --out reduced

Processors without VNNI add two products of 8-bit numbers, an activation to 255 and a weight to 127, in 16 bits; two
such products overflow them. ONNX Runtime can widen the sums (`session.x64quantprecision`), which costs a fifth of the
reading's time; weights within ±64 need no widening. A new export has them already (`onnx_file`); this is for a
file that was exported before: each weight is halved and rounded, each scale doubled, and nothing else changes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, numpy_helper

from common.files import replace_when_written
from ocr.weights.file import plain
from train.transfer.onnx_weights import read_model

LIMIT = 64
"""Largest weight of seven bits: twice 255 times as much still fits in 16 bits."""


def reduce_range(model: ModelProto) -> int:
    """Halve the int8 weights of a model's convolutions and products in place, and double their scales.

    Args:
        model: with convolutions between `DequantizeLinear` nodes, and products as `MatMulInteger`.

    Returns:
        How many weights were halved; those within ±64 already stay as they are.

    Raises:
        ValueError: the scale of some weight cannot be told, or is another's too.
    """
    graph = _Graph(model)
    count = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            count += _reduce_convolution(graph, node)
        elif node.op_type == "MatMulInteger":
            count += _reduce_product(graph, node)
    return count


class _Graph:
    """A model's constants and nodes by name."""

    def __init__(self, model: ModelProto) -> None:
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._made = {name: node for node in model.graph.node for name in node.output}
        self._users: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def value(self, name: str) -> NDArray[Any] | None:
        """Return a constant, or None where the name is no constant's."""
        tensor = self._constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def set(self, name: str, value: NDArray[Any]) -> None:
        """Exchange a constant that one node uses."""
        if len(self._users[name]) > 1:
            raise ValueError(f"{name} serves {len(self._users[name])} layers, expected one")
        self._constants[name].CopyFrom(numpy_helper.from_array(value, name))

    def maker(self, name: str) -> NodeProto | None:
        """Return the node that a value comes from."""
        return self._made.get(name)

    def user(self, name: str) -> NodeProto:
        """Return the one node that takes a value."""
        if len(self._users.get(name, [])) != 1:
            raise ValueError(
                f"{name} goes to {len(self._users.get(name, []))} layers, expected one"
            )
        return self._users[name][0]


def _reduce_convolution(graph: _Graph, node: NodeProto) -> bool:
    weight = graph.maker(node.input[1])
    if weight is None or weight.op_type != "DequantizeLinear":
        return False  # in float
    source = weight.input[0]
    padding = graph.maker(source)
    if padding is not None and padding.op_type == "Pad":  # `channel_padding`
        source = padding.input[0]
    if not _halve(graph, source, weight.input[1]):
        return False
    bias = graph.maker(node.input[2]) if len(node.input) > 2 else None
    if bias is not None:  # its scale is the product of the activations' and the weights'
        _halve(graph, bias.input[0], bias.input[1], always=True)
    return True


def _reduce_product(graph: _Graph, node: NodeProto) -> bool:
    cast = graph.user(node.output[0])
    scaled = graph.user(cast.output[0])
    scales = next(
        (made for name in scaled.input if (made := graph.maker(name)) not in (None, cast)), None
    )
    if scales is None or scales.op_type != "Mul":
        raise ValueError(f"no scale found for the product {node.name or node.output[0]}")
    (scale,) = [name for name in scales.input if graph.value(name) is not None]
    return _halve(graph, node.input[1], scale)


def _halve(graph: _Graph, weight: str, scale: str, *, always: bool = False) -> bool:
    value, unit = graph.value(weight), graph.value(scale)
    if value is None or unit is None:
        raise ValueError(f"{weight} is no constant with a scale")
    if not always and np.abs(value.astype(np.int32)).max(initial=0) <= LIMIT:
        return False
    graph.set(weight, np.rint(value / 2).astype(value.dtype))
    graph.set(scale, (unit * 2).astype(unit.dtype))
    return True


def main() -> None:
    """Read the command line and write the files anew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="exported models")
    parser.add_argument("--out", type=Path, required=True, help="folder to write them to")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for path in args.files:
        out = args.out / plain(path).name
        if out.exists():
            parser.error(f"{out} is there already; name another folder")
        model = read_model(path)
        count = reduce_range(model)
        onnx.checker.check_model(model)
        with replace_when_written(out) as partial:
            onnx.save(model, str(partial))
        print(f"{out}: {count} layers")


if __name__ == "__main__":
    main()
