"""Encode and decode text proposals by fixed-width anchors.

Tian et al. 2016, sections 3.1 and 3.3. The picture is a grid of cells of 16 pixels; every cell
carries ten anchors 16 pixels wide, centred in the cell, whose heights grow by a factor of about
1.4. Only the vertical extent and the distance to a line's end are regressed; the x position is the
cell's own.

Heights here are distances between pixel edges. The published code counts pixels inclusively, so its
heights are one larger for the same picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats

STRIDE = 16
"""Width of an anchor and distance between cells, in pixels of the network's input (section 3.1)."""

ANCHOR_HEIGHTS: Floats = np.array([11, 16, 23, 33, 48, 68, 97, 139, 198, 283], np.float32)
"""Heights in pixels, each about 1 / 0.7 of the one before (section 3.1)."""

MAX_LOG_HEIGHT = 4.0
"""Bound of a predicted log height ratio, so that an untrained network cannot overflow `exp`."""

Indices = NDArray[np.intp]


def cell_centers(cells: Any) -> Floats:
    """Middle of each cell along one axis, in pixels; `cells` is any array of cell indices."""
    centers: Floats = np.asarray(cells, np.float32) * STRIDE + STRIDE / 2
    return centers


def encode_vertical(top: Floats, bottom: Floats, rows: Indices, anchors: Indices) -> Floats:
    """Turn top and bottom edges into offsets from anchors.

    Args:
        top: y of the upper edges, any shape.
        bottom: y of the lower edges, larger than `top`.
        rows: cell row of each anchor, broadcastable with the edges.
        anchors: index of each anchor's height.

    Returns:
        (..., 2): the shift of the middle in anchor heights, and the log of the height ratio.
    """
    height = ANCHOR_HEIGHTS[anchors]
    shift = ((top + bottom) / 2 - cell_centers(rows)) / height
    return np.stack([shift, np.log((bottom - top) / height)], axis=-1).astype(np.float32)


def decode_vertical(deltas: Floats, rows: Indices, anchors: Indices) -> tuple[Floats, Floats]:
    """Turn offsets (..., 2) back into top and bottom edges: the inverse of `encode_vertical`."""
    height = ANCHOR_HEIGHTS[anchors]
    middle = cell_centers(rows) + deltas[..., 0] * height
    half = height * np.exp(np.clip(deltas[..., 1], -MAX_LOG_HEIGHT, MAX_LOG_HEIGHT)) / 2
    return (middle - half).astype(np.float32), (middle + half).astype(np.float32)


def encode_side(x: Floats, cols: Indices) -> Floats:
    """Distance from the middle of a cell to a line's end at `x`, in anchor widths (section 3.3)."""
    return ((x - cell_centers(cols)) / STRIDE).astype(np.float32)


def decode_side(offsets: Floats, cols: Indices) -> Floats:
    """Where the predicted line end stands, in pixels: the inverse of `encode_side`."""
    return (cell_centers(cols) + offsets * STRIDE).astype(np.float32)


def vertical_iou(top: Floats, bottom: Floats, rows: int) -> Floats:
    """Overlap of each proposal with every anchor of its column, as intersection over union.

    Proposal and anchor have the same width, so heights decide.

    Args:
        top: (M,) upper edges of proposals.
        bottom: (M,) lower edges.
        rows: height of the grid in cells.

    Returns:
        (M, rows, K).
    """
    middle = cell_centers(np.arange(rows))[:, None]
    upper = middle - ANCHOR_HEIGHTS / 2  # (rows, K)
    lower = middle + ANCHOR_HEIGHTS / 2
    top, bottom = top[:, None, None], bottom[:, None, None]
    shared = np.minimum(bottom, lower) - np.maximum(top, upper)
    np.maximum(shared, 0, out=shared)
    iou: Floats = shared / (bottom - top + ANCHOR_HEIGHTS - shared)
    return iou
