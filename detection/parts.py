"""Join the many parts that are found of lines: by tracks first, which are sorted, then each with each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Quads
from detection.links import components
from detection.overlap import middles
from detection.suppression import of_one_line

HEIGHT_STEP, DEGREES, ASIDE = 1.25, 6.0, 0.3
"""Of a track: from one height to the next, from one direction to the next, and how wide it is, in heights."""

TOUCH = 0.25
"""Of a height: how far two parts of one track overlap at least."""

END = 0.12
"""Share of the parts at a line's end that reach beyond where it is taken to be: a single one may be too long."""

_Numbers = NDArray[Any]
"""In double precision inside this module."""

Groups = NDArray[np.intp]
"""(K,) from 0: the number of each part's group; none is empty."""


def rows_of(quads: Quads, scores: Floats) -> Floats:
    """Return parts (K, 7) for quads (K, 4, 2): center, unit vector along, length, height, score; up to 90 degrees."""
    first = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    second = (quads[:, 2] - quads[:, 1] + quads[:, 3] - quads[:, 0]) / 2
    lengths = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    long = (lengths[0] >= lengths[1])[:, None]
    side, other = np.where(long, first, second), np.where(long, second, first)
    length = np.maximum(np.maximum(*lengths), 1e-6)[:, None]
    along = side / length * np.where(side[:, :1] < 0, -1, 1)
    height = np.abs(along[:, 0] * other[:, 1] - along[:, 1] * other[:, 0])[:, None]
    columns = [middles(quads), along, length, height, scores[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def joined(parts: Floats, most: int, *, level: bool = False) -> tuple[Floats, Floats]:
    """Join parts that overlap along one line.

    Args:
        parts: (K, 7) as `rows_of` returns them.
        most: pieces that are compared each with each, those of most parts first: bounds time on noise.
        level: the parts have no direction of their own, a slanted line's are stairs.

    Returns:
        Lines (M, 7), likewise, and of how many parts each is, (M,).
    """
    track = _tracks(parts)
    pieces, counts = combined(parts, track, level=level)
    if len(pieces) > most:
        kept = np.argpartition(-counts, most)[:most]
        number = np.full(len(pieces), -1)
        number[kept] = np.arange(most)
        parts, track = parts[number[track] >= 0], number[track][number[track] >= 0]
        pieces = pieces[kept]
    if level:  # else the single part at an end looks turned against the stairs beside it
        pieces[:, 2:4] = 1, 0
    together = np.triu(of_one_line(pieces[:, :6]), 1)
    whole = components(len(pieces), *np.nonzero(together))
    return combined(parts, whole[track], level=level)


def _tracks(parts: Floats) -> Groups:
    """Group parts of about the same height, direction and place across it that touch along it."""
    along, heights = parts[:, 2:4], np.maximum(parts[:, 5], 1e-3)
    size = np.round(np.log(heights) / np.log(HEIGHT_STEP))
    turn = np.round(np.rad2deg(np.arctan2(along[:, 1], along[:, 0])) / DEGREES)
    angle = np.deg2rad(turn * DEGREES)
    cos, sin = np.cos(angle), np.sin(angle)
    aside = parts[:, 1] * cos - parts[:, 0] * sin
    across = np.round(aside / (ASIDE * HEIGHT_STEP**size))
    keys = np.stack([size, turn, across], axis=1)
    track = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    place = parts[:, 0] * cos + parts[:, 1] * sin
    low, high = place - parts[:, 4] / 2, place + parts[:, 4] / 2
    order = np.lexsort((low, track))
    # Tracks far from each other, so that the farthest end so far is one running maximum.
    apart = 1e6 * track[order].astype(np.float64)
    reached = np.maximum.accumulate(high[order] + apart)
    needed = low[order] + apart + TOUCH * heights[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = needed[1:] > reached[:-1]
    group = np.empty(len(order), np.intp)
    group[order] = np.cumsum(starts) - 1
    return group


def combined(parts: Floats, group: Groups, *, level: bool = False) -> tuple[Floats, Floats]:
    """Make one line of each group of parts (K, 7): rows (M, 7), and of how many parts each is, (M,).

    The direction is that of the parts' spread, which is that of the longest parts and of the middles; the mean of the
    parts' own directions would be less sure, the shorter they are.
    """
    count = int(group.max(initial=-1)) + 1
    weights = parts[:, 6].astype(np.float64)
    total = np.maximum(np.bincount(group, weights, count), 1e-9)

    def mean(values: _Numbers) -> _Numbers:
        return np.asarray(np.bincount(group, weights * values, count) / total)

    middle = np.stack([mean(parts[:, 0]), mean(parts[:, 1])], axis=1)
    x, y = (parts[:, :2] - middle[group]).T
    own = (0.2 * parts[:, 5]) ** 2 if level else parts[:, 4] ** 2 / 12
    right, down = parts[:, 2], parts[:, 3]
    straight = mean(x * x - y * y + own * (right * right - down * down))
    angle = np.arctan2(mean(2 * x * y + 2 * own * right * down), straight) / 2
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    slant = np.abs((parts[:, 2:4] * along[group]).sum(axis=1)).clip(0.5, 1)
    place = x * along[group, 0] + y * along[group, 1]
    half = parts[:, 4] / slant / 2
    low = _end(place - half, 2 * half, weights, group, count)
    high = -_end(-place - half, 2 * half, weights, group, count)
    center = middle + along * ((low + high) / 2)[:, None]
    counts = np.bincount(group, minlength=count)
    scores = np.bincount(group, weights, count) / np.maximum(counts, 1)
    height = mean(parts[:, 5] * slant)
    rows = np.concatenate([center, along, np.stack([high - low, height, scores], axis=1)], axis=1)
    return rows.astype(np.float32), counts.astype(np.float32)


def _end(
    low: _Numbers, lengths: _Numbers, weights: _Numbers, group: Groups, count: int
) -> _Numbers:
    """Return where each group begins, (M,): the quantile of the beginnings of those parts that are next to it."""
    least = np.full(count, np.inf)
    np.minimum.at(least, group, low)
    near = low <= least[group] + lengths / 2
    order = np.lexsort((low, group))
    order = order[near[order]]
    sums = np.cumsum(weights[order])
    each = np.bincount(group[order], weights[order], count)
    before = np.cumsum(each) - each
    first = np.searchsorted(sums, before + END * each)
    return np.asarray(low[order][np.minimum(first, len(order) - 1)] if count else np.zeros(0))
