"""Trainable weights in little space: float16, or int8 with one scale for each output channel.

A VGG-16 of 59 MB in float32 is 29 MB in float16 and 15 MB in int8. Training goes on in float32 from
either, in PyTorch and in Keras: names and axes are PyTorch's, the arrays are numpy's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

Weights = dict[str, NDArray[Any]]
FORMS = ("float16", "int8")
SCALE = ":scale"
LEAST = 1024
"""Numbers below which an array stays in float16: scales would be most of it."""


def pack(state: Weights, form: str) -> Weights:
    """Turn float arrays into float16, or large ones of two or more axes into int8 and scales.

    Raises:
        ValueError: another form.
    """
    if form not in FORMS:
        raise ValueError(f"form of the weights is {form!r}, expected one of {', '.join(FORMS)}")
    out: Weights = {}
    for name, value in state.items():
        if not np.issubdtype(value.dtype, np.floating):
            out[name] = value
        elif form == "float16" or value.ndim < 2 or value.size < LEAST:
            out[name] = value.astype(np.float16)
        else:
            rows = value.reshape(len(value), -1).astype(np.float32)
            scale = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-12)) / np.float32(127)
            out[name] = np.rint(rows / scale[:, None]).astype(np.int8).reshape(value.shape)
            out[name + SCALE] = scale
    return out


def unpack(packed: Weights) -> Weights:
    """Return float32 arrays of whatever form; whole numbers without a scale stay as they are."""
    out: Weights = {}
    for name, value in packed.items():
        if name.endswith(SCALE):
            continue
        scale = packed.get(name + SCALE)
        if scale is not None:
            scale = scale.reshape((-1,) + (1,) * (value.ndim - 1))
            out[name] = value.astype(np.float32) * scale
        elif np.issubdtype(value.dtype, np.floating):
            out[name] = value.astype(np.float32)
        else:
            out[name] = value
    return out


def load(path: Path) -> Weights:
    """Read weights of any form as float32, be it out of an exported model.

    Raises:
        ValueError: an ONNX file that does not say where its trained weights are.
    """
    if path.suffix == ".onnx":
        from train.transfer import onnx_weights

        return onnx_weights.load(path)
    return unpack(load_file(path))


def save(state: Weights, path: Path, form: str) -> None:
    """Write weights in one of `FORMS`, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    save_file({k: np.ascontiguousarray(v) for k, v in pack(state, form).items()}, partial)
    partial.chmod(0o644)  # safetensors makes files for the owner alone
    partial.replace(path)
