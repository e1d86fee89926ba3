"""Read trained weights back out of an exported ONNX file, so that each model is shipped once.

`write_parameter_map` notes in the file's metadata where each trained array is; `load` returns them, exact to half a
step of int8 where the file holds int8. For the large networks `quantize_large` also converts what the quantizer left in
float32 (recurrent layers, linear layers) to int8, with one scale for each output.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from common.batch_norm import EPS
from ocr.weights.file import WeightsError, read_file
from train.transfer.merge_student import STUDENT, is_distilled, merge

Array = NDArray[Any]
Weights = dict[str, Array]

KEY = "parameters"
"""Metadata key: name of each trained array to its initializer and its layout there."""

TRUNK = "trunk"
"""Metadata key: the file beside this one that holds the rest of the network, where there is one."""

BESIDE = "beside"
"""Layout of a batch norm that was folded into its convolution and is stored for training alone."""

MIN_QUANTIZED = 4096
"""Elements below which an array stays in float32."""

GATES = {4: (0, 3, 1, 2), 3: (1, 0, 2)}
"""PyTorch's number of each of ONNX's gates, of an LSTM and of a GRU: PyTorch has i, f, g, o and r, z, n, ONNX i, o,
f, c and z, r, h."""


def quantize_large(path: Path, kept: Collection[str] = ()) -> None:
    """Convert large float32 arrays of two or more axes to int8 and scales, which the runtime dequantizes.

    Args:
        path: the ONNX file, rewritten.
        kept: names of those that stay in float32.
    """
    model = onnx.load(str(path))
    graph = model.graph
    nodes = []
    for tensor in list(graph.initializer):
        large = np.prod(tensor.dims) >= MIN_QUANTIZED and len(tensor.dims) > 1
        if tensor.data_type != TensorProto.FLOAT or not large or tensor.name in kept:
            continue
        values = numpy_helper.to_array(tensor)
        # Outputs: of (out, in, H, W) of convolutions, (in, out) of products, (directions, gates, in) of recurrences.
        axis = 0 if values.ndim == 4 else 1
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = np.maximum(np.abs(values).max(axis=others), 1e-12).astype(np.float32) / 127
        shape = [-1 if i == axis else 1 for i in range(values.ndim)]
        small = np.rint(values / scale.reshape(shape)).astype(np.int8)
        parts = [f"{tensor.name}_{end}" for end in ("quantized", "scale", "zero_point")]
        for name, value in zip(parts, (small, scale, np.zeros(len(scale), np.int8)), strict=True):
            graph.initializer.append(numpy_helper.from_array(value, name))
        nodes.append(helper.make_node("DequantizeLinear", parts, [tensor.name], axis=axis))
        graph.initializer.remove(tensor)
    for i, node in enumerate(nodes):
        graph.node.insert(i, node)
    onnx.save(model, str(path))


def write_parameter_map(path: Path, state: Weights, trunk: str = "") -> None:
    """Note in the file's metadata where each array of a state is.

    Batch norms that were folded into their convolutions (`norm5` into `conv5`) are stored beside them, for `load` to
    unfold.

    Args:
        path: the ONNX file, rewritten.
        state: PyTorch's names to trained arrays.
        trunk: name of the file beside it that holds the rest of the network.

    Raises:
        ValueError: an array that is not in the file.
    """
    model = onnx.load(str(path))
    found, steps = _arrays(model)
    plain, norms = _folded(state, found)
    counts = [name for name in plain if name.endswith(".num_batches_tracked")]
    places = {n: _find_parameter(n, v, found, steps) for n, v in plain.items() if n not in counts}
    for name, value in norms.items():
        if value.ndim:  # not the count of batches
            model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
            places[name] = [name, BESIDE]
    kept = {p.key: p.value for p in model.metadata_props}
    helper.set_model_props(model, {**kept, KEY: json.dumps(places), TRUNK: trunk})
    onnx.save(model, str(path))


def load(path: Path, *, merged: bool = True) -> Weights:
    """Return the trained arrays of a file and of its trunk, float32, by PyTorch's names.

    Args:
        path: the ONNX file.
        merged: a distilled student as the plain network, see `train.transfer.merge_student`.

    Raises:
        ValueError: the file does not say where they are.
    """
    model = read_model(path)
    kept = {p.key: p.value for p in model.metadata_props}
    if KEY not in kept:
        raise ValueError(
            f"{path} does not say where its trained weights are; take the .safetensors beside it"
        )
    found, _ = _arrays(model)
    places = json.loads(kept[KEY])
    state = {
        _current(n): _as_trained(found[where], layout) for n, (where, layout) in places.items()
    }
    _unfold(state, [norm for norm in _norms(state) if places[f"{norm}.running_var"][1] == BESIDE])
    rest = load(path.with_name(kept[TRUNK])) if kept.get(TRUNK) else {}
    if is_distilled(state):
        state |= {STUDENT + name: value for name, value in rest.items()}
        return merge(state) if merged else state
    return state | rest


def read_model(path: Path) -> onnx.ModelProto:
    """Return a file with the arrays that it shares with others in its folder; each may be compressed.

    Raises:
        WeightsError: one of them is missing, damaged or not the one that arrays were shared with.
    """
    try:
        model = onnx.load_from_string(read_file(path))
    except DecodeError as error:
        raise WeightsError(f"{path}: expected an ONNX file ({error}); export it again") from error
    others: dict[str, bytes] = {}
    for tensor in filter(uses_external_data, model.graph.initializer):
        place = ExternalDataInfo(tensor)
        name, start = place.location, place.offset or 0
        if name not in others:
            others[name] = read_file(path.with_name(name))
        size = place.length or len(others[name]) - start
        tensor.raw_data = others[name][start : start + size]
        if len(tensor.raw_data) != size:
            raise WeightsError(
                f"{path} was made with another {name}, a longer one; export it again"
            )
        tensor.data_location = TensorProto.DEFAULT
        tensor.ClearField("external_data")
    return model


def _current(name: str) -> str:
    """Return today's name of a parameter: `crnn-resnet-attention.onnx` was exported with an older one."""
    return name.replace(".bring.", ".project.")


