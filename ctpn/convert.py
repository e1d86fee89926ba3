"""Weights of this package's networks between PyTorch and Keras, as dictionaries of arrays, bit by bit."""

from __future__ import annotations

from common import convert
from common.convert import Weights


def to_keras(state: Weights) -> Weights:
    """Turn the state of `ctpn.model_torch` into weights of `ctpn.model_keras`; see `common.convert`."""
    return convert.to_keras(state)


def to_torch(weights: Weights) -> Weights:
    """Turn weights of `ctpn.model_keras` into the state of `ctpn.model_torch`: the inverse."""
    return convert.to_torch(weights)
