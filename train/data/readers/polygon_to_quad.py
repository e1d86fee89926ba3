"""Convert annotated polygons to quads, clockwise from the text's own top left."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats

Points = NDArray[np.float64]
"""(n, 2) corners x, y in pixels, as the label file has them."""

_MIN_AREA = 1.0
# A side this much shorter than its neighbor is no beginning of a line, unless it is the top of a column.
_LONG = 1.5
_BACKWARDS = -0.17  # cosine of about 100 degrees away from the right


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Corners (4, 2) of a box, whichever two of its opposite corners are given."""
    (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def to_points(numbers: Sequence[object] | NDArray[np.generic]) -> Points:
    """Corners from x, y, x, y, … or from pairs.

    Raises:
        ValueError: these are no finite numbers, an odd count of them, or fewer than three corners.
    """
    try:
        flat = np.asarray(numbers, np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise ValueError(f"bad box: {str(numbers)[:80]} are no corners") from error
    if len(flat) % 2 or len(flat) < 6 or not np.isfinite(flat).all():
        raise ValueError(f"bad box: {str(numbers)[:80]}, expected three or more finite corners")
    return flat.reshape(-1, 2)


def to_quad(points: Points, *, sure_start: bool = True) -> Floats:
    """The quad (4, 2) of a polygon of three or more corners.

    Four corners of a convex shape stay as they are, made clockwise about the first. Of anything else the
    smallest rectangle around it is taken, its first side along the reading direction: that of the first half
    of the corners, which run along the top of the text, and of the second half taken backwards. Where that is
    a short side that does not point to the right, the corners start elsewhere: the side that does is first.

    Args:
        points: (n, 2), in either direction around.
        sure_start: the first corner is the text's own top left. Where it need not be, text that would be
            upside down, or start with a short side, is taken to start with the side that points most to the right.

    Raises:
        ValueError: it has next to no area.
    """
    points = _without_repeats(points)
    if len(points) < 3:
        raise ValueError(f"empty box: {len(points)} different corners, expected four or more")
    origin = points.min(axis=0)
    points = points - origin
    if _area(points) < 0:
        points = np.roll(points[::-1], 1, axis=0)
    certain = len(points) == 4 and _is_convex(points)
    quad = points if certain else _rectangle_around(points, _direction(points))
    if abs(_area(quad)) < _MIN_AREA:
        raise ValueError("empty box: its area is under one pixel")
    if not (certain and sure_start):
        quad = _plausible(quad, upside_down=sure_start)
    return np.asarray(quad + origin, np.float32)


def around(points: Points, direction: NDArray[np.float64]) -> Floats:
    """The smallest rectangle (4, 2) around points, its first side nearest to a direction.

    Raises:
        ValueError: it has next to no area.
    """
    origin = points.min(axis=0)
    quad = _rectangle_around(points - origin, direction)
    if abs(_area(quad)) < _MIN_AREA:
        raise ValueError("empty box: its area is under one pixel")
    return np.asarray(quad + origin, np.float32)


def inside(quad: Floats, size: tuple[int, int]) -> tuple[Floats, float]:
    """A quad's corners moved into a picture of (height, width), and the share of its area left, 0 to 1."""
    height, width = size
    held = np.clip(quad, 0, np.array([width, height], np.float32)).astype(np.float32)
    low, high = quad.min(axis=0), quad.max(axis=0)
    if (low >= [0, 0]).all() and (high <= [width, height]).all():
        return held, 1.0
    origin = low.astype(np.float64)
    moved = (quad - origin).astype(np.float32)
    page = (rectangle(0, 0, width, height) - origin).astype(np.float32)
    shared = cv2.intersectConvexConvex(page, cv2.convexHull(moved))[0]
    return held, float(np.clip(shared / max(abs(_area(moved)), 1e-6), 0, 1))


def _without_repeats(points: Points) -> Points:
    """Without corners that repeat the one before, and without a last one that repeats the first."""
    new = np.ones(len(points), np.bool_)
    new[1:] = np.abs(points[1:] - points[:-1]).max(axis=1) > 1e-6
    kept: Points = points[new]
    closed = len(kept) > 1 and np.abs(kept[-1] - kept[0]).max() <= 1e-6
    return kept[:-1] if closed else kept


def _area(points: NDArray[np.floating]) -> float:
    """Signed area; positive where the corners run clockwise as seen (y is down)."""
    x, y = points.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _is_convex(points: Points) -> bool:
    sides = np.roll(points, -1, axis=0) - points
    following = np.roll(sides, -1, axis=0)
    return bool((sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0] >= 0).all())


def _direction(points: Points) -> NDArray[np.float64]:
    """Where the text of a polygon runs to, by its two halves."""
    if len(points) == 4:  # crossed or dented: nothing but the first side can be relied on
        return np.asarray(points[1] - points[0], np.float64)
    half = (len(points) + 1) // 2
    return np.asarray((points[half - 1] - points[0]) - (points[-1] - points[half]), np.float64)


def _rectangle_around(points: Points, direction: NDArray[np.float64]) -> Points:
    corners = cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32))).astype(np.float64)
    if _area(corners) < 0:
        corners = corners[::-1]
    if not np.abs(direction).max() > 0:
        direction = np.array([1.0, 0.0])
    return _starting_along(corners, direction)


def _starting_along(quad: Points, direction: NDArray[np.float64]) -> Points:
    """The same corners, first the side nearest to a direction."""
    sides = np.roll(quad, -1, axis=0) - quad
    along = sides @ direction / np.maximum(np.linalg.norm(sides, axis=1), 1e-9)
    return np.asarray(np.roll(quad, -int(np.argmax(along)), axis=0), np.float64)


def _plausible(quad: Points, *, upside_down: bool) -> Points:
    """The quad, or the one of its corners that starts to the right where no line of text starts as given."""
    top, side = quad[1] - quad[0], quad[2] - quad[1]
    length = float(np.linalg.norm(top))
    to_the_right = float(top[0]) / max(length, 1e-9)
    if to_the_right > np.sqrt(0.5) - 1e-6:
        return quad
    if length * _LONG > np.linalg.norm(side) and (upside_down or to_the_right > _BACKWARDS):
        return quad
    return _starting_along(quad, np.array([1.0, 0.0]))
