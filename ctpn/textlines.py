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
from ctpn.settings import LineSettings

_OUTWARD = 1.5
"""Cells from the middle of a line's last proposal out to its end at most: one cell of text may have been missed."""

_INWARD = 0.35
"""Cells from that middle inwards: a quarter of a proposal is text (`ctpn.targets.MIN_COVERAGE`), a tenth is noise."""

_BESIDE = 0.5
"""Cells outwards from a single proposal to an end told by the cell beside it, which sees that end alone."""

_ACROSS = 0.75
"""Cells inwards from there, likewise: a quarter of the proposal is text."""

_MAX_TAPER = 0.5
"""Share of its height that a line may lose from its middle to an end, so that no edges cross."""

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


def _compatibility(ordered: _Ordered, i: Indices, j: Indices, settings: LineSettings) -> Doubles:
    """Vertical IoU of proposals i and j; 0 where they overlap too little or differ in height."""
    a, b = ordered.height[i], ordered.height[j]
    shared = (a + b) / 2 - np.abs(ordered.middle[i] - ordered.middle[j])
    small, large = np.minimum(a, b), np.maximum(a, b)
    shared = np.minimum(shared, small)
    good = (shared >= settings.min_overlap * small) & (small >= settings.min_size * large)
    return np.where(good, shared / (a + b - shared), 0.0)


def _link(ordered: _Ordered, settings: LineSettings) -> tuple[Indices, Indices]:
    """Successor and predecessor of every proposal, -1 for none; nearer columns are linked first."""
    count = len(ordered.col)
    successor, predecessor = np.full(count, -1), np.full(count, -1)
    span = ordered.middle.max() - ordered.middle.min() + 1.0
    keys = ordered.col * span + (ordered.middle - ordered.middle.min())
    gap_ratio = settings.gap_ratio
    # At least one missing proposal is bridged, whatever the height.
    reach = np.ceil(gap_ratio * ordered.height / STRIDE).astype(np.intp) + 1
    reach = np.clip(reach, 2, settings.max_reach)
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
        fit = _compatibility(ordered, i, j, settings)
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
    """Left end told by proposals, where it lies about the first one's own edge.

    The rest of a line's own first cell would not have been text, so what lies outside is noise.
    """
    middle = ordered.col[first] * float(STRIDE) + STRIDE / 2
    own = ordered.own[first]
    good = (own >= middle - _OUTWARD * STRIDE) & (own <= middle + _INWARD * STRIDE)
    return np.where(good, own, middle - STRIDE / 2)


def _plausible_right(ordered: _Ordered, last: Indices) -> Doubles:
    """Right end told by proposals, mirrored from `_plausible_left`."""
    middle = ordered.col[last] * float(STRIDE) + STRIDE / 2
    own = ordered.own[last]
    good = (own <= middle + _OUTWARD * STRIDE) & (own >= middle - _INWARD * STRIDE)
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
    out, across = _BESIDE * STRIDE, _ACROSS * STRIDE
    left_good = (outer_left >= edge - out) & (outer_left <= edge + across)
    right_good = (outer_right <= edge + STRIDE + out) & (outer_right >= edge + STRIDE - across)
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


def _fit(ordered: _Ordered, chain: Indices, settings: LineSettings) -> _Fits:
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
    page = _page_slope(rise, spread, count, settings)
    lean, steepest = (settings.slope_noise * height) ** 2, settings.max_slope
    slope = np.clip((rise + lean * page) / (spread + lean), -steepest, steepest)
    taper = growth / (spread + (settings.taper_noise * height) ** 2)

    order = np.lexsort((x, chain))
    last = np.cumsum(count) - 1
    first = order[last - count + 1]
    left, right = _ends(ordered, first, order[last])
    # The height stays positive over the whole line however strong the taper.
    reach = np.maximum(np.maximum(center - left, right - center), 1.0)
    most = _MAX_TAPER * height / reach
    taper = np.clip(taper, -most, most)
    return _Fits(center, middle, slope, height, taper, left, right, mean(ordered.score), count)


def _page_slope(rise: Doubles, spread: Doubles, count: Indices, settings: LineSettings) -> float:
    """Median slope of the longer chains, weighted by their length; 0 without any."""
    long = count >= settings.min_slope_proposals
    if not long.any():
        return 0.0
    slope = weighted_median(rise[long] / spread[long], count[long])
    return float(np.clip(slope, -settings.max_page_slope, settings.max_page_slope))


def _continuations(fits: _Fits, settings: LineSettings) -> tuple[Indices, Indices]:
    """Pairs of lines of which the second continues the first, nearest first, each used once."""
    gap = fits.left[None, :] - fits.right[:, None]
    tall = np.maximum(fits.height[:, None], fits.height[None, :])
    small = np.minimum(fits.height[:, None], fits.height[None, :])
    at = (fits.left[None, :] + fits.right[:, None]) / 2
    mine = fits.y[:, None] + fits.slope[:, None] * (at - fits.x[:, None])
    other = fits.y[None, :] + fits.slope[None, :] * (at - fits.x[None, :])
    close = (gap <= settings.merge_ratio * small) & (gap >= -small)
    close &= small >= settings.min_size * tall
    close &= np.abs(mine - other) <= settings.merge_offset * small
    # A line never continues one that it starts before or ends before.
    close &= (fits.x[:, None] < fits.x[None, :]) & (fits.right[:, None] < fits.right[None, :])
    i, j = np.nonzero(close)
    order = np.argsort(np.abs(gap[i, j]), kind="stable")
    i, j = i[order], j[order]
    mutual = _is_first(i) & _is_first(j)
    return i[mutual], j[mutual]


def _merge(chain: Indices, fits: _Fits, settings: LineSettings) -> Indices:
    """Chain numbers after joining the lines that continue each other."""
    first, second = _continuations(fits, settings)
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


def connect(proposals: Proposals, settings: LineSettings = LineSettings()) -> TextLines:  # noqa: B008 - frozen
    """Join proposals into lines.

    Args:
        proposals: proposals on the grid, in any order.
        settings: which of them belong together, and how straight lines are.

    Returns:
        Lines by their left end; none for no proposals.
    """
    if not len(proposals.boxes):
        return TextLines(
            np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32), np.zeros(0, np.intp)
        )
    ordered = _in_order(proposals)
    chain = _chains(*_link(ordered, settings))
    fits = _fit(ordered, chain, settings)
    merged = _merge(chain, fits, settings)
    if merged.max() < chain.max():
        fits = _fit(ordered, merged, settings)
    return TextLines(_quads(fits), fits.score.astype(np.float32), fits.counts.astype(np.intp))
