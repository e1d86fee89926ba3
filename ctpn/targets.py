"""Say what the network should answer at every anchor for the text lines of a picture.

Tian et al. 2016, sections 3.1 and 3.4, with four departures. Lines are cut by their own top and
bottom edges, so that a slanted line becomes proposals of its local height. A proposal that a line covers
by less than a quarter of its width is neither text nor background. Anchors nearly as good as a
proposal's best one are no background either, whatever their overlap, because small text lies between
two anchors as often as on one. And the side offset is also learned one cell *outside* each end:
there the nearest end is never in doubt, so a word of a single proposal gets both of its ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Quads
from ctpn.anchors import (
    ANCHOR_HEIGHTS,
    STRIDE,
    cell_centers,
    encode_side,
    encode_vertical,
    vertical_iou,
)

MIN_COVERAGE = 4.0
"""Pixels of a cell's width that a line must cover for the cell to be text."""

SIDE_REACH = 32.0
"""Pixels from the middle of a cell to a line's end within which its offset is learned (section 3.3)."""

MIN_VISIBLE = 0.6
"""Part of a proposal's height that must be inside the picture."""

HEIGHT_LIMITS = (5.0, 400.0)
"""Proposal heights that can be learnt; lines outside count neither as text nor as background."""

Bools = NDArray[np.bool_]


class Targets(NamedTuple):
    """Dense truth for a grid of R x C cells with K anchors each."""

    labels: NDArray[np.int8]
    """(R, C, K): 1 text, 0 background, -1 neither."""
    deltas: Floats
    """(R, C, K, 2): vertical offsets, meaningful where the label is 1."""
    sides: Floats
    """(R, C, K): offset to the nearest line end, meaningful where `side_mask` is set."""
    side_mask: NDArray[np.bool_]
    """(R, C, K)."""


class _MatchedProposals(NamedTuple):
    """Cells that lines touch or stand beside, one entry for each line and cell; all (P,)."""

    line: NDArray[np.intp]
    col: NDArray[np.intp]
    top: Floats
    bottom: Floats
    side: Floats
    text: Bools
    ignored: Bools
    has_side: Bools


def level_corners(quads: Quads) -> Quads:
    """Renumber the corners so that the first edge is the one pointing most to the right.

    A line of sideways or upside-down text is then cut like any other; what it says does not matter
    here.
    """
    quads = np.asarray(quads, np.float32).reshape(-1, 4, 2)
    edges = np.roll(quads, -1, axis=1) - quads
    lengths = np.hypot(edges[..., 0], edges[..., 1])
    first = np.argmax(edges[..., 0] / np.maximum(lengths, 1e-6), axis=1)
    order = (first[:, None] + np.arange(4)) % 4
    return np.take_along_axis(quads, order[:, :, None], axis=1)


def _slopes(start: Floats, end: Floats) -> Floats:
    run = end[:, 0] - start[:, 0]
    level = np.abs(run) < 1e-3
    slope: Floats = np.where(level, 0, (end[:, 1] - start[:, 1]) / np.where(level, 1, run))
    return slope


def _nearest_ends(left: Any, right: Any, cols: int) -> tuple[Floats, Bools]:
    """Nearest visible end of each line for every column: x (L, cols), and if it is in reach."""
    width = cols * STRIDE
    middle = cell_centers(np.arange(cols))
    # An end cut off by the picture's border cannot be seen, so it is not learned.
    to_left = np.where(left >= -1, np.abs(left - middle), np.inf)
    to_right = np.where(right <= width + 1, np.abs(right - middle), np.inf)
    nearest: Floats = np.where(to_left <= to_right, left, right)
    return nearest, np.minimum(to_left, to_right) <= SIDE_REACH


def _cut(quads: Quads, ignore: Bools, size: tuple[int, int]) -> _MatchedProposals:
    """Cut lines (L, 4, 2) into proposals on a grid for a picture of `size`."""
    height, width = size
    cols = width // STRIDE
    quads = level_corners(quads)
    top_left, top_right, bottom_right, bottom_left = (quads[:, i] for i in range(4))
    left = ((top_left + bottom_left) / 2)[:, :1]
    right = ((top_right + bottom_right) / 2)[:, :1]
    middle = cell_centers(np.arange(cols))
    top = top_left[:, 1:] + _slopes(top_left, top_right)[:, None] * (middle - top_left[:, :1])
    bottom_slope = _slopes(bottom_left, bottom_right)[:, None]
    bottom = bottom_left[:, 1:] + bottom_slope * (middle - bottom_left[:, :1])

    tall = np.maximum(bottom - top, 1e-3)
    seen_top, seen_bottom = np.clip(top, 0, height), np.clip(bottom, 0, height)
    visible = (seen_bottom - seen_top) / tall
    low, high = HEIGHT_LIMITS
    readable = (visible >= MIN_VISIBLE) & (tall >= low) & (tall <= high) & ~ignore[:, None]

    half = STRIDE / 2
    cover = np.minimum(right, middle + half) - np.maximum(left, middle - half)
    enough = cover >= MIN_COVERAGE
    whole = (left >= 0) & (right <= width) & (right > left)
    best = (cover == cover.max(axis=1, keepdims=True, initial=0)) & (cover > 0) & whole
    text = (enough | (best & ~enough.any(axis=1, keepdims=True))) & readable
    ignored = (cover > 0) & ~text & (visible > 0)
    beside = (cover > -STRIDE) & (cover <= 0) & readable

    side, reach = _nearest_ends(left, right, cols)
    single = text & (text.sum(axis=1, keepdims=True) == 1) & whole
    has_side = reach & readable & ~single
    chosen = text | ignored | (beside & has_side)
    line, col = np.nonzero(chosen)
    seen = (line, col)
    return _MatchedProposals(
        line,
        col,
        seen_top[seen].astype(np.float32),
        np.maximum(seen_bottom, seen_top + 1)[seen].astype(np.float32),
        side[seen].astype(np.float32),
        text[seen],
        ignored[seen],
        has_side[seen],
    )