def _arrays(model: onnx.ModelProto) -> tuple[Weights, dict[str, float]]:
    """Return every constant by name, dequantized to float32, and the steps of the quantized ones."""
    raw = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    out = {
        name: value.astype(np.float32) for name, value in raw.items() if value.dtype == np.float32
    }
    steps = {}
    # Kernels may be padded with empty channels, see `train.export.channel_padding`.
    filled = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "Pad"}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and filled.get(node.input[0], node.input[0]) in raw:
            name, scale, zero = filled.get(node.input[0], node.input[0]), *node.input[1:3]
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        elif node.op_type == "MatMulInteger":
            name, axis = node.input[1], 1
            scale, zero = (
                f"{name.removesuffix('_quantized')}_{end}" for end in ("scale", "zero_point")
            )
        else:
            continue
        out[name] = _dequantized(raw[name], raw[scale], raw[zero], axis)
        steps[name] = float(raw[scale].max())
    return out, steps


def _dequantized(whole: Array, scale: Array, zero: Array, axis: int) -> Array:
    value, by, shift = (np.atleast_1d(a).astype(np.float32) for a in (whole, scale, zero))
    if len(by) > 1:
        shape = [-1 if i == axis else 1 for i in range(value.ndim)]
        by, shift = by.reshape(shape), shift.reshape(shape)
    return np.asarray((value - shift) * by, np.float32)


def _find_parameter(name: str, value: Array, found: Weights, steps: dict[str, float]) -> list[str]:
    """Find the initializer that holds a trained array, and its layout there."""
    best = (np.inf, "", "")
    for where, array in found.items():
        for layout in _layouts(name, array):
            held = _as_trained(array, layout)
            if held.shape == value.shape:
                best = min(best, (float(np.abs(held - value).max(initial=0)), where, layout))
    far, where, layout = best
    if far > 0.51 * steps.get(where, 0.0) + 1e-5 * (1 + float(np.abs(value).max(initial=0))):
        raise ValueError(
            f"{name} {value.shape} is not in the exported file (nearest: {far:.3g} off)"
        )
    return [where, layout]


def _layouts(name: str, array: Array) -> list[str]:
    """List the layouts in which an array of a file could hold a trained array."""
    recurrent = {"weight_ih_l0": 3, "weight_hh_l0": 3, "bias_ih_l0": 2, "bias_hh_l0": 2}
    kind, axes = next(((k, n) for k, n in recurrent.items() if k in name), ("", 0))
    if kind:
        side = int(name.endswith("_reverse"))
        if array.ndim != axes or not side < len(array) <= 2:
            return []
        rows = array.shape[1] // (2 if "bias" in kind else 1)
        return [f"{kind}:{side}:{gates}" for gates in GATES if rows % gates == 0]
    return ["same", "transposed"] if array.ndim == 2 else ["same"]


def _as_trained(array: Array, layout: str) -> Array:
    """Convert an array of a file to the layout of training."""
    if layout in ("same", BESIDE):
        return array
    if layout == "transposed":
        return np.ascontiguousarray(array.T)
    kind, side, *more = layout.split(":")
    count = int(more[0]) if more else 4
    part = array[int(side)]
    if kind.startswith("bias"):  # both biases in one row, the input's first
        part = np.split(part, 2)[kind == "bias_hh_l0"]
    gates = np.split(part, count)
    return np.concatenate([gates[place] for place in np.argsort(GATES[count])])


def _gain(state: Weights, norm: str) -> Array:
    """Return the factor of a batch norm for each channel, (C, 1, 1, 1)."""
    gain = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + EPS)
    return np.asarray(gain, np.float32)[:, None, None, None]


def _norms(state: Weights) -> list[str]:
    return [n.removesuffix(".running_var") for n in state if n.endswith(".running_var")]


def _convolution(norm: str) -> str:
    """Name the layer that a batch norm follows: `conv5` for `norm5`, `stem.0` for `stem.1`."""
    if "norm" in norm:
        return norm.replace("norm", "conv")
    row, _, number = norm.rpartition(".")
    return f"{row}.{int(number) - 1}"


def _folded(state: Weights, found: Weights) -> tuple[Weights, Weights]:
    """Return a state as deployed, and the batch norms that are then folded into its convolutions.

    Norms before their convolutions, as in a DenseNet, are still in the file.
    """
    norms = [norm for norm in _norms(state) if not _holds(found, state[f"{norm}.running_var"])]
    apart = {n: v for n, v in state.items() if n.rsplit(".", 1)[0] in norms}
    plain = {n: v for n, v in state.items() if n not in apart}
    for norm in norms:
        conv = f"{_convolution(norm)}.weight"
        plain[conv] = plain[conv] * _gain(state, norm)
    return plain, apart


def _holds(found: Weights, value: Array) -> bool:
    return any(a.shape == value.shape and np.allclose(a, value, rtol=1e-6) for a in found.values())


def _unfold(state: Weights, folded: list[str]) -> None:
    """Unfold batch norms from their convolutions; their batch counts are zero."""
    for norm in _norms(state):
        state[f"{norm}.num_batches_tracked"] = np.zeros((), np.int64)
    for norm in folded:
        conv = f"{_convolution(norm)}.weight"
        state[conv] = state[conv] / _gain(state, norm)
