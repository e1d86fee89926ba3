"""Move a picture and its quads together: turns, perspective, bends, sizes.

Coordinates follow `common.arrays` (pixel edges at integers), so a moved quad covers the same ink to
a fraction of a pixel.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from common.arrays import Image, Quads


def text_height(quads: Quads) -> float:
    """Height in pixels of the smaller lines (a fifth is lower); 24 for a page without text."""
    if len(quads) == 0:
        return 24.0
    sides = np.linalg.norm(quads - np.roll(quads, -1, axis=1), axis=2)
    return float(np.percentile(sides.min(axis=1), 20))


def warp(
    image: Image,
    quads: Quads,
    matrix: NDArray[np.float64],
    size: tuple[int, int],
    *,
    fill: Image | tuple[int, int, int] | None = None,
) -> tuple[Image, Quads]:
    """Move a picture and its quads by one projective matrix.

    Args:
        image: (H, W, 3).
        quads: (M, 4, 2).
        matrix: (3, 3), old points to new points, pixel edges at integers.
        size: height and width of the result.
        fill: what stands where no picture is: a color, a picture of `size`, None extends the edge.
    """
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centers = np.linalg.inv(half) @ matrix @ half
    out = (size[1], size[0])
    shrink = math.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if shrink < 0.75:
        # Sampling every few pixels aliases thin strokes away; what a camera does is average.
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / shrink)
    if fill is None:
        moved = cv2.warpPerspective(image, centers, out, borderMode=cv2.BORDER_REPLICATE)
    elif isinstance(fill, tuple):
        moved = cv2.warpPerspective(image, centers, out, borderValue=fill)
    else:
        moved = fill.copy()
        cv2.warpPerspective(image, centers, out, dst=moved, borderMode=cv2.BORDER_TRANSPARENT)
    return moved, move_points(quads, matrix)


def move_points(points: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Apply a projective matrix to points of any leading shape (..., 2)."""
    flat = points.reshape(-1, 2).astype(np.float64)
    moved = flat @ matrix[:, :2].T + matrix[:, 2]
    return (moved[:, :2] / moved[:, 2:]).astype(np.float32).reshape(points.shape)


def skew(
    image: Image,
    quads: Quads,
    rng: Generator,
    *,
    limit_deg: float = 3.0,
    fill: Image | tuple[int, int, int] | None = None,
    grow: bool = False,
) -> tuple[Image, Quads]:
    """Turn about the middle by up to `limit_deg`; `grow` enlarges the picture to keep corners."""
    height, width = image.shape[:2]
    radians = math.radians(float(rng.uniform(-limit_deg, limit_deg)))
    cos, sin = math.cos(radians), math.sin(radians)
    new_height, new_width = height, width
    if grow:
        new_width = int(math.ceil(width * abs(cos) + height * abs(sin)))
        new_height = int(math.ceil(height * abs(cos) + width * abs(sin)))
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    matrix = _shift(new_width / 2, new_height / 2) @ turn @ _shift(-width / 2, -height / 2)
    return warp(image, quads, matrix, (new_height, new_width), fill=fill)


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def perspective(
    image: Image,
    quads: Quads,
    rng: Generator,
    *,
    strength: float = 0.08,
    margin: float = 0.0,
    turn_deg: float = 3.0,
    fill: Image | tuple[int, int, int] | None = None,
) -> tuple[Image, Quads]:
    """See the page from aside: corners pulled in by up to `strength` of the side, and a turn.

    The whole page stays inside the picture, whose size does not change; `margin` is the least share
    of the side left around it.
    """
    height, width = image.shape[:2]
    old = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    pull = rng.uniform(0, strength, (4, 2)) * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    new = old + pull * (width, height)
    radians = math.radians(float(rng.uniform(-turn_deg, turn_deg)))
    cos, sin = math.cos(radians), math.sin(radians)
    new = (new - new.mean(axis=0)) @ np.array([[cos, sin], [-sin, cos]])
    room = np.array([width, height]) * (1 - 2 * margin)
    extent = new.max(axis=0) - new.min(axis=0)
    new = new * min(1.0, float((room / extent).min()))
    extent = new.max(axis=0) - new.min(axis=0)
    free = np.array([width, height]) - extent
    start = free * rng.uniform(0.2, 0.8, 2)
    new = new - new.min(axis=0) + start
    matrix = cv2.getPerspectiveTransform(old.astype(np.float32), new.astype(np.float32))
    return warp(image, quads, matrix, (height, width), fill=fill)


def curl(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Bend the page as an open book does: columns move up or down along one slow wave.

    The wave stays within a third of the text's height, so that four corners still describe a line.
    """
    height, width = image.shape[:2]
    amplitude = float(rng.uniform(0.1, 0.35)) * text_height(quads)
    waves = float(rng.uniform(0.3, 1.0)) * 2 * math.pi / width
    phase = float(rng.uniform(0, 2 * math.pi))

    def offset(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return (amplitude * np.sin(x * waves + phase)).astype(np.float32)

    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)
    map_x = np.broadcast_to(columns, (height, width))
    map_y = rows[:, None] - offset(columns + 0.5)[None, :]
    bent = cv2.remap(
        image, np.ascontiguousarray(map_x), map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    moved = quads.copy()
    moved[..., 1] += offset(quads[..., 0])
    return bent, moved


def scale(image: Image, quads: Quads, factor: float) -> tuple[Image, Quads]:
    """Resize by a factor, to whole pixels; quads follow the true factors of both axes."""
    height, width = image.shape[:2]
    new_height, new_width = max(1, round(height * factor)), max(1, round(width * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, (new_width, new_height), interpolation=how)
    ratio = np.array([new_width / width, new_height / height], np.float32)
    return resized, (quads * ratio).astype(np.float32)
