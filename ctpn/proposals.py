"""Find text proposals in the network's maps: decode, drop the weak, suppress the repeated.

Tian et al. 2016, sections 3.1 and 3.3. Proposals lie in columns of 16 pixels and never overlap
sideways, so the suppression works column by column on heights alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from common.arrays import Boxes, Floats, Scores
from ctpn import nms
from ctpn.anchors import ANCHOR_HEIGHTS, STRIDE, Indices, decode_side, decode_vertical


class Proposals(NamedTuple):
    """Text proposals in pixels of the network's input, best first."""

    boxes: Boxes
    """(M, 4), each 16 wide and on the grid."""
    scores: Scores
    """(M,) probabilities."""
    ends: Floats
    """(M, 3): x of the line's end as told by the proposal, the cell left of it, the one right of it."""


def _ends(sides: Floats, rows: Indices, cols: Indices, anchors: Indices) -> Floats:
    """Line ends told by cells and their two neighbours; the border where there is none."""
    last = sides.shape[1] - 1
    told = [decode_side(sides[rows, cols, anchors], cols)]
    for step, border in ((-1, 0.0), (1, float((last + 1) * STRIDE))):
        beside = cols + step
        inside = (beside >= 0) & (beside <= last)
        offsets = sides[rows, np.clip(beside, 0, last), anchors]
        told.append(np.where(inside, decode_side(offsets, beside), border))
    return np.stack(told, axis=1).astype(np.float32)


def propose(
    scores: Floats,
    deltas: Floats,
    sides: Floats,
    *,
    threshold: float = 0.6,
    nms_threshold: float = 0.3,
    max_candidates: int = 12000,
    min_height: float = 4.0,
    suppress: nms.Suppress | None = None,
) -> Proposals:
    """Find the text proposals in one picture's maps.

    Args:
        scores: (R, C, K) probability of text.
        deltas: (R, C, K, 2) vertical offsets.
        sides: (R, C, K) offsets to the nearest line end, in anchor widths.
        threshold: least score of a proposal.
        nms_threshold: vertical overlap above which the weaker of two proposals goes.
        max_candidates: proposals decoded, the best ones.
        min_height: of a proposal, in pixels.
        suppress: which implementation of NMS; the fastest one that is built when omitted.

    Returns:
        Proposals inside the picture; none if nothing reaches the threshold.

    Raises:
        ValueError: maps whose shapes do not belong together.
    """
    grid = scores.shape
    if len(grid) != 3 or grid[2] != len(ANCHOR_HEIGHTS):
        raise ValueError(f"scores has shape {grid}, expected (rows, cols, {len(ANCHOR_HEIGHTS)})")
    if deltas.shape != (*grid, 2) or sides.shape != grid:
        raise ValueError(f"deltas {deltas.shape} and sides {sides.shape} do not fit scores {grid}")
    flat = np.flatnonzero(scores.ravel() >= threshold)
    values = scores.ravel()[flat]
    if len(flat) > max_candidates:
        order = np.sort(np.argsort(-values, kind="stable")[:max_candidates])
        flat, values = flat[order], values[order]
    rows, cols, anchors = np.unravel_index(flat, grid)
    top, bottom = decode_vertical(deltas[rows, cols, anchors], rows, anchors)
    top, bottom = np.clip(top, 0, grid[0] * STRIDE), np.clip(bottom, 0, grid[0] * STRIDE)
    left = (cols * STRIDE).astype(np.float32)
    boxes = np.stack([left, top, left + STRIDE, bottom], axis=1)
    # `>=` is false for NaN, so a broken network yields no proposals rather than nonsense.
    good = np.flatnonzero(bottom - top >= min_height)
    run = nms.implementation() if suppress is None else suppress
    kept = good[run(boxes[good], values[good].astype(np.float32), nms_threshold)]
    ends = _ends(sides, rows[kept], cols[kept], anchors[kept])
    return Proposals(boxes[kept].astype(np.float32), values[kept].astype(np.float32), ends)
