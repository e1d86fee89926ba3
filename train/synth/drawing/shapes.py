"""Draw things on pages that are not text: pictures, charts, bar codes, icons, seals, scribbles."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.resources import Resources
from train.synth.typesetting.typeset import Type


def picture(
    canvas: Canvas, resources: Resources, rng: Generator, box: tuple[float, float, float, float]
) -> None:
    """A photograph or drawing in a frame."""
    x0, y0, x1, y1 = (round(v) for v in box)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return
    shot = resources.grounds.photo(rng, y1 - y0, x1 - x0)
    if rng.random() < 0.3:
        shot = np.repeat(cv2.cvtColor(shot, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    canvas.paste(shot, x0, y0)
    if rng.random() < 0.4:
        canvas.box(x0, y0, x1, y1, (60, 60, 60), thick=1)


def chart(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    box: tuple[float, float, float, float],
    kind: Type,
) -> None:
    """Axes with figures at their ticks, and bars or a curve."""
    x0, y0, x1, y1 = box
    kind = kind.at(max(8, min(kind.size * 0.75, 16)))
    left, foot = x0 + 3.2 * kind.size, y1 - 1.8 * kind.size
    if x1 - left < 40 or foot - y0 < 30:
        return
    black = (40, 40, 40)
    canvas.rule(left, y0, left, foot, black)
    canvas.rule(left, foot, x1, foot, black)
    ticks = int(rng.integers(3, 6))
    step = float(rng.choice([0.1, 0.2, 1, 2, 5, 10, 25, 100]))
    for tick in range(ticks):
        y = foot - (foot - y0 - kind.size) * tick / (ticks - 1)
        value = kind.draw(f"{step * tick:g}")
        canvas.put(value, left - value.width - 5, y - value.height / 2, Ink(black))
        canvas.rule(left - 3, y, left, y, black)
        x = left + (x1 - left - 3 * kind.size) * (tick + 0.5) / ticks
        name = kind.draw(str(2000 + tick))
        canvas.put(name, x, foot + 5, Ink(black))
    points = np.cumsum(rng.normal(0, 1, 24))
    points = (points - points.min()) / max(float(np.ptp(points)), 1e-6)
    columns = np.linspace(left + 4, x1 - 4, 24)
    rows = foot - 3 - points * (foot - y0 - 10)
    color = backgrounds.color(rng, vivid=True)
    if rng.random() < 0.5:
        line = np.stack([columns, rows], axis=1).astype(np.int32)
        cv2.polylines(canvas.image, [line], False, color, 1 + int(rng.random() < 0.4), cv2.LINE_AA)
    else:
        for x, y in zip(columns[::3], rows[::3], strict=True):
            canvas.box(x, y, x + (x1 - left) / 14, foot, color)


def figure(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    box: tuple[float, float, float, float],
    kind: Type,
) -> None:
    """A picture or a chart."""
    if rng.random() < 0.65:
        picture(canvas, resources, rng, box)
    else:
        chart(canvas, resources, rng, box, kind)


def bar_code(
    canvas: Canvas, rng: Generator, x: float, y: float, width: float, height: float
) -> None:
    """Upright bars of random width."""
    modules = (rng.random(95) < 0.5).astype(np.uint8) * 255
    size = (max(24, round(width)), max(8, round(height)))
    bars = cv2.resize(modules[None, :], size, interpolation=cv2.INTER_NEAREST)
    canvas.paste(cv2.cvtColor(bars, cv2.COLOR_GRAY2RGB), x, y)


def square_code(canvas: Canvas, rng: Generator, x: float, y: float, side: float) -> None:
    """A square code with its three finders, on white."""
    cells = np.where(rng.random((25, 25)) < 0.5, 0, 255).astype(np.uint8)
    finder = np.zeros((8, 8), np.uint8)
    finder[7, :], finder[:, 7] = 255, 255
    finder[1:6, 1:6] = 255
    finder[2:5, 2:5] = 0
    cells[:8, :8], cells[:8, -8:], cells[-8:, :8] = finder, finder[:, ::-1], finder[::-1]
    cells = np.pad(cells, 2, constant_values=255)
    side = max(29, round(side))
    code = cv2.resize(cells, (side, side), interpolation=cv2.INTER_NEAREST)
    canvas.paste(cv2.cvtColor(code, cv2.COLOR_GRAY2RGB), x, y)


def icon(canvas: Canvas, rng: Generator, x: float, y: float, size: float, color: Color) -> None:
    """A small sign of lines, discs and polygons in a square."""
    middle = (round(x + size / 2), round(y + size / 2))
    radius = max(2, round(size / 2))
    thick = max(1, round(size / 12))
    style = int(rng.integers(7))
    if style == 0:
        cv2.circle(canvas.image, middle, radius, color, -1, cv2.LINE_AA)
    elif style == 1:
        cv2.circle(canvas.image, middle, radius, color, thick, cv2.LINE_AA)
    elif style == 2:
        canvas.box(x, y, x + size, y + size, color, radius=size / 4)
    elif style == 3:
        canvas.box(x, y, x + size, y + size, color, thick=thick)
        canvas.rule(x + size / 4, y + size / 2, x + size / 2, y + size * 0.75, color, thick=thick)
        canvas.rule(x + size / 2, y + size * 0.75, x + size * 0.9, y + size / 5, color, thick=thick)
    else:
        count = int(rng.integers(3, 9))
        angles = np.linspace(0, 2 * math.pi, count, endpoint=False) + rng.uniform(0, 2)
        radii = radius * rng.uniform(0.4, 1.0, count)
        corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None] + middle
        if style < 6:
            cv2.fillPoly(canvas.image, [corners.astype(np.int32)], color, cv2.LINE_AA)
        else:
            cv2.polylines(canvas.image, [corners.astype(np.int32)], True, color, thick, cv2.LINE_AA)


def scribble(
    canvas: Canvas, rng: Generator, x: float, y: float, width: float, height: float
) -> None:
    """A signature or a tick: one smooth stroke of a pen, which nobody is asked to read."""
    count = int(rng.integers(4, 14))
    across = np.linspace(0, 1, count) + rng.normal(0, 0.12, count)
    knots = np.stack([across * width, rng.uniform(0, 1, count) * height], axis=1).astype(np.float32)
    curve = cv2.resize(knots[:, None, :], (1, count * 10), interpolation=cv2.INTER_CUBIC)[:, 0]
    curve = cv2.GaussianBlur(np.ascontiguousarray(curve.T), (9, 1), 3).T + (x, y)
    color = backgrounds.color(rng, dark=True)
    cv2.polylines(
        canvas.image, [curve.astype(np.int32)], False, color, int(rng.integers(1, 4)), cv2.LINE_AA
    )


def seal(canvas: Canvas, rng: Generator, x: float, y: float, radius: float) -> None:
    """A round red stamp with a star, over whatever is there; its ring of text is left out."""
    overlay = canvas.image.copy()
    color = (int(rng.integers(180, 240)), int(rng.integers(20, 70)), int(rng.integers(20, 70)))
    middle = (round(x), round(y))
    cv2.circle(overlay, middle, round(radius), color, max(2, round(radius / 18)), cv2.LINE_AA)
    angles = np.arange(10) * math.pi / 5 - math.pi / 2
    radii = np.where(np.arange(10) % 2 == 0, 0.32, 0.13) * radius
    star = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None] + middle
    cv2.fillPoly(overlay, [star.astype(np.int32)], color, cv2.LINE_AA)
    cv2.addWeighted(overlay, 0.75, canvas.image, 0.25, 0, canvas.image)
