"""Join text proposals to oriented text lines.

Tian et al. 2016, section 3.2, in arrays instead of a graph. Every proposal is linked to at most one
neighbour on each side: the one that overlaps it most vertically and is about as high, within a gap
that grows with the height. Chains of proposals are lines, and a single proposal is a line too. Top and
bottom are straight fits, the ends come from side refinement (section 3.3), and lines that continue
each other are joined last.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Quads, Scores
from common.quads import weighted_median
from ctpn.anchors import STRIDE, Indices
from ctpn.proposals import Proposals

MAX_REACH = 12
"""Cells that a link may span at most: a bound of time for huge lettering."""

SLOPE_NOISE = 0.5
"""How hard short chains lean on the page's slope: error of an edge over that of a slope."""

TAPER_NOISE = 2.0
"""The same for the growth of the height along a line, which perspective makes small."""

MAX_SLOPE = 1.0
"""Steepest line, 45 degrees: beyond that proposals no longer describe text."""

Doubles = NDArray[np.float64]


class TextLines(NamedTuple):
    """Lines in pixels of the network's input."""

    quads: Quads
    """(M, 4, 2) clockwise from the top left."""
    scores: Scores
    """(M,) mean probability of the proposals."""
    counts: Indices
    """(M,) how many proposals each line has."""


class _Ordered(NamedTuple):
    """Proposals sorted by column, then middle; all (N,)."""

    col: Indices
    middle: Doubles
    height: Doubles
    score: Doubles
    own: Doubles
    outer_left: Doubles
    outer_right: Doubles


class _Fits(NamedTuple):
    """One straight fit for each chain; all (L,)."""

    x: Doubles
    y: Doubles
    slope: Doubles
    height: Doubles
    taper: Doubles
    left: Doubles
    right: Doubles
    score: Doubles
    counts: Indices


def _in_order(proposals: Proposals) -> _Ordered:
    boxes = proposals.boxes.astype(np.float64)
    col = np.round(boxes[:, 0] / STRIDE).astype(np.intp)
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    order = np.lexsort((middle, col))
    height = boxes[:, 3] - boxes[:, 1]
    ends = proposals.ends.astype(np.float64)[order]
    score = proposals.scores.astype(np.float64)[order]
    return _Ordered(
        col[order], middle[order], height[order], score, ends[:, 0], ends[:, 1], ends[:, 2]
    )


def _compatibility(
    ordered: _Ordered, i: Indices, j: Indices, overlap: float, size: float
) -> Doubles:
    """Vertical IoU of proposals i and j; 0 where they overlap too little or differ in height."""
    a, b = ordered.height[i], ordered.height[j]
    shared = (a + b) / 2 - np.abs(ordered.middle[i] - ordered.middle[j])
    small, large = np.minimum(a, b), np.maximum(a, b)
    shared = np.minimum(shared, small)
    good = (shared >= overlap * small) & (small >= size * large)
    return np.where(good, shared / (a + b - shared), 0.0)


def _link(
    ordered: _Ordered, gap_ratio: float, overlap: float, size: float
) -> tuple[Indices, Indices]:
    """Successor and predecessor of every proposal, -1 for none; nearer columns are linked first."""
    count = len(ordered.col)
    successor, predecessor = np.full(count, -1), np.full(count, -1)
    span = ordered.middle.max() - ordered.middle.min() + 1.0
    keys = ordered.col * span + (ordered.middle - ordered.middle.min())
    # At least one missing proposal is bridged, whatever the height.
    reach = np.clip(np.ceil(gap_ratio * ordered.height / STRIDE).astype(np.intp) + 1, 2, MAX_REACH)
    for step in range(1, int(reach.max()) + 1):
        loose = np.flatnonzero((successor < 0) & (reach >= step))
        place = np.searchsorted(keys, keys[loose] + step * span)
        # Proposals of one column hardly overlap, so the best one is among the nearest two on each
        # side.
        i = np.repeat(loose, 4)
        j = (place[:, None] + np.arange(-2, 2)).ravel()
        valid = (j >= 0) & (j < count)
        i, j = i[valid], j[valid]
        valid = (ordered.col[j] == ordered.col[i] + step) & (predecessor[j] < 0)
        i, j = i[valid], j[valid]
        fit = _compatibility(ordered, i, j, overlap, size)
        if step > 1:
            fit[_gap(ordered, i, j) > gap_ratio * (ordered.height[i] + ordered.height[j]) / 2] = 0
        order = np.argsort(-fit, kind="stable")
        order = order[fit[order] > 0]
        i, j = i[order], j[order]
        # Only pairs that choose each other: first place in both lists, which are sorted by fit.
        mutual = _is_first(i) & _is_first(j)
        successor[i[mutual]], predecessor[j[mutual]] = j[mutual], i[mutual]
    return successor, predecessor


