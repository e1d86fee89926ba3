"""Weights of this package's networks between PyTorch and Keras, as dictionaries of arrays, bit by bit."""

from __future__ import annotations

from common import convert
from common.convert import Weights


def to_keras(state: Weights) -> Weights:
    """Turn the state of `angle.model_torch` into weights of `angle.model_keras`; see `common.convert`."""
    return convert.to_keras(state)


def to_torch(weights: Weights) -> Weights:
    """Turn weights of `angle.model_keras` into the state of `angle.model_torch`: the inverse."""
    return convert.to_torch(weights)
