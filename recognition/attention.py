"""Convert what an attention decoder found to the runs that CTC gives: one class, one place, one probability each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from recognition.ctc import Run

END = 0
"""Class that ends a line; the blank of CTC."""

BACK, SPAN = 8, 64
"""Time steps behind the last place that attention tells apart, and in all; what is farther counts as the farthest."""


_BEHIND, _AHEAD, _FREE = 0.5, 0.1, 8
"""What each step back costs at first, in nats, and each one ahead beyond the steps of a wide character."""


def prior() -> Floats:
    """Where attention looks before it has learned where, (SPAN,) in nats: lines are read from the left."""
    ahead = np.arange(SPAN, dtype=np.float32) - BACK
    far = _BEHIND * np.maximum(-ahead, 0) + _AHEAD * np.maximum(ahead - _FREE, 0)
    return np.asarray(-far, np.float32)


def runs(labels: NDArray[np.int64], log_probs: Floats, places: Floats, steps: int) -> list[Run]:
    """Cut one line's characters at its end and give each the step it was seen at.

    Args:
        labels: (L,) classes; the first 0 ends the line.
        log_probs: (L,) of the classes.
        places: (L,) middle of what was looked at for each, in time steps from the left edge.
        steps: time steps of the line, padding left out; attention may have looked beyond.

    Returns:
        One run of one step for each character, in reading order; none for L = 0.
    """
    ends = np.flatnonzero(labels == END)
    count = int(ends[0]) if len(ends) else len(labels)
    starts = np.clip(np.floor(places[:count]), 0, max(steps - 1, 0)).astype(int)
    probability = np.exp(np.minimum(log_probs[:count], 0))
    return [
        Run(int(label), int(start), int(start) + 1, float(p))
        for label, start, p in zip(labels[:count], starts, probability, strict=True)
    ]
