"""Suppress non-maxima greedily in numpy: the definition that the compiled versions must equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Scores

BLOCK = 512
"""Boxes decided at a time: bounds the memory of one comparison to kept boxes times this."""

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], np.float32(0))
    area: NDArray[np.float32] = sides[:, 0] * sides[:, 1]
    return area


def _candidates(first: Boxes, second: Boxes) -> Pairs:
    """Pairs (i of first, j of second) whose x ranges may overlap, found by sorting on x0."""
    order = np.argsort(second[:, 0], kind="stable")
    starts = second[order, 0]
    widest = np.max(second[:, 2] - second[:, 0], initial=0)
    low = np.searchsorted(starts, first[:, 0] - widest, "left")
    high = np.searchsorted(starts, first[:, 2], "left")
    counts = np.maximum(high - low, 0)
    i = np.repeat(np.arange(len(first)), counts)
    within = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts)
    return i, order[low[i] + within]


def _overlapping(first: Boxes, second: Boxes, threshold: float) -> Pairs:
    """Pairs with an IoU above the threshold."""
    i, j = _candidates(first, second)
    a, b = first[i], second[j]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    sides = np.maximum(sides, np.float32(0))
    shared = sides[:, 0] * sides[:, 1]
    union = _areas(a) + _areas(b) - shared
    # The product instead of a quotient: no division by the zero area of degenerate boxes.
    over = shared > np.float32(threshold) * union
    return i[over], j[over]


def _decide(count: int, pairs: Pairs) -> NDArray[np.bool_]:
    """Which of `count` boxes in order of rank survive, given pairs (i, j) of which i < j overlap.

    A box is kept once every better box that overlaps it is known to be suppressed. Each round
    decides at least the best undecided box, and nearly all boxes in two or three rounds.
    """
    better, worse = pairs
    kept = np.zeros(count, np.bool_)
    open_ = np.ones(count, np.bool_)
    while open_.any():
        live = open_[better] & open_[worse]
        better, worse = better[live], worse[live]
        blocked = np.zeros(count, np.bool_)
        blocked[worse] = True
        newly = open_ & ~blocked
        kept |= newly
        open_ &= ~newly
        open_[worse[newly[better]]] = False
    return kept


def suppress(boxes: Boxes, scores: Scores, threshold: float) -> NDArray[np.intp]:
    """Keep the best of each group of overlapping boxes.

    Args:
        boxes: (M, 4) as x0, y0, x1, y1 in pixels, edges exclusive.
        scores: (M,); of equal scores the earlier box is the better one.
        threshold: a box is dropped when its IoU with a kept better box is strictly above this.

    Returns:
        Indices of the kept boxes, best first. Empty input gives empty output.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = np.ascontiguousarray(boxes[order], np.float32)
    kept = np.zeros(0, np.intp)
    for start in range(0, len(ranked), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(ranked)))
        hit = _overlapping(ranked[kept], ranked[block], threshold)[1]
        block = np.delete(block, np.unique(hit))
        i, j = _overlapping(ranked[block], ranked[block], threshold)
        alive = _decide(len(block), (i[i < j], j[i < j]))
        kept = np.concatenate([kept, block[alive]])
    result: NDArray[np.intp] = order[kept]
    return result
