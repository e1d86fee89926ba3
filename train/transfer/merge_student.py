"""Merge a distilled recognizer (`distill_torch`) into the plain network: two linear layers become one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Weights = dict[str, NDArray[Any]]

STUDENT = "student."
"""Prefix of the names of the student's own weights."""

_EMBED, _OUT = "attention.embed", "attention.out"
"""Attention's input and output layers, tied to the classifier while distilled."""


def is_distilled(state: Mapping[str, Any]) -> bool:
    """Say whether weights are of a `DistilledStudent`."""
    return "join.weight" in state and any(name.startswith(STUDENT) for name in state)


def merge(state: Weights) -> Weights:
    """Return the weights of the plain network from those of a `DistilledStudent`.

    Raises:
        ValueError: these are no weights of a distilled student.
    """
    if not is_distilled(state):
        raise ValueError("these are no weights of a run with --teacher")
    own = {name.removeprefix(STUDENT): w for name, w in state.items() if name.startswith(STUDENT)}
    weight, bias = state["classify.weight"], state["classify.bias"]
    own["classify.weight"] = weight @ state["join.weight"]
    own["classify.bias"] = weight @ state["join.bias"] + bias
    if f"{_EMBED}.project.weight" in own:
        own[f"{_EMBED}.weight"] = weight @ own.pop(f"{_EMBED}.project.weight").T
        own[f"{_OUT}.weight"] = weight @ own.pop(f"{_OUT}.project.weight")
        own[f"{_OUT}.bias"] = weight @ own.pop(f"{_OUT}.project.bias") + bias
    return own
