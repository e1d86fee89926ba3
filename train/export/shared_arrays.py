"""Let an exported file take arrays from another one beside it, so that weights which did not change are shipped once.

A method that started from a recognizer and froze most of it differs from it by what it added. Arrays that both files
hold alike are left out of its file, which says instead where they are in the other one: ONNX calls that external data.
`quantize` first gives weights that were read from the other file's int8 the same int8 again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ocr.weights.file import plain, read_file
from train.transfer import onnx_weights

MIN_BYTES = 1024
"""Arrays below this stay in the file: what says where they are is as long."""

CLOSE = 1e-5
"""Share of an array's largest value by which it may differ from the other file's: what folding norms leaves."""


def quantize(path: Path, other: Path) -> None:
    """Convert large float32 arrays to int8 as `onnx_weights.quantize_large` does, the other file's as they are there.

    Args:
        path: an ONNX file without external data, rewritten.
        other: the file to take arrays from.
    """
    model, theirs = onnx.load(str(path)), onnx_weights.read_model(other)
    plain = {t.raw_data for t in theirs.graph.initializer if t.data_type == TensorProto.FLOAT}
    kept = [t.name for t in model.graph.initializer if t.raw_data in plain]
    known = _quantized(theirs)
    nodes = []
    for tensor in list(model.graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or len(tensor.raw_data) < MIN_BYTES:
            continue
        found = _same(numpy_helper.to_array(tensor), known)
        if tensor.name in kept or found is None:
            continue
        integers, scale = found
        names = [f"{tensor.name}_{end}" for end in ("quantized", "scale", "zero_point")]
        zero = np.zeros(len(scale), np.int8)
        for name, value in zip(names, (integers, scale, zero), strict=True):
            model.graph.initializer.append(numpy_helper.from_array(value, name))
        nodes.append(helper.make_node("DequantizeLinear", names, [tensor.name], axis=1))
        model.graph.initializer.remove(tensor)
    for i, node in enumerate(nodes):
        model.graph.node.insert(i, node)
    onnx.save(model, str(path))
    onnx_weights.quantize_large(path, kept)


Quantized = list[tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.float32]]]


def _quantized(model: onnx.ModelProto) -> Quantized:
    """Return the matrices of a file that it holds in int8: as float32, the integers, and a scale for each column."""
    arrays = {t.name: t for t in model.graph.initializer}
    out = []
    for node in model.graph.node:
        if node.op_type != "MatMulInteger":
            continue
        name = node.input[1].removesuffix("_quantized")
        parts = [arrays[f"{name}_{end}"] for end in ("quantized", "scale", "zero_point")]
        integers, scale, zero = (numpy_helper.to_array(part) for part in parts)
        if not zero.any():
            whole = integers.astype(np.float32) * scale.astype(np.float32)
            out.append((whole, integers, np.asarray(scale, np.float32)))
    return out


def _same(
    value: NDArray[np.float32], known: Quantized
) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """Find the matrix that a value was read from."""
    for whole, integers, scale in known:
        if whole.shape != value.shape or scale.shape != value.shape[1:]:
            continue
        if np.abs(whole - value).max() <= CLOSE * np.abs(value).max():
            return integers, scale
    return None


def share(path: Path, other: Path) -> int:
    """Take arrays that are in the other file out of a file, and return the bytes saved.

    Args:
        path: an ONNX file, rewritten; it is then read with `other` in the same folder.
        other: the file to take arrays from; it must never change.
    """
    model, content, saved = onnx.load(str(path)), read_file(other), 0
    for tensor in model.graph.initializer:
        size = len(tensor.raw_data)
        place = content.find(tensor.raw_data) if size >= MIN_BYTES else -1
        if place < 0:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entries = {"location": plain(other).name, "offset": str(place), "length": str(size)}
        for key, text in entries.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, text
        saved += size
    onnx.save(model, str(path))
    return saved
