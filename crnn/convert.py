"""Convert weights of this package's networks between PyTorch and Keras, as dictionaries of arrays, bit by bit."""

from __future__ import annotations

from common import convert
from common.convert import Weights

EMBEDDINGS = ("attention.embed", "attention.near")
"""Layers that look something up instead of multiplying."""


def to_keras(state: Weights) -> Weights:
    """Turn the state of a recognizer into weights of its Keras model; see `common.convert`."""
    return convert.to_keras(state, embeddings=EMBEDDINGS)


def to_torch(weights: Weights) -> Weights:
    """Turn weights of a Keras recognizer into the state of its PyTorch network: the inverse."""
    return convert.to_torch(weights)
