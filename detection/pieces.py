"""Cut pieces out of lines: what a cell is asked for where the ends of its line may be out of sight.

A cell tells the part of its line that reaches up to `REACH` heights to either side of it. Pieces of one line overlap,
and are joined to it again, so that no line is too long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from detection.cells import cells_around, centers
from detection.quads import corners, inside_distance, least_rectangle
from detection.suppression import Merged, join_parts, strongest

REACH = 4.0
"""Heights of the line; a piece is at most twice as long, as RRPN's longest anchors are."""


def fitted(quad: Floats) -> Floats:
    """Return the rectangle (6,) of least area around a quad (4, 2)."""
    center, along, length, height = least_rectangle(quad)
    return np.array([*center, *along, length, height], np.float32)


def inside_picture(rectangle: Floats, size: tuple[int, int]) -> Floats | None:
    """Return a rectangle (6,) cut where its axis leaves a picture of (height, width); None where all of it is outside.

    It is cut across its direction, so that it stays a rectangle and ends at the border.

    Args:
        rectangle: center, unit vector along the length, length and height.
        size: of the picture.
    """
    center, along = rectangle[:2], rectangle[2:4]
    length, height = float(rectangle[4]), float(rectangle[5])
    low, high = -length / 2, length / 2
    for at, step, side in zip(center.tolist(), along.tolist(), (size[1], size[0]), strict=True):
        if abs(step) < 1e-6:
            if not 0 <= at <= side:
                return None
            continue
        ends = sorted((-at / step, (side - at) / step))
        low, high = max(low, ends[0]), min(high, ends[1])
    if high - low < 1:
        return None
    middle = center + along * (low + high) / 2
    return np.array([*middle, *along, high - low, height], np.float32)


def nearest_lines(
    rectangles: Floats, shape: tuple[int, int], stride: int, reach: float
) -> tuple[NDArray[np.intp], Floats]:
    """Return the number of each cell's line, from 1, and how far the cell's middle lies inside it, both (R, C).

    Of overlapping lines the one of least area has a cell; one outside of all belongs to the nearest within `reach`
    pixels, or to none: 0.
    """
    owner, depth = np.zeros(shape, np.intp), np.full(shape, -reach, np.float32)
    for number in np.argsort(-rectangles[:, 4] * rectangles[:, 5], kind="stable").tolist():
        quad = corners(rectangles[number : number + 1])[0]
        place = cells_around(quad, reach, *shape, stride)
        inside = inside_distance(quad, centers(place, stride))
        nearer = (inside > 0) | (inside > depth[place])
        owner[place][nearer] = number + 1
        depth[place][nearer] = inside[nearer]
    return owner, depth


def on_axis(rectangle: Floats, points: Floats, stride: int) -> NDArray[np.bool_]:
    """Tell which middles of cells (K, 2) lie in a rectangle (6,), or as near its axis as some in each row or column do.

    Of the nearest of a line, one does at least.
    """
    along, offset = rectangle[2:4], points - rectangle[:2]
    place, aside = offset @ along, offset @ np.array([-along[1], along[0]])
    length, height = float(rectangle[4]), float(rectangle[5])
    on = (np.abs(place) <= length / 2) & (np.abs(aside) <= max(height, stride) / 2)
    if len(points) and not on.any():
        on[np.hypot(place, aside).argmin()] = True
    return np.asarray(on, np.bool_)


def pieces(rectangle: Floats, points: Floats) -> Floats:
    """Return the pieces (K, 6) of a rectangle (6,) around points (K, 2); within reach of an end, a piece ends there."""
    center, along = rectangle[:2], rectangle[2:4]
    length, height = float(rectangle[4]), float(rectangle[5])
    place = np.clip((points - center) @ along, -length / 2, length / 2)
    low = np.maximum(place - REACH * height, -length / 2)
    high = np.minimum(place + REACH * height, length / 2)
    middle = center + along * ((low + high) / 2)[:, None]
    rest = np.broadcast_to([*along, height], (len(points), 3))
    columns = [middle, rest[:, :2], (high - low)[:, None], rest[:, 2:]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def lines_of_pieces(merged: Merged, nms_threshold: float) -> Floats:
    """Join pieces along their lines and drop the weaker of two lines in one place.

    Returns:
        (M, 7) center, unit vector along the length, length, height and mean score, as `quads.lines_of` takes them.
    """
    rows, weights = join_pieces(merged)
    kept = strongest(corners(rows), weights, nms_threshold)
    return rows[kept]


def join_pieces(merged: Merged) -> tuple[Floats, Floats]:
    """Join pieces along their lines: rows (M, 7), as `lines_of_pieces` returns them, and sums of scores (M,)."""
    rows, weights, counts = join_parts(merged)
    means = weights / np.maximum(counts, 1)
    return np.concatenate([rows, means[:, None]], axis=1).astype(np.float32), weights
