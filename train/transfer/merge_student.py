"""Weights of a network that learned with a teacher in (`distill_torch`); those of the plain network out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Weights = dict[str, NDArray[Any]]

STUDENT = "student."
"""How the names begin of what is the network's own."""

_EMBED, _OUT = "attention.embed", "attention.out"
"""What attention reads and writes characters with, in a pupil by way of the classifier."""


def is_pupil(state: Mapping[str, Any]) -> bool:
    """Say whether weights are of a `Pupil`."""
    return "join.weight" in state and any(name.startswith(STUDENT) for name in state)


def merged(state: Weights) -> Weights:
    """Return the weights of the plain network from those of a `Pupil`: two linear layers become one.

    Raises:
        ValueError: these are no weights of a pupil.
    """
    if not is_pupil(state):
        raise ValueError("these are no weights of a run with --teacher")
    own = {name.removeprefix(STUDENT): w for name, w in state.items() if name.startswith(STUDENT)}
    weight, bias = state["classify.weight"], state["classify.bias"]
    own["classify.weight"] = weight @ state["join.weight"]
    own["classify.bias"] = weight @ state["join.bias"] + bias
    if f"{_EMBED}.bring.weight" in own:
        own[f"{_EMBED}.weight"] = weight @ own.pop(f"{_EMBED}.bring.weight").T
        own[f"{_OUT}.weight"] = weight @ own.pop(f"{_OUT}.bring.weight")
        own[f"{_OUT}.bias"] = weight @ own.pop(f"{_OUT}.bring.bias") + bias
    return own