def _empty(rows: int, cols: int) -> Targets:
    shape = (rows, cols, len(ANCHOR_HEIGHTS))
    return Targets(
        np.zeros(shape, np.int8),
        np.zeros((*shape, 2), np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.bool_),
    )


def _by_overlap(chosen: Bools, rank: Floats) -> tuple[NDArray[np.intp], ...]:
    """Indices of `chosen` (P, R, K), the best overlap last: the last assignment wins."""
    proposal, row, anchor = np.nonzero(chosen)
    order = np.argsort(rank[chosen], kind="stable")
    return proposal[order], row[order], anchor[order]


def _unsure(proposals: _MatchedProposals, iou: Floats, negative: Floats) -> Bools:
    """Anchors (P, R, K) that are no background because of a proposal, text or not."""
    # Inside an ignored block a small anchor overlaps little but lies wholly on unknown text.
    tall = (proposals.bottom - proposals.top)[:, None, None]
    inside = iou * (tall + ANCHOR_HEIGHTS) / (1 + iou) > 0.5 * ANCHOR_HEIGHTS
    text, ignored = proposals.text[:, None, None], proposals.ignored[:, None, None]
    unsure: Bools = ((iou >= negative) & (text | ignored)) | (inside & ignored)
    return unsure


def assign(
    quads: Quads,
    ignore: Bools,
    size: tuple[int, int],
    *,
    positive: float = 0.7,
    negative: float = 0.4,
) -> Targets:
    """Label every anchor of a picture and say what it should predict.

    Args:
        quads: (L, 4, 2) lines in pixels of the network's input; they may reach outside.
        ignore: (L,) lines that are neither text nor background.
        size: height and width of the input, multiples of 16.
        positive: anchors with at least this vertical overlap are text, and so is each proposal's best
            anchor.
        negative: anchors below this overlap with every proposal are background.

    Returns:
        Dense targets; no lines give background everywhere.

    Raises:
        ValueError: a size that is no multiple of 16.
    """
    if size[0] % STRIDE or size[1] % STRIDE:
        raise ValueError(f"size is {size}, expected multiples of {STRIDE}: pad the picture first")
    rows, cols = size[0] // STRIDE, size[1] // STRIDE
    targets = _empty(rows, cols)
    quads = np.asarray(quads, np.float32).reshape(-1, 4, 2)
    if not len(quads) or not rows or not cols:
        return targets
    proposals = _cut(quads, np.asarray(ignore, np.bool_).reshape(-1), size)
    if not len(proposals.line):
        return targets
    iou = vertical_iou(proposals.top, proposals.bottom, rows)  # (P, R, K)
    best = iou.max(axis=(1, 2), keepdims=True)

    unsure = _unsure(proposals, iou, np.minimum(negative, 0.75 * best))
    proposal, row, anchor = np.nonzero(unsure)
    targets.labels[row, proposals.col[proposal], anchor] = -1

    text = (iou >= np.minimum(positive, 0.95 * best)) & proposals.text[:, None, None]
    proposal, row, anchor = _by_overlap(text, iou)
    cell = (row, proposals.col[proposal], anchor)
    targets.labels[cell] = 1
    targets.deltas[cell] = encode_vertical(
        proposals.top[proposal], proposals.bottom[proposal], row, anchor
    )

    # A cell that is text of one line may stand beside another: its own line comes first.
    rank = iou + proposals.text[:, None, None]
    sided = (iou >= np.minimum(0.5, 0.7 * best)) & proposals.has_side[:, None, None]
    proposal, row, anchor = _by_overlap(sided, rank)
    cell = (row, proposals.col[proposal], anchor)
    targets.sides[cell] = encode_side(proposals.side[proposal], proposals.col[proposal])
    targets.side_mask[cell] = True
    return targets
