"""Convert weights, dictionaries of arrays, between the layouts of PyTorch and Keras.

Layers have the same names in both, so only the last part of a name and the order of the axes
differ. Nothing is computed but the sum of an LSTM's two biases, and our networks keep the second at
zero: converting there and back gives the same bits.

    PyTorch                               Keras
    trunk.conv1_1.weight (O, I, H, W)     trunk.conv1_1/kernel (H, W, I, O)
    head.weight (O, I)                    head/kernel (I, O)
    norm5.running_var                     norm5/moving_variance
    rnn1.weight_ih_l0_reverse (G h, I)    rnn1/backward/kernel (I, G h)
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Weights: TypeAlias = dict[str, NDArray[Any]]

IGNORED = ("num_batches_tracked",)
"""Last parts of names that PyTorch has and Keras has not; they come back as zero."""

_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_DIRECTIONS = {"forward": "_l0", "backward": "_l0_reverse"}
_LSTM_GATES, _GRU_GATES = 4, 3


def to_keras(state: Weights, *, embeddings: Collection[str] = ()) -> Weights:
    """Turn a PyTorch state dictionary into Keras' arrays.

    Args:
        state: every parameter and buffer under its full name.
        embeddings: names of the layers that are tables and not products.

    Raises:
        ValueError: a name or shape that belongs to no layer known here.
    """
    out: Weights = {}
    layers: dict[str, Weights] = {}
    for name, value in state.items():
        layer, _, part = name.rpartition(".")
        layers.setdefault(layer, {})[part] = np.asarray(value)
    for layer, parts in layers.items():
        if any(part.startswith("weight_ih") for part in parts):
            out.update(_recurrent_to_keras(layer, parts))
        elif "running_mean" in parts:
            out.update({f"{layer}/{_NORM[p]}": v for p, v in parts.items() if p not in IGNORED})
        elif layer in embeddings:
            out[f"{layer}/embeddings"] = parts["weight"]
        else:
            out.update({_plain_name(layer, p): _plain(layer, p, v) for p, v in parts.items()})
    return out


def to_torch(weights: Weights) -> Weights:
    """Turn Keras' arrays into a PyTorch state dictionary: the inverse of `to_keras`.

    Raises:
        ValueError: a name or shape that belongs to no layer known here.
    """
    norm = {keras: torch for torch, keras in _NORM.items()}
    out: Weights = {}
    recurrent: dict[str, Weights] = {}
    for name, value in weights.items():
        layer, _, part = name.rpartition("/")
        parent, _, direction = layer.rpartition("/")
        if direction in _DIRECTIONS:
            recurrent.setdefault(f"{parent}|{direction}", {})[part] = value
        elif part in norm:
            out[f"{layer}.{norm[part]}"] = value
            out[f"{layer}.num_batches_tracked"] = np.zeros((), np.int64)
        elif part == "embeddings":
            out[f"{layer}.weight"] = value
        elif part == "kernel" and value.ndim in {2, 4}:
            axes = (1, 0) if value.ndim == 2 else (3, 2, 0, 1)
            out[f"{layer}.weight"] = np.ascontiguousarray(value.transpose(axes))
        elif part == "bias":
            out[f"{layer}.bias"] = value
        else:
            raise ValueError(f"{name} has shape {value.shape}, which is no layer known here")
    for key, parts in recurrent.items():
        layer, _, direction = key.partition("|")
        out.update(_recurrent_to_torch(layer, direction, parts))
    return out


def _plain_name(layer: str, part: str) -> str:
    return f"{layer}/{'kernel' if part == 'weight' else part}"


def _plain(layer: str, part: str, value: NDArray[Any]) -> NDArray[Any]:
    if part == "bias" and value.ndim == 1:
        return value
    if part == "weight" and value.ndim in {2, 4}:
        axes = (1, 0) if value.ndim == 2 else (2, 3, 1, 0)
        return np.ascontiguousarray(value.transpose(axes))
    raise ValueError(f"{layer}.{part} has shape {value.shape}, which is no layer known here")


def _swap_gates(value: NDArray[Any]) -> NDArray[Any]:
    """Exchange the first two of a GRU's three gates, (3 h, …): reset first here, update first there."""
    first, second, third = np.split(value, _GRU_GATES)
    return np.concatenate([second, first, third])


def _same(value: NDArray[Any]) -> NDArray[Any]:
    return value


def _order(gates: int, name: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
    if gates not in {_LSTM_GATES, _GRU_GATES}:
        raise ValueError(f"{name} has {gates} gates, expected an LSTM's 4 or a GRU's 3")
    return _swap_gates if gates == _GRU_GATES else _same


def _recurrent_to_keras(layer: str, parts: Weights) -> Weights:
    expected = {
        f"{kind}_{of}{suffix}"
        for kind in ("weight", "bias")
        for of in ("ih", "hh")
        for suffix in _DIRECTIONS.values()
    }
    if set(parts) != expected:
        raise ValueError(
            f"{layer} has {sorted(parts)}, expected one bidirectional layer: {expected}"
        )
    out: Weights = {}
    for direction, suffix in _DIRECTIONS.items():
        inner = parts[f"weight_hh{suffix}"]
        gates = len(inner) // inner.shape[1]
        order = _order(gates, layer)
        kernel, bias = order(parts[f"weight_ih{suffix}"]), order(parts[f"bias_ih{suffix}"])
        second = order(parts[f"bias_hh{suffix}"])
        out[f"{layer}/{direction}/kernel"] = np.ascontiguousarray(kernel.T)
        out[f"{layer}/{direction}/recurrent_kernel"] = np.ascontiguousarray(order(inner).T)
        both = np.stack([bias, second]) if gates == _GRU_GATES else bias + second
        out[f"{layer}/{direction}/bias"] = both
    return out


def _recurrent_to_torch(layer: str, direction: str, parts: Weights) -> Weights:
    suffix = _DIRECTIONS[direction]
    inner = parts["recurrent_kernel"]
    order = _order(inner.shape[1] // len(inner), layer)
    bias = parts["bias"]
    first, second = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    return {
        f"{layer}.weight_ih{suffix}": np.ascontiguousarray(order(parts["kernel"].T)),
        f"{layer}.weight_hh{suffix}": np.ascontiguousarray(order(inner.T)),
        f"{layer}.bias_ih{suffix}": np.ascontiguousarray(order(first)),
        f"{layer}.bias_hh{suffix}": np.ascontiguousarray(order(second)),
    }
