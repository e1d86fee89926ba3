"""Convert quads and boxes, turn them, cut lines out of pictures along them, measure their overlap."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Floats, Image, Quads

MAX_CROP_HEIGHT = 128
"""Short side of a crop in pixels at most: several times what a recognizer looks at."""

MAX_CROP_WIDTH = 16384
"""Long side of a crop in pixels at most."""

VERTICAL_RATIO = 1.75
"""A crop at least this many times as high as wide is a vertical column."""


def boxes_to_quads(boxes: Boxes) -> Quads:
    """Corners (M, 4, 2) of boxes (M, 4), clockwise from the top left; (0, 4, 2) for none."""
    x0, y0, x1, y1 = np.asarray(boxes, np.float32).reshape(-1, 4).T
    corners = [x0, y0, x1, y0, x1, y1, x0, y1]
    return np.stack(corners, axis=1).reshape(-1, 4, 2)


def rotate_quads(quads: Quads, degrees: int, size: tuple[int, int]) -> Quads:
    """Where quads of a picture land when `common.image.rotate_ccw` turns the picture.

    Args:
        quads: (M, 4, 2), or points of any shape (..., 2).
        degrees: 0, 90, 180 or 270, counter-clockwise.
        size: (height, width) of the picture before it is turned.

    Returns:
        The same shape; the order of the corners is kept.
    """
    height, width = size
    x, y = quads[..., 0], quads[..., 1]
    if degrees == 0:
        return np.array(quads, np.float32)
    if degrees == 90:
        turned = (y, width - x)
    elif degrees == 180:
        turned = (width - x, height - y)
    elif degrees == 270:
        turned = (height - y, x)
    else:
        raise ValueError(f"degrees is {degrees}, expected 0, 90, 180 or 270")
    return np.stack(turned, axis=-1).astype(np.float32)


def quad_size(quad: Floats) -> tuple[float, float]:
    """(height, width) in pixels of a quad (4, 2): the longer of each pair of opposite sides."""
    # Asked some 200 times a page: NumPy takes fifty times as long for four corners.
    a, b, c, d = np.asarray(quad, np.float64).tolist()
    return max(math.dist(a, d), math.dist(b, c)), max(math.dist(a, b), math.dist(d, c))


def contains(quad: Floats, points: Floats) -> NDArray[np.bool_]:
    """Tell which points (N, 2) are inside a convex quad (4, 2) of clockwise corners, or on its edge."""
    sides = np.roll(quad, -1, axis=0) - quad
    offsets = np.asarray(points)[:, None] - quad
    turns = sides[:, 0] * offsets[..., 1] - sides[:, 1] * offsets[..., 0]
    return np.asarray((turns >= 0).all(axis=1))


def coverage(quads: Quads, by: Quads) -> Floats:
    """Part (M, L) of the bounding box of each of M quads (M, 4, 2) that lies in that of each of L others (L, 4, 2)."""
    low_a, high_a = quads.min(axis=1)[:, None], quads.max(axis=1)[:, None]
    low_b, high_b = by.min(axis=1)[None], by.max(axis=1)[None]
    shared = np.prod(np.maximum(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0), axis=2)
    area = np.maximum(np.prod(high_a - low_a, axis=2), 1e-6)
    return np.asarray(shared / area, np.float32)


def enlarged(quad: Floats, margin: float) -> Floats:
    """Return a quad grown by a share of its short side on every side."""
    if margin == 0:
        return quad
    height, width = quad_size(quad)
    grow = margin * min(height, width)
    right = (quad[1] + quad[2] - quad[0] - quad[3]) / 2
    down = (quad[2] + quad[3] - quad[0] - quad[1]) / 2
    right *= grow / max(float(np.linalg.norm(right)), 1e-6)
    down *= grow / max(float(np.linalg.norm(down)), 1e-6)
    corners = np.stack([-right - down, right - down, right + down, down - right])
    return np.asarray(quad + corners, np.float32)


def piece(quad: Floats, start: float, stop: float) -> Floats:
    """Return the part (4, 2) of a line's quad from one share of its length to another."""
    along = np.array([start, stop, stop, start], np.float32)[:, None]
    sides = np.stack([quad[1] - quad[0]] * 2 + [quad[2] - quad[3]] * 2)
    return np.asarray(quad[[0, 0, 3, 3]] + along * sides, np.float32)