def _is_first(values: Indices) -> NDArray[np.bool_]:
    first = np.zeros(len(values), np.bool_)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _gap(ordered: _Ordered, i: Indices, j: Indices) -> Doubles:
    """Background between two proposals in pixels, refined ends counting where plausible."""
    right = _plausible_right(ordered, i)
    left = _plausible_left(ordered, j)
    return np.asarray(left - right)


def _plausible_left(ordered: _Ordered, first: Indices) -> Doubles:
    """Left end told by proposals: from a cell and a half before the middle to a quarter cell after it.

    The rest of a line's own first cell would not have been text, so what lies outside is noise.
    """
    middle = ordered.col[first] * float(STRIDE) + STRIDE / 2
    own = ordered.own[first]
    good = (own >= middle - 1.5 * STRIDE) & (own <= middle + 0.35 * STRIDE)
    return np.where(good, own, middle - STRIDE / 2)


def _plausible_right(ordered: _Ordered, last: Indices) -> Doubles:
    """Right end told by proposals, mirrored from `_plausible_left`."""
    middle = ordered.col[last] * float(STRIDE) + STRIDE / 2
    own = ordered.own[last]
    good = (own <= middle + 1.5 * STRIDE) & (own >= middle - 0.35 * STRIDE)
    return np.where(good, own, middle + STRIDE / 2)


def _ends(ordered: _Ordered, first: Indices, last: Indices) -> tuple[Doubles, Doubles]:
    """Left and right end of every line from its first and last proposal.

    A single proposal cannot tell its two ends apart; the cells beside it can, because they each see the
    end that faces them.
    """
    left, right = _plausible_left(ordered, first), _plausible_right(ordered, last)
    single = ordered.col[first] == ordered.col[last]
    edge = ordered.col[first] * float(STRIDE)
    outer_left, outer_right = ordered.outer_left[first], ordered.outer_right[last]
    left_good = (outer_left >= edge - STRIDE / 2) & (outer_left <= edge + 0.75 * STRIDE)
    right_good = (outer_right <= edge + 1.5 * STRIDE) & (outer_right >= edge + 0.25 * STRIDE)
    left = np.where(single, np.where(left_good, outer_left, edge), left)
    right = np.where(single, np.where(right_good, outer_right, edge + STRIDE), right)
    return left, np.maximum(right, left + 1)


def _chains(successor: Indices, predecessor: Indices) -> Indices:
    """Number of the chain of each proposal, from 0, by walking to the head in doubling steps."""
    head = np.where(predecessor < 0, np.arange(len(predecessor)), predecessor)
    while True:
        further = head[head]
        if np.array_equal(further, head):
            break
        head = further
    return np.unique(head, return_inverse=True)[1].reshape(-1)


def _fit(ordered: _Ordered, chain: Indices) -> _Fits:
    """Straight fits of middle and height for every chain; short ones lean on the page's slope."""
    count = np.asarray(np.bincount(chain), np.intp)
    x = np.asarray(ordered.col * float(STRIDE) + STRIDE / 2, np.float64)

    def mean(values: Doubles) -> Doubles:
        return np.asarray(np.bincount(chain, values) / count, np.float64)

    center, middle, height = mean(x), mean(ordered.middle), mean(ordered.height)
    away = x - center[chain]
    spread = mean(away * away) * count
    rise = mean(away * ordered.middle) * count
    growth = mean(away * ordered.height) * count
    page = _page_slope(rise, spread, count)
    lean = (SLOPE_NOISE * height) ** 2
    slope = np.clip((rise + lean * page) / (spread + lean), -MAX_SLOPE, MAX_SLOPE)
    taper = growth / (spread + (TAPER_NOISE * height) ** 2)

    order = np.lexsort((x, chain))
    last = np.cumsum(count) - 1
    first = order[last - count + 1]
    left, right = _ends(ordered, first, order[last])
    # The height stays positive over the whole line however strong the taper.
    reach = np.maximum(np.maximum(center - left, right - center), 1.0)
    taper = np.clip(taper, -0.5 * height / reach, 0.5 * height / reach)
    return _Fits(center, middle, slope, height, taper, left, right, mean(ordered.score), count)


