"""Lay out tables: ruled, half ruled or without rules; a part of other pages, or a page of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources, dark_ink, readable_on
from train.synth.typesetting.typeset import Type, wrap


@dataclass(frozen=True)
class Looks:
    """How a table is drawn: its lines, fills and text."""

    kind: Type
    ink: Ink
    rules: str
    header: Color | None
    stripe: Color | None
    row: float


def looks(rng: Generator, kind: Type, ink: Ink, *, dark: bool = False) -> Looks:
    """Draw the looks of a table in a face and ink."""
    rules = ("all", "all", "rows", "three", "none")[int(rng.integers(5))]
    header = (
        backgrounds.color(rng, dark=bool(rng.random() < 0.4))
        if rng.random() < 0.4 and not dark
        else None
    )
    stripe = (238, 240, 244) if rng.random() < 0.2 and not dark else None
    return Looks(kind, ink, rules, header, stripe, kind.size * float(rng.uniform(1.35, 2.4)))


def cell(
    resources: Resources, rng: Generator, kind: Type, lang: str, chars: int, numeric: bool
) -> str:
    """The text of a cell of at most about so many full-width characters."""
    if numeric:
        draw = rng.random()
        if draw < 0.4:
            return resources.price(rng)
        if draw < 0.6:
            return str(int(10 ** rng.uniform(0, 5)))
        if draw < 0.75:
            return f"{rng.uniform(0, 100):.{int(rng.integers(0, 4))}f}" + (
                "%" if rng.random() < 0.4 else ""
            )
        return resources.number(rng, kind)
    if rng.random() < 0.12:
        return resources.number(rng, kind)
    longest = max(2, chars * (2 if lang == "en" else 1))
    return resources.phrase(rng, kind, lang, int(rng.integers(1, longest) + 1))


def table(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    style: Looks,
    box: tuple[float, float, float, float],
) -> float:
    """Draw as many rows as fit a box, at most 30; return the foot of the table."""
    x0, y0, x1, y1 = box
    kind = style.kind
    columns = int(rng.integers(2, max(3, min(8, (x1 - x0) / (5 * kind.size)) + 1)))
    shares = rng.uniform(0.5, 1.5, columns)
    edges = x0 + (x1 - x0) * np.concatenate([[0], np.cumsum(shares) / shares.sum()])
    rows = int(min(30, (y1 - y0) / style.row, rng.integers(3, 24)))
    if rows < 2:
        return y0
    numeric = rng.random(columns) < 0.5
    numeric[0] = rng.random() < 0.2
    foot = y0 + rows * style.row
    for row in range(rows):
        top = y0 + row * style.row
        fill = style.header if row == 0 else style.stripe if row % 2 == 0 else None
        if fill is not None:
            canvas.box(x0, top, x1, top + style.row, fill)
        for column in range(columns):
            if row > 0 and rng.random() < 0.06:
                continue
            _cell(
                canvas,
                resources,
                rng,
                lang,
                style,
                row,
                top,
                edges[column : column + 2],
                bool(numeric[column]),
            )
    _rules(canvas, rng, style, edges, y0, foot, rows)
    return foot


def _cell(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    style: Looks,
    row: int,
    top: float,
    sides: np.ndarray,
    numeric: bool,
) -> None:
    left, right = float(sides[0]) + 0.4 * style.kind.size, float(sides[1]) - 0.4 * style.kind.size
    kind, ink = style.kind, style.ink
    if row == 0:
        text = resources.pick(rng, kind, vocabulary.COLUMNS, lang)
        kind = replace(kind, bold=1.0) if rng.random() < 0.5 else kind
        if style.header is not None:
            # Decided by the fill alone, so that one header has one color.
            ink = Ink((255, 255, 255) if sum(style.header) < 380 else (20, 20, 20))
    else:
        text = cell(resources, rng, kind, lang, int((right - left) / kind.size), numeric)
    lines = wrap(kind, text, right - left)[:1]
    if not lines or kind.measure(lines[0]).sum() > right - left + 0.3 * kind.size:
        return
    stamp = kind.draw(lines[0])
    x = right - stamp.width if numeric and row > 0 else left
    if row == 0 and style.rules == "all":
        x = (left + right - stamp.width) / 2
    canvas.put(stamp, x, top + (style.row - stamp.height) / 2, ink)


def _rules(
    canvas: Canvas,
    rng: Generator,
    style: Looks,
    edges: np.ndarray,
    top: float,
    foot: float,
    rows: int,
) -> None:
    x0, x1 = float(edges[0]), float(edges[-1])
    color = style.ink.color if rng.random() < 0.6 else (150, 150, 150)
    thick = 1 + int(rng.random() < 0.25)
    if style.rules == "three":
        for y, weight in ((top, 2), (top + style.row, 1), (foot, 2)):
            canvas.rule(x0, y, x1, y, color, thick=weight)
    if style.rules in {"all", "rows"}:
        for row in range(rows + 1):
            canvas.rule(x0, top + row * style.row, x1, top + row * style.row, color, thick=thick)
    if style.rules == "all":
        for x in edges:
            canvas.rule(float(x), top, float(x), foot, color, thick=thick)


def table_page(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A page that is mostly one or two tables, with a title and notes."""
    width, height = int(rng.integers(480, 1200)), int(rng.integers(420, 1200))
    canvas = Canvas(backgrounds.paper(rng, height, width))
    kind = resources.type(rng, lang, float(rng.uniform(12, 26)))
    ink = dark_ink(rng)
    margin = width * float(rng.uniform(0.02, 0.09))
    flow = Flow(
        canvas,
        resources,
        rng,
        lang,
        kind,
        ink,
        margin,
        width - margin,
        margin,
        height - margin,
        indent=0,
    )
    if rng.random() < 0.7:
        title = resources.phrase(rng, kind, lang, 40 if lang == "en" else 18)
        flow.heading(
            title, float(rng.uniform(1.1, 1.8)), align="center" if rng.random() < 0.6 else "left"
        )
        flow.space(0.6)
    while not flow.full:
        style = looks(rng, kind, ink)
        if style.header is not None and style.stripe is None and rng.random() < 0.3:
            style = replace(style, ink=Ink(readable_on(rng, (250, 250, 250), contrast=130)))
        foot = table(canvas, resources, rng, lang, style, (flow.x0, flow.y, flow.x1, flow.y1))
        if foot == flow.y:
            break
        flow.y = foot
        flow.space(1.0)
        if rng.random() < 0.6:
            flow.running_text(float(rng.uniform(0.4, 3)))
            flow.space(0.6)
        if rng.random() < 0.4:
            break
    return canvas
