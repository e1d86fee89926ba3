"""Weights of a network that learned with a teacher in (`train.teacher_torch`); those of the plain network out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Weights = dict[str, NDArray[Any]]


def is_pupil(state: Mapping[str, Any]) -> bool:
    """Say whether weights are of a `Pupil`."""
    return "join.weight" in state and any(name.startswith("student.") for name in state)


def merged(state: Weights) -> Weights:
    """Return the weights of the plain network from those of a `Pupil`: two linear layers become one.

    Raises:
        ValueError: these are no weights of a pupil.
    """
    if not is_pupil(state):
        raise ValueError("these are no weights of a run with --teacher")
    part = "student."
    own = {name.removeprefix(part): w for name, w in state.items() if name.startswith(part)}
    weight, bias = state["classify.weight"], state["classify.bias"]
    own["classify.weight"] = weight @ state["join.weight"]
    own["classify.bias"] = weight @ state["join.bias"] + bias
    return own