def is_column(height: float, width: float) -> bool:
    """Whether `crop` turns what is so many pixels high and wide on its side."""
    return round(max(height, 1.0)) >= VERTICAL_RATIO * round(max(width, 1.0))


def crop(image: Image, quad: Floats, *, fine: float = 0.0) -> Image:
    """Cut a quad (4, 2) out of a picture and straighten it.

    What lies outside the picture repeats its edge. A crop `VERTICAL_RATIO` times as high as wide is
    turned 90 degrees counter-clockwise, so that a vertical column reads left to right. The short
    side is at most `MAX_CROP_HEIGHT`, the long one `MAX_CROP_WIDTH`, and both are at least 1.

    One whose short side is below `fine` pixels comes out twice as large. Whoever enlarges crops
    anyhow should have it done here: strokes of one pixel are blurred where they are first moved by
    parts of a pixel and then enlarged.
    """
    quad = np.asarray(quad, np.float32)
    if quad.shape != (4, 2) or not np.isfinite(quad).all():
        raise ValueError(f"quad is {quad.tolist()}, expected four finite corners")
    height, width = quad_size(quad)
    short, long = sorted((max(height, 1.0), max(width, 1.0)))
    scale = min(2.0 if short < fine else 1.0, MAX_CROP_HEIGHT / short, MAX_CROP_WIDTH / long)
    piece, corners = _cut(image, quad, scale)
    # Sides are rounded up when tiny: half a pixel of text is still a pixel.
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    straight = _straighten(piece, corners, rows, columns, how)
    if is_column(height, width):
        straight = np.asarray(cv2.rotate(straight, cv2.ROTATE_90_COUNTERCLOCKWISE), np.uint8)
    return straight


def iou(quad_a: Floats, quad_b: Floats) -> float:
    """Intersection over union of two convex quads (4, 2), from 0 to 1; 0 where either is empty."""
    a, b = np.asarray(quad_a, np.float32), np.asarray(quad_b, np.float32)
    # Coordinates far from zero would cost the areas their digits.
    a, b = a - a[0], b - a[0]
    if (a.max(axis=0) <= b.min(axis=0)).any() or (b.max(axis=0) <= a.min(axis=0)).any():
        return 0.0
    area_a, area_b = cv2.contourArea(a), cv2.contourArea(b)
    if min(area_a, area_b) <= 0:
        return 0.0
    shared, _ = cv2.intersectConvexConvex(a, b)
    return float(np.clip(shared / (area_a + area_b - shared), 0, 1))


def _cut(image: Image, quad: Floats, scale: float) -> tuple[Image, Floats]:
    """The part of the picture around a quad, reduced by a scale, and the quad's corners in it."""
    height, width = image.shape[:2]
    # Two pixels around, for the interpolation at the edge; at least one pixel of the picture.
    x0, y0 = np.clip(np.floor(quad.min(axis=0)).astype(int) - 2, 0, [width - 1, height - 1])
    x1, y1 = np.clip(np.ceil(quad.max(axis=0)).astype(int) + 2, [x0 + 1, y0 + 1], [width, height])
    piece = image[y0:y1, x0:x1]
    corners = quad - np.array([x0, y0], np.float32)
    if scale < 1:
        rows, columns = piece.shape[:2]
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        piece = np.asarray(cv2.resize(piece, size, interpolation=cv2.INTER_AREA), np.uint8)
        corners = corners * np.array([size[0] / columns, size[1] / rows], np.float32)
    return piece, corners


def _straighten(piece: Image, corners: Floats, rows: int, columns: int, how: int) -> Image:
    """Warp a quad of a picture to a rectangle of (rows, columns)."""
    target = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    # Middles of pixels are at integers in OpenCV and at halves here.
    matrix = cv2.getPerspectiveTransform(corners - 0.5, target - 0.5)
    warped = cv2.warpPerspective(
        piece, matrix, (columns, rows), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)


def weighted_median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return the value (M,) up to which the lesser ones have half of all weight; of two, the lesser. M is not 0."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    # A little less than half: sums of floating point may miss a half that is reached exactly.
    return float(values[order][np.searchsorted(reached, (0.5 - 1e-6) * reached[-1])])
