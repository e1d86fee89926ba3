"""CTC decoding of log-probabilities (Graves et al. 2006), with a confidence and a place for each character."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats

BLANK = 0


class Reading(NamedTuple):
    """What a line says.

    Attributes:
        text: empty when nothing was read.
        score: mean of `char_scores`; 0.0 for an empty text.
        char_scores: one probability in [0, 1] per character.
        char_spans: one (from, to) per character, fractions of the crop's width.
    """

    text: str
    score: float
    char_scores: tuple[float, ...]
    char_spans: tuple[tuple[float, float], ...]


class Run(NamedTuple):
    """Consecutive time steps of one class: class index, first step, step after the last, best probability."""

    label: int
    start: int
    stop: int
    probability: float


def greedy(log_probs: Floats) -> list[Run]:
    """Collapse the best class of each step: repeats merge, blanks vanish.

    Args:
        log_probs: (T, C), class 0 is the blank. T = 0 gives an empty list.
    """
    return collapse(log_probs.argmax(1), log_probs.max(1)) if len(log_probs) else []


def collapse(best: NDArray[np.int64], best_log_prob: Floats) -> list[Run]:
    """Merge equal neighbours of (T,) best classes and drop blanks; see `greedy`."""
    if not len(best):
        return []
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    stops = np.append(starts[1:], len(best))
    probability = np.exp(np.maximum.reduceat(best_log_prob, starts))
    return [
        Run(int(best[a]), int(a), int(b), min(float(p), 1.0))
        for a, b, p in zip(starts, stops, probability, strict=True)
        if best[a] != BLANK
    ]
