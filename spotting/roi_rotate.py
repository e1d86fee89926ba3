"""Lay the grid of a line over a picture's features: RoIRotate (Liu et al. 2018, "FOTS", section 3.3) for any quad.

The grid is where the small recognizer's first layers would have theirs, had the line been cut out by
`common.quads.crop`: `ROWS` along the height and two columns of the cut line for one of the grid. Features of any stride
are sampled by the same grid, as its places are shares of the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Floats
from common.quads import is_column, quad_size
from recognition.preprocess import HEIGHT

CELL = 2
"""Rows and columns of a line, brought to the recognizer's height, in one of the grid."""

ROWS = HEIGHT // CELL

OUTSIDE = -9.0
"""Coordinate of places beyond a line's end, in a batch of lines of several lengths; those of lines are above -5."""


def as_read(quad: Floats) -> Floats:
    """Return the quad (4, 2) from the corner where its line begins as it is read: of a column, which lies on its side.

    `common.quads.crop` turns the same quads.
    """
    return np.roll(quad, -1, axis=0) if is_column(*quad_size(quad)) else quad


def read_size(quad: Floats) -> tuple[float, float]:
    """Return (height, width) in pixels of a quad (4, 2) as it is read."""
    height, width = quad_size(quad)
    return (width, height) if is_column(height, width) else (height, width)


def places(quad: Floats, size: tuple[int, int], width: int, columns: int) -> Floats:
    """Return where the grid of a line lies, (ROWS, columns / 2, 2), x and y each from -1 to 1 over the picture.

    Args:
        quad: (4, 2) in pixels of the picture.
        size: (height, width) of the picture as the network sees it, padding included.
        width: columns of the line at the recognizer's height, as `recognition.preprocess.width_at_height` tells.
        columns: with those beyond its end, whose places are `OUTSIDE`.
    """
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(square, as_read(np.asarray(quad, np.float32)))
    across = (np.arange(columns // CELL) + 0.5) * CELL / width
    x, y = np.meshgrid(across, (np.arange(ROWS) + 0.5) / ROWS)
    at = np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T
    found = 2 * at[..., :2] / at[..., 2:] / (size[1], size[0]) - 1
    found = np.maximum(found, OUTSIDE / 2)
    found[:, across >= 1] = OUTSIDE
    return np.asarray(found, np.float32)