def _page_slope(rise: Doubles, spread: Doubles, count: Indices) -> float:
    """Median slope of the longer chains, weighted by their length; 0 without any."""
    long = count >= 4
    if not long.any():
        return 0.0
    return float(np.clip(weighted_median(rise[long] / spread[long], count[long]), -0.5, 0.5))


def _continuations(fits: _Fits, gap_ratio: float, size: float) -> tuple[Indices, Indices]:
    """Pairs of lines of which the second continues the first, nearest first, each used once."""
    gap = fits.left[None, :] - fits.right[:, None]
    tall = np.maximum(fits.height[:, None], fits.height[None, :])
    small = np.minimum(fits.height[:, None], fits.height[None, :])
    at = (fits.left[None, :] + fits.right[:, None]) / 2
    mine = fits.y[:, None] + fits.slope[:, None] * (at - fits.x[:, None])
    other = fits.y[None, :] + fits.slope[None, :] * (at - fits.x[None, :])
    close = (gap <= gap_ratio * small) & (gap >= -small)
    close &= (small >= size * tall) & (np.abs(mine - other) <= 0.3 * small)
    # A line never continues one that it starts before or ends before.
    close &= (fits.x[:, None] < fits.x[None, :]) & (fits.right[:, None] < fits.right[None, :])
    i, j = np.nonzero(close)
    order = np.argsort(np.abs(gap[i, j]), kind="stable")
    i, j = i[order], j[order]
    mutual = _is_first(i) & _is_first(j)
    return i[mutual], j[mutual]


def _merge(chain: Indices, fits: _Fits, gap_ratio: float, size: float) -> Indices:
    """Chain numbers after joining the lines that continue each other."""
    first, second = _continuations(fits, gap_ratio, size)
    count = len(fits.x)
    successor, predecessor = np.full(count, -1), np.full(count, -1)
    successor[first], predecessor[second] = second, first
    return _chains(successor, predecessor)[chain]


def _quads(fits: _Fits) -> Quads:
    """Corners of lines whose short sides stand upright on their middle line."""
    top_slope, bottom_slope = fits.slope - fits.taper / 2, fits.slope + fits.taper / 2
    top, bottom = fits.y - fits.height / 2, fits.y + fits.height / 2
    corners = []
    for x, edge, edge_slope in (
        (fits.left, top, top_slope),
        (fits.right, top, top_slope),
        (fits.right, bottom, bottom_slope),
        (fits.left, bottom, bottom_slope),
    ):
        away = x - fits.x
        y = fits.y + fits.slope * away
        # Along the normal (-slope, 1) from the middle line until the edge is met.
        step = (edge + edge_slope * away - y) / (1 + edge_slope * fits.slope)
        corners.append(np.stack([x - fits.slope * step, y + step], axis=1))
    return np.stack(corners, axis=1).astype(np.float32)


def connect(
    proposals: Proposals,
    *,
    gap_ratio: float = 1.0,
    min_overlap: float = 0.55,
    min_size: float = 0.55,
    merge_ratio: float = 0.8,
) -> TextLines:
    """Join proposals into lines.

    Args:
        proposals: proposals on the grid, in any order.
        gap_ratio: widest gap inside a line, in heights; a wider one divides two lines.
        min_overlap: least vertical overlap of neighbours, as part of the smaller height.
        min_size: least ratio of the heights of neighbours.
        merge_ratio: widest gap, in heights, between lines joined by the second look.

    Returns:
        Lines by their left end; none for no proposals.
    """
    if not len(proposals.boxes):
        return TextLines(
            np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32), np.zeros(0, np.intp)
        )
    ordered = _in_order(proposals)
    chain = _chains(*_link(ordered, gap_ratio, min_overlap, min_size))
    fits = _fit(ordered, chain)
    merged = _merge(chain, fits, merge_ratio, min_size)
    if merged.max() < chain.max():
        fits = _fit(ordered, merged)
    return TextLines(_quads(fits), fits.score.astype(np.float32), fits.counts.astype(np.intp))
