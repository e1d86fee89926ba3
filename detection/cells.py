"""Find the cells of a map around a quad, the blobs of a labelled map, and their rectangles; stride 4 by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from detection.quads import least_rectangle

CELL = 4
"""Pixels of a cell of the maps."""


def cells_around(
    quad: Floats, reach: float, rows: int, cols: int, cell: int = CELL
) -> tuple[slice, slice]:
    """Return rows and columns of the cells within `reach` pixels of a quad (4, 2), in a map of so many."""
    low = np.floor((quad.min(axis=0) - reach) / cell - 1).astype(int)
    high = np.ceil((quad.max(axis=0) + reach) / cell + 1).astype(int)
    (left, top), (right, bottom) = np.clip(low, 0, (cols, rows)), np.clip(high, 0, (cols, rows))
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def centers(place: tuple[slice, slice], cell: int = CELL) -> Floats:
    """Return middles (R, C, 2) of cells, in pixels."""
    down, across = (np.arange(one.start, one.stop, dtype=np.float32) for one in place)
    x, y = np.meshgrid((across + 0.5) * cell, (down + 0.5) * cell)
    return np.stack([x, y], axis=-1)


class Blob(NamedTuple):
    """Cells that belong together; a cell just outside them may still do by a part that is below the threshold."""

    values: Floats
    """(K,) probabilities of the cells."""
    points: Floats
    """(K, 2) their middles, in pixels."""
    middle: Floats
    """(2,) center of gravity of these cells and of those around that are in no blob, in pixels."""
    area: float
    """Sum of the probabilities of the same, in cells."""


def blobs(labels: NDArray[Any], count: int, probability: Floats) -> Iterator[Blob]:
    """Yield the blobs of a map, in the order of their labels.

    Args:
        labels: (R, C) from 1 to `count`, 0 for no blob.
        count: of the blobs.
        probability: (R, C).
    """
    dilated = cv2.dilate(labels.astype(np.float32), np.ones((3, 3))).astype(np.intp)
    around = np.where(labels > 0, labels, dilated)
    weights = np.stack([probability, *(probability * axis for axis in np.indices(labels.shape))])
    sums = [np.bincount(around.ravel(), one.ravel(), count + 1)[1:] for one in weights]
    place = np.flatnonzero(labels)
    place = place[np.argsort(labels.ravel()[place], kind="stable")]
    ends = np.searchsorted(labels.ravel()[place], np.arange(1, count + 2))
    for first, last, area, down, right in zip(ends[:-1], ends[1:], *sums, strict=True):
        cells = place[first:last]
        row, col = np.divmod(cells, labels.shape[1])
        points = (np.stack([col, row], axis=1) + 0.5) * CELL
        middle = (np.array([right, down]) / max(area, 1e-9) + 0.5) * CELL
        yield Blob(
            probability.ravel()[cells],
            points.astype(np.float32),
            middle.astype(np.float32),
            float(area),
        )


def fit_rectangle(
    blob: Blob, *, by_gravity: bool = False
) -> tuple[float, float, float, float, float, float]:
    """Fit the least rectangle to a blob.

    Args:
        blob: the cells.
        by_gravity: its axis passes the center of gravity, up to half a cell from where the outermost cells put it.

    Returns:
        Center, unit vector along the length, length and height.
    """
    center, along, length, height = least_rectangle(blob.points)
    # The rectangle joins middles of cells: with half a cell more on each side it holds all of each cell. The edges of
    # the text are up to half a cell from there, on all sides alike: how far, the sum of the cells tells.
    length, height = length + CELL, height + CELL
    half = (length + height) / 2
    outside = half - np.sqrt(max(half * half - length * height + blob.area * CELL**2, 0.0))
    outside = float(np.clip(outside, -CELL, CELL))
    if by_gravity:
        across = np.array([-along[1], along[0]])
        aside = float((blob.middle - center) @ across)
        center = center + np.clip(aside, -CELL / 2, CELL / 2) * across
    (x, y), (right, down) = center.tolist(), along.tolist()
    return x, y, right, down, length - outside, height - outside
