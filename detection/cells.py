"""Lines as sets of cells of a map at stride 4: which cells a quad touches, and the rectangle that cells stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from detection.quads import least_rectangle

CELL = 4
"""Pixels of a cell of the maps."""


def cells_around(quad: Floats, reach: float, rows: int, cols: int) -> tuple[slice, slice]:
    """Return rows and columns of the cells within `reach` pixels of a quad (4, 2), in a map of so many."""
    low = np.floor((quad.min(axis=0) - reach) / CELL - 1).astype(int)
    high = np.ceil((quad.max(axis=0) + reach) / CELL + 1).astype(int)
    (left, top), (right, bottom) = np.clip(low, 0, (cols, rows)), np.clip(high, 0, (cols, rows))
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def centers(place: tuple[slice, slice]) -> Floats:
    """Return middles (R, C, 2) of cells, in pixels."""
    down, across = (np.arange(one.start, one.stop, dtype=np.float32) for one in place)
    x, y = np.meshgrid((across + 0.5) * CELL, (down + 0.5) * CELL)
    return np.stack([x, y], axis=-1)


def blobs(
    labels: NDArray[Any], count: int, probability: Floats
) -> Iterator[tuple[Floats, Floats, float]]:
    """Yield what is known of each blob of a map.

    Args:
        labels: (R, C) from 1 to `count`, 0 for no blob.
        count: of the blobs.
        probability: (R, C).

    Yields:
        Probabilities (K,) of its cells, their middles (K, 2) in pixels, and its area in cells: the sum of the
        probabilities of these and of those around that are in no blob. A cell just outside may still belong to it by
        a part that is below the threshold.
    """
    dilated = cv2.dilate(labels.astype(np.float32), np.ones((3, 3))).astype(np.intp)
    around = np.where(labels > 0, labels, dilated)
    areas = np.bincount(around.ravel(), probability.ravel(), count + 1)
    place = np.flatnonzero(labels)
    place = place[np.argsort(labels.ravel()[place], kind="stable")]
    ends = np.searchsorted(labels.ravel()[place], np.arange(1, count + 2))
    for first, last, area in zip(ends[:-1], ends[1:], areas[1:], strict=True):
        cells = place[first:last]
        row, col = np.divmod(cells, labels.shape[1])
        points = (np.stack([col, row], axis=1) + 0.5) * CELL
        yield probability.ravel()[cells], points.astype(np.float32), float(area)


def fit_rectangle(points: Floats, cells: float) -> tuple[float, float, float, float, float, float]:
    """Fit the least rectangle to the cells of a blob.

    Args:
        points: (K, 2) middles of the cells, in pixels.
        cells: its area in cells.

    Returns:
        Center, unit vector along the length, length and height.
    """
    (x, y), (right, down), length, height = least_rectangle(points)
    # The rectangle joins middles of cells: with half a cell more on each side it holds all of each cell. The edges of
    # the text are up to half a cell from there, on all sides alike: how far, the sum of the cells tells.
    length, height = length + CELL, height + CELL
    half = (length + height) / 2
    outside = half - np.sqrt(max(half * half - length * height + cells * CELL**2, 0.0))
    outside = float(np.clip(outside, -CELL, CELL))
    return float(x), float(y), float(right), float(down), length - outside, height - outside
