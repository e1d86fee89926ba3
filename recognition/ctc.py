"""Decode CTC (Graves et al. 2006) greedily, and align a given text: how well and where it fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats

BLANK = 0


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
    if not len(log_probs):
        return []
    best = log_probs.argmax(1)
    return collapse(best, log_probs[np.arange(len(best)), best])


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


def align(log_probs: Floats, labels: Sequence[int]) -> tuple[NDArray[np.int64], Floats]:
    """Return the most probable alignment (T,) of a text, and its log-probabilities (T,).

    Args:
        log_probs: (T, C).
        labels: classes of the text, at most T with one blank between repeats.
    """
    path, skips = _path(labels)
    scores = log_probs[:, path].astype(np.float64)  # (T, 2 L + 1)
    # Two places before the path that nothing comes from, so that what comes to each place is a slice.
    best = np.full((len(scores), len(path) + 2), -np.inf)
    best[0, 2:4] = scores[0, :2]
    barred = np.where(skips, 0.0, -np.inf)
    skipped = np.empty(len(path))
    for before, after, score in zip(best[:-1], best[1:, 2:], scores[1:], strict=True):
        np.maximum(before[2:], before[1:-1], out=after)
        np.maximum(after, np.add(before[:-2], barred, out=skipped), out=after)
        after += score
    place = len(path) - 1 if len(path) == 1 or best[-1, -1] >= best[-1, -2] else len(path) - 2
    places = np.zeros(len(scores), np.int64)
    for step in range(len(scores) - 1, -1, -1):
        places[step] = place
        # Of equals, the path that stays, then the one that came from the place before.
        skip, last, stay = best[step - 1, place : place + 3].tolist()
        skip += barred[place]
        place -= (last > stay) if max(stay, last) >= skip else 2
    chosen = path[places]
    return chosen, np.asarray(scores[np.arange(len(scores)), places], np.float32)


def log_likelihood(log_probs: Floats, labels: Sequence[int]) -> float:
    """Return the logarithm of a text's probability: the sum over all its alignments.

    Args:
        log_probs: (T, C).
        labels: classes of the text; -inf where it has no room in T steps.
    """
    path, skips = _path(labels)
    forward = np.full(len(path), -np.inf)
    forward[0] = 0.0  # before the first step, which a blank or the first character may take
    for scores in log_probs[:, path].astype(np.float64):
        last, skip = _shifted(forward, skips)
        forward = np.logaddexp(np.logaddexp(forward, last), skip) + scores
    return float(np.logaddexp.reduce(forward[-2:]))


def _path(labels: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Blanks between and around the classes, and at which places the blank before may be left out."""
    path = np.full(2 * len(labels) + 1, BLANK, np.int64)
    path[1::2] = labels
    skips = np.zeros(len(path), np.bool_)
    skips[3::2] = path[3::2] != path[1:-2:2]
    return path, skips


def _shifted(
    forward: NDArray[np.float64], skips: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What comes to each place of a path from the one before, and from the one before that."""
    from_last = np.concatenate([[-np.inf], forward[:-1]])
    from_skip = np.concatenate([[-np.inf, -np.inf], forward])[: len(forward)]
    return from_last, np.where(skips, from_skip, -np.inf)
