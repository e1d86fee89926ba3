"""Draw badges with a few words in them, and logos beside names, which are not text."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.display_text import display_type, fitted
from train.synth.drawing.resources import Resources, readable_on
from train.synth.typesetting.typeset import Stamp, padded, turned

_ROUND = 48
"""Corners of a polygon that passes for a circle."""


def badge(canvas: Canvas, resources: Resources, rng: Generator, lang: str, radius: float) -> bool:
    """Put a badge where there is room: a disc, burst or plate, one to three short lines filling it.

    Args:
        canvas: gets the badge.
        resources: gives faces and texts.
        rng: draws everything.
        lang: "zh", "en" or "mixed".
        radius: in pixels.

    Returns:
        Whether there was room.
    """
    if 2 * radius > min(canvas.width, canvas.height) - 4:
        return False
    x = float(rng.uniform(radius, canvas.width - radius))
    y = float(rng.uniform(radius, canvas.height - radius))
    box = (x - radius, y - radius, x + radius, y + radius)
    if not canvas.is_free(*box):
        return False
    fill = backgrounds.color(rng, vivid=True)
    outline = _outline(rng, radius)
    cv2.fillPoly(canvas.image, [_at(outline, x, y)], fill, cv2.LINE_AA)
    ink = readable_on(rng, fill, contrast=90, vivid=bool(rng.random() < 0.4))
    if rng.random() < 0.5:
        _ring(canvas, rng, 0.88 * outline, (x, y), ink)
    degrees = float(rng.uniform(-25, 25)) if rng.random() < 0.35 else 0.0
    rows = _rows(resources, rng, lang, radius)
    down = -sum(room for _, room in rows) / 2
    slope = math.radians(degrees)
    for stamp, room in rows:
        middle = down + room / 2
        down += room
        if degrees:
            stamp = turned(padded(stamp, 1), degrees)
        # Rows of a tilted badge follow each other along its own downward direction.
        cx, cy = x + middle * math.sin(slope), y + middle * math.cos(slope)
        canvas.put(stamp, cx - stamp.width / 2, cy - stamp.height / 2, Ink(ink))
    canvas.reserve(*box)
    return True


def _rows(
    resources: Resources, rng: Generator, lang: str, radius: float
) -> list[tuple[Stamp, float]]:
    """Lines of a badge and the height that each takes, the lines close to each other."""
    kind = replace(display_type(resources, rng, lang, radius), spacing=0.0)
    count = int(rng.choice([1, 2, 3], p=[0.3, 0.5, 0.2]))
    wide = 1.55 * radius if count < 3 else 1.3 * radius
    rows = []
    for _ in range(count):
        size = radius * float(rng.uniform(0.45, 1.0)) / (0.6 + 0.4 * count)
        if rng.random() < 0.3:
            text = resources.pick(rng, kind, vocabulary.SIGNS, lang)
        elif rng.random() < 0.2:
            text = resources.number(rng, kind)[:5]
        else:
            text = resources.title(rng, kind, lang, int(rng.integers(2, 10 if lang == "en" else 5)))
        stamp = fitted(kind.at(max(10.0, size)), text.strip() or "A", wide)
        if stamp is not None and stamp.height < radius:
            rows.append((stamp, stamp.height * float(rng.uniform(1.02, 1.35))))
    return rows


def _outline(rng: Generator, radius: float) -> NDArray[np.float64]:
    """Corners (n, 2) of a disc, a burst of points or a plate about the origin."""
    draw = rng.random()
    if draw < 0.55:
        angles, reach = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False), np.full(_ROUND, radius)
    elif draw < 0.8:
        points = 2 * int(rng.integers(8, 26))
        angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
        reach = np.where(np.arange(points) % 2, radius, radius * float(rng.uniform(0.75, 0.94)))
    else:
        tall = float(rng.uniform(0.5, 1.0))
        corners = np.array([[-1, -tall], [1, -tall], [1, tall], [-1, tall]])
        corners[:, 0] += float(rng.uniform(-0.25, 0.25)) * corners[:, 1]
        return 0.95 * radius * corners / max(1.0, float(np.abs(corners).max()))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]


def _at(outline: NDArray[np.float64], x: float, y: float) -> NDArray[np.int32]:
    return np.asarray(np.rint(outline + (x, y)), np.int32)


def _ring(
    canvas: Canvas,
    rng: Generator,
    outline: NDArray[np.float64],
    middle: tuple[float, float],
    color: Color,
) -> None:
    """A line inside the edge, whole or dashed."""
    thick = int(rng.integers(1, 4))
    points = _at(outline, *middle)
    if rng.random() < 0.5:
        cv2.polylines(canvas.image, [points], True, color, thick, cv2.LINE_AA)
        return
    for start, end in zip(points[::2].tolist(), points[1::2].tolist(), strict=False):
        cv2.line(canvas.image, start, end, color, thick, cv2.LINE_AA)


def device(canvas: Canvas, rng: Generator, x: float, y: float, side: float, color: Color) -> None:
    """Draw a trade mark's picture in a square whose upper left corner is given: shapes within shapes.

    Args:
        canvas: gets the device.
        rng: draws everything.
        x: of the left side.
        y: of the upper side.
        side: of the square in pixels.
        color: of the outermost shape.
    """
    middle = (x + side / 2, y + side / 2)
    inner = readable_on(rng, color, contrast=60, vivid=bool(rng.random() < 0.5))
    cv2.fillPoly(canvas.image, [_at(_outline(rng, side / 2), *middle)], color, cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 5))):
        reach = side * float(rng.uniform(0.08, 0.36))
        shift = rng.uniform(-0.2, 0.2, 2) * side
        place = (middle[0] + float(shift[0]), middle[1] + float(shift[1]))
        draw = rng.random()
        if draw < 0.4:
            corners = rng.uniform(-1, 1, (int(rng.integers(3, 7)), 2)) * reach
            cv2.fillPoly(canvas.image, [_at(corners, *place)], inner, cv2.LINE_AA)
        else:
            center, axes = (round(place[0]), round(place[1])), rng.uniform(0.3, 1, 2) * reach
            start, sweep = float(rng.uniform(0, 360)), float(rng.uniform(90, 360))
            thick = -1 if draw < 0.6 else max(1, round(side * float(rng.uniform(0.02, 0.1))))
            size = (max(1, round(float(axes[0]))), max(1, round(float(axes[1]))))
            cv2.ellipse(canvas.image, center, size, start, 0, sweep, inner, thick, cv2.LINE_AA)
        if rng.random() < 0.5:
            inner = color if rng.random() < 0.5 else backgrounds.color(rng, vivid=True)
