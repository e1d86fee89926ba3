"""Copy weights of a Keras model to and from a dictionary of arrays, named as in `common.convert`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bidirectional layers wrap a copy of a layer around a cell: three names for one thing.
_NESTED = re.compile(r"/(?:bidirectional/)?(forward|backward)_(?:lstm|gru)/(?:lstm|gru)_cell/")
_PLAIN = re.compile(r"/(?=.*/)(?!(?:forward|backward)/)")


def _name(path: str) -> str:
    """Name a variable: `rnn1/backward/kernel`; a layer inside a layer is joined by a dot, as in PyTorch."""
    return _PLAIN.sub(".", _NESTED.sub(r"/\1/", path.replace("/cell/", "/")))


def _variables(model: Any) -> dict[str, Any]:
    return {_name(v.path): v for v in model.weights}


def weights(model: Any) -> dict[str, NDArray[Any]]:
    """Return every weight of a built model under its layer's name."""
    return {name: np.array(v.numpy()) for name, v in _variables(model).items()}


def set_weights(model: Any, values: dict[str, NDArray[Any]]) -> None:
    """Give a built model these weights.

    Raises:
        ValueError: a name that is missing or too many, or an array of another shape.
    """
    variables = _variables(model)
    missing, foreign = sorted(set(variables) - set(values)), sorted(set(values) - set(variables))
    if missing or foreign:
        raise ValueError(
            f"the weights lack {missing[:5]} and hold {foreign[:5]} that the model has not: "
            "they are of another network, or of another --arch"
        )
    for name, variable in variables.items():
        if tuple(variable.shape) != values[name].shape:
            raise ValueError(f"{name} is {values[name].shape}, expected {tuple(variable.shape)}")
        variable.assign(values[name])
