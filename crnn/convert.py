"""Weights of this package's networks between PyTorch and Keras, as dictionaries of arrays, bit by bit."""

from __future__ import annotations

from common import convert
from common.convert import Weights

EMBEDDINGS = ("attention.embed", "attention.near")
"""Layers that look something up instead of multiplying."""


def to_keras(state: Weights) -> Weights:
    """Turn the state of `crnn.reference_torch` into weights of `crnn.model_keras`; see `common.convert`."""
    return convert.to_keras(state, embeddings=EMBEDDINGS)


def to_torch(weights: Weights) -> Weights:
    """Turn weights of `crnn.model_keras` into the state of `crnn.reference_torch`: the inverse."""
    return convert.to_torch(weights)
