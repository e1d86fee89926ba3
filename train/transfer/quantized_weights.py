"""Quantize trainable weights to float16, or to int8 with one scale for each output channel, and back.

A VGG-16 of 59 MB in float32 is 29 MB in float16 and 15 MB in int8. Training continues in float32 from
either, in PyTorch and in Keras: names and axes are PyTorch's, the arrays are numpy's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from common.files import replace_when_written
from ocr.weights.file import is_onnx

Weights = dict[str, NDArray[Any]]
DTYPES = ("float16", "int8")
SCALE = ":scale"
MIN_QUANTIZED = 1024
"""Elements below which an array stays in float16: scales would be most of it."""


def quantize(state: Weights, dtype: str) -> Weights:
    """Convert float arrays to float16, or large ones of two or more axes to int8 and scales.

    Raises:
        ValueError: another dtype.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype of the weights is {dtype!r}, expected one of {', '.join(DTYPES)}")
    out: Weights = {}
    for name, value in state.items():
        if not np.issubdtype(value.dtype, np.floating):
            out[name] = value
        elif dtype == "float16" or value.ndim < 2 or value.size < MIN_QUANTIZED:
            out[name] = value.astype(np.float16)
        else:
            rows = value.reshape(len(value), -1).astype(np.float32)
            scale = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-12)) / np.float32(127)
            out[name] = np.rint(rows / scale[:, None]).astype(np.int8).reshape(value.shape)
            out[name + SCALE] = scale
    return out


def dequantize(quantized: Weights) -> Weights:
    """Return float32 arrays of any dtype; integers without a scale stay as they are."""
    out: Weights = {}
    for name, value in quantized.items():
        if name.endswith(SCALE):
            continue
        scale = quantized.get(name + SCALE)
        if scale is not None:
            scale = scale.reshape((-1,) + (1,) * (value.ndim - 1))
            out[name] = value.astype(np.float32) * scale
        elif np.issubdtype(value.dtype, np.floating):
            out[name] = value.astype(np.float32)
        else:
            out[name] = value
    return out


def load(path: Path) -> Weights:
    """Read weights of any dtype as float32, from a .safetensors file or an exported model.

    Raises:
        ValueError: an ONNX file that does not say where its trained weights are.
    """
    if is_onnx(path):
        from train.transfer import onnx_weights

        return onnx_weights.load(path)
    return dequantize(load_file(path))


def save(state: Weights, path: Path, dtype: str) -> None:
    """Write weights in one of `DTYPES`, whole or not at all."""
    write(quantize(state, dtype), path)


def write(state: Weights, path: Path) -> None:
    """Write arrays as safetensors, whole or not at all."""
    with replace_when_written(path) as partial:
        save_file({k: np.ascontiguousarray(v) for k, v in state.items()}, partial)
        partial.chmod(0o644)  # safetensors makes files for the owner alone
