"""Drop lines that cross better ones, or that lie inside longer ones: text does neither.

Suppression by IoU sees little of both: a long line that crosses another shares a small part with it, and so does a word
with the line that it lies in.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from detection.quads import corners

CROSSING_DEGREES = 15.0
"""Between the directions of two lines that cross, at least; neighbours in print turned less may touch."""

CROSSED = 0.05
"""Of the area of the weaker line: what it may share with another that it crosses."""

INSIDE = 0.9
"""Of the area of a line: inside a larger one it is a part of that."""


def without_crossings(rows: Floats) -> Floats:
    """Return the lines that cross none before them and lie inside no larger one.

    Args:
        rows: (M, 7) center, unit vector along the length, length, height and probability, as `quads.lines_of` takes
            them, in the order of `suppression.strongest`: those with the most parts first.

    Returns:
        (K, 7), in the order given.
    """
    shares = _shares(rows)
    turned = np.abs(rows[:, 2:3] * rows[:, 3] - rows[:, 3:4] * rows[:, 2])
    crosses = (shares > CROSSED) & (turned > np.sin(np.deg2rad(CROSSING_DEGREES)))
    kept = np.zeros(len(rows), np.bool_)
    for number in range(len(rows)):
        kept[number] = not (crosses[number] & kept).any()
    areas = rows[:, 4] * rows[:, 5]
    part = (shares > INSIDE) & (areas[:, None] < areas) & kept
    return rows[kept & ~part.any(axis=1)]


def _shares(rows: Floats) -> NDArray[np.float64]:
    """Return the part (M, M) of each line's area that it shares with each other one."""
    quads = corners(rows)
    low, high = quads.min(axis=1), quads.max(axis=1)
    beside = ((low[:, None] < high) & (high[:, None] > low)).all(axis=2)
    shares = np.zeros((len(rows), len(rows)))
    for one, other in np.argwhere(np.triu(beside, 1)):
        # Coordinates far from zero would cost the areas their digits.
        shared, _ = cv2.intersectConvexConvex(quads[one] - low[one], quads[other] - low[one])
        shares[one, other] = shares[other, one] = shared
    areas = rows[:, 4] * rows[:, 5]
    return np.asarray(shares / np.maximum(areas, 1e-6)[:, None], np.float64)
