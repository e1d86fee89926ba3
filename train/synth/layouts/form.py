"""Lay out forms and letters: labels with values on rules, boxes, tick boxes; typewriters and pens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Ink
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources, dark_ink
from train.synth.layouts.table import looks, table
from train.synth.typesetting.typeset import Type, turned, wrap


def form(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A form filled in by machine or by hand."""
    width = int(rng.integers(600, 1150))
    height = int(np.clip(width * rng.uniform(0.7, 1.4), 400, 1400))
    canvas = Canvas(backgrounds.paper(rng, height, width))
    per_line = float(rng.uniform(26, 46)) if lang != "en" else float(rng.uniform(52, 98))
    size = float(np.clip(width * 0.9 / (per_line * (0.48 if lang == "en" else 1.0)), 10, 30))
    kind = resources.type(rng, lang, size, style=None if rng.random() < 0.6 else "sans")
    ink = dark_ink(rng)
    margin = width * float(rng.uniform(0.03, 0.1))
    leading = float(rng.uniform(1.35, 2.2))
    flow = Flow(
        canvas,
        resources,
        rng,
        lang,
        kind,
        ink,
        margin,
        width - margin,
        margin * 0.7,
        height - margin * 0.7,
        leading,
        align="left",
        indent=0.0,
    )
    values, value_ink = _value_type(resources, rng, lang, kind, ink)
    _head(flow)
    while not flow.full:
        _group(flow, values, value_ink)
        flow.space(float(rng.uniform(0.2, 1.2)))
    if rng.random() < 0.25:
        _edge_number(flow)
    if rng.random() < 0.3:
        x, y = rng.uniform(0.4, 0.75) * width, rng.uniform(0.5, 0.9) * height
        shapes.scribble(canvas, rng, float(x), float(y), 8 * size, 2.5 * size)
    if rng.random() < (0.3 if lang != "en" else 0.03):
        shapes.seal(canvas, rng, float(rng.uniform(0.3, 0.85)) * width, 0.8 * height, 4 * size)
    return canvas


def _value_type(
    resources: Resources, rng: Generator, lang: str, kind: Type, ink: Ink
) -> tuple[Type, Ink]:
    """What the blanks are filled with: the same print, a typewriter, or a pen."""
    draw = rng.random()
    if draw < 0.35:
        return kind, ink
    style = "mono" if lang == "en" else None
    if draw > 0.75:
        style = "hand"
    values = resources.type(rng, lang, kind.size * float(rng.uniform(0.95, 1.2)), style=style)
    pens = ((20, 30, 120), (30, 30, 40), (10, 60, 160))
    return values, Ink(pens[int(rng.integers(3))]) if rng.random() < 0.5 else ink


def _head(flow: Flow) -> None:
    rng, resources, kind = flow.rng, flow.resources, flow.kind
    if rng.random() < 0.3:
        side = 3 * kind.size
        shapes.icon(flow.canvas, rng, flow.x0, flow.y, side, backgrounds.color(rng, dark=True))
        flow.canvas.reserve(flow.x0, flow.y, flow.x0 + side, flow.y + side)
    title = resources.phrase(rng, kind, flow.lang, 40 if flow.lang == "en" else 14)
    if flow.lang == "en" and rng.random() < 0.6:
        title = title.upper()
    inner = replace(flow, x0=flow.x0 + 4 * kind.size, x1=flow.x1 - 4 * kind.size)
    inner.heading(title, float(rng.uniform(1.1, 2.0)), align="center")
    if rng.random() < 0.5:
        inner.line(
            resources.phrase(rng, kind, flow.lang, 44 if flow.lang == "en" else 20), align="center"
        )
    flow.y = inner.y
    flow.space(0.7)


def _group(flow: Flow, values: Type, value_ink: Ink) -> None:
    rng = flow.rng
    draw = rng.random()
    if draw < 0.42:
        for _ in range(int(rng.integers(2, 7))):
            _row(flow, values, value_ink, int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])))
    elif draw < 0.56:
        _grid(flow, values, value_ink)
    elif draw < 0.68:
        _choices(flow)
    elif draw < 0.86:
        chars = flow.resources.paragraph(rng, values, flow.lang, int(rng.integers(40, 260)))
        typed = replace(flow, kind=values, ink=value_ink) if rng.random() < 0.4 else flow
        typed.paragraph(typed.kind.clean(chars))
        flow.y = typed.y
    else:
        style = looks(rng, flow.kind, flow.ink)
        foot = table(
            flow.canvas, flow.resources, rng, flow.lang, style, (flow.x0, flow.y, flow.x1, flow.y1)
        )
        flow.y = max(foot, flow.y + flow.kind.size)


def _value(flow: Flow, values: Type, room: float) -> str:
    if flow.rng.random() < 0.35:
        text = flow.resources.number(flow.rng, values)
    else:
        most = int(room / values.size * (1.8 if flow.lang == "en" else 0.9))
        text = flow.resources.phrase(
            flow.rng, values, flow.lang, int(flow.rng.integers(2, max(4, most)))
        )
    lines = wrap(values, text, room)
    return lines[0] if lines else ""


def _row(flow: Flow, values: Type, value_ink: Ink, columns: int) -> None:
    """Labels with values beside them, most on a rule; both are lines of their own."""
    rng, kind, canvas = flow.rng, flow.kind, flow.canvas
    if flow.full:
        return
    room = flow.width / columns
    colon = ("", ":", ":", "：")[int(rng.integers(4))]
    rule, dash = rng.random() < 0.6, 3.0 if rng.random() < 0.2 else 0.0
    for column in range(columns):
        x = flow.x0 + column * room
        label = kind.draw(
            kind.clean(flow.resources.pick(rng, kind, vocabulary.LABELS, flow.lang) + colon)
        )
        if label.width > room * 0.8 or not canvas.put(label, x, flow.y, flow.ink):
            continue
        # Two heights or more: nearer, a reader would take label and value for one line.
        start = max(
            x + label.width + 2.1 * label.height, x + room * 0.3 if rng.random() < 0.4 else 0
        )
        end = x + room - 0.8 * kind.size
        if end - start < 2 * kind.size:
            continue
        if rule:
            foot = flow.y + 1.1 * kind.size
            canvas.rule(x + label.width + 4, foot, end, foot, (90, 90, 90), dash=dash)
        if rng.random() < 0.75:
            text = _value(flow, values, end - start)
            if text:
                stamp = values.draw(text)
                lift = float(rng.uniform(-0.12, 0.05)) * kind.size
                canvas.put(stamp, start, flow.y + label.height - stamp.height + lift, value_ink)
    flow.y += flow.leading * kind.size


def _grid(flow: Flow, values: Type, value_ink: Ink) -> None:
    """A box of cells: small labels above values, or labels and values in turn."""
    rng, canvas, kind = flow.rng, flow.canvas, flow.kind
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(1, 5))
    above = rng.random() < 0.4
    tall = kind.size * float(rng.uniform(2.6, 3.4) if above else rng.uniform(1.6, 2.6))
    rows = min(rows, int((flow.y1 - flow.y) / tall))
    room = flow.width / columns
    small = kind.at(max(8, kind.size * 0.75))
    for row in range(rows):
        for column in range(columns):
            x, y = flow.x0 + column * room, flow.y + row * tall
            canvas.box(x, y, x + room + 1, y + tall + 1, flow.ink.color, thick=1)
            inside = room - kind.size
            label = (small if above else kind).clean(
                flow.resources.pick(rng, kind, vocabulary.LABELS, flow.lang)
            )
            if above or column % 2 == 0:
                stamp = (small if above else kind).draw(label)
                if stamp.width < inside:
                    dy = 3 if above else (tall - stamp.height) / 2
                    canvas.put(stamp, x + 0.4 * kind.size, y + dy, flow.ink)
            if above or column % 2 == 1:
                text = _value(flow, values, inside)
                if text and rng.random() < 0.85:
                    stamp = values.draw(text)
                    dy = tall - stamp.height - 4 if above else (tall - stamp.height) / 2
                    if stamp.width < room - 4:
                        canvas.put(stamp, x + 0.5 * kind.size, y + dy, value_ink)
    flow.y += rows * tall + 0.5 * kind.size


def _choices(flow: Flow) -> None:
    """A question and its boxes to tick."""
    rng, kind, canvas = flow.rng, flow.kind, flow.canvas
    for _ in range(int(rng.integers(1, 5))):
        if flow.full:
            return
        question = flow.resources.phrase(rng, kind, flow.lang, 36 if flow.lang == "en" else 14)
        stamp = kind.draw(question)
        canvas.put(stamp, flow.x0, flow.y, flow.ink)
        x = flow.x0 + stamp.width + 2.5 * kind.size
        for _ in range(int(rng.integers(2, 5))):
            side = 0.7 * kind.size
            option = kind.draw(
                flow.resources.phrase(rng, kind, flow.lang, 9 if flow.lang == "en" else 4)
            )
            if x + option.width + 3 * kind.size > flow.x1:
                break
            canvas.box(x, flow.y + 1, x + side, flow.y + 1 + side, flow.ink.color, thick=1)
            if rng.random() < 0.3:
                canvas.rule(
                    x + 2, flow.y + side / 2, x + side / 2, flow.y + side, (20, 20, 120), thick=2
                )
                canvas.rule(
                    x + side / 2, flow.y + side, x + side * 1.4, flow.y - 2, (20, 20, 120), thick=2
                )
            canvas.put(option, x + 1.2 * kind.size, flow.y, flow.ink)
            x += 1.2 * kind.size + option.width + 2.6 * option.height
        flow.y += flow.leading * kind.size


def _edge_number(flow: Flow) -> None:
    """An archive's number stamped sideways at the edge; ignored, as nobody reads a page's edge."""
    rng = flow.rng
    stamp = turned(
        flow.kind.draw(str(int(rng.integers(10**7, 10**9)))), 90.0 if rng.random() < 0.5 else -90.0
    )
    x = flow.canvas.width - stamp.width - 4.0
    y = float(rng.uniform(0.4, 0.8)) * flow.canvas.height
    if flow.canvas.is_free(x, y, x + stamp.width, y + stamp.height):
        flow.canvas.put(stamp, x, y, flow.ink, ignore=True)


def letter(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A letter, memo or fax sheet, mostly from a typewriter."""
    width = int(rng.integers(620, 1100))
    height = int(np.clip(width * rng.uniform(0.9, 1.35), 400, 1400))
    canvas = Canvas(backgrounds.paper(rng, height, width))
    per_line = float(rng.uniform(28, 42)) if lang != "en" else float(rng.uniform(62, 90))
    margin = width * float(rng.uniform(0.07, 0.14))
    size = float(
        np.clip((width - 2 * margin) / (per_line * (0.55 if lang == "en" else 1.0)), 10, 30)
    )
    style = ("mono", "mono", "serif", None)[int(rng.integers(4))] if lang == "en" else None
    kind = resources.type(rng, lang, size, style=style)
    leading = float(rng.choice([1.2, 1.35, 1.6, 2.2])) * (1.0 if lang == "en" else 1.15)
    flow = Flow(
        canvas,
        resources,
        rng,
        lang,
        kind,
        dark_ink(rng),
        margin,
        width - margin,
        margin * 0.6,
        height - margin * 0.6,
        leading,
        align="left",
        indent=float(rng.choice([0.0, 0.0, 2.5])),
    )
    if rng.random() < 0.5:
        head = resources.type(rng, lang, size)
        inner = replace(flow, kind=head)
        inner.heading(
            resources.phrase(rng, head, lang, 30 if lang == "en" else 12), 1.6, align="center"
        )
        flow.y = inner.y
    flow.line(resources.number(rng, kind), align="right" if rng.random() < 0.5 else "left")
    for _ in range(int(rng.integers(0, 5))):
        label = kind.clean(resources.pick(rng, kind, vocabulary.LABELS, lang) + ":")
        flow.line(f"{label} {resources.phrase(rng, kind, lang, 30 if lang == 'en' else 12)}")
    flow.space(1.0)
    while not flow.full:
        flow.running_text(float(rng.uniform(2, 8)))
        flow.space(float(rng.choice([0.0, 1.0])))
        if rng.random() < 0.08:
            break
    if rng.random() < 0.4 and flow.y1 - flow.y > 6 * size:
        shapes.scribble(canvas, rng, flow.x0, flow.y + size, 9 * size, 2.5 * size)
    if rng.random() < 0.25:
        _edge_number(flow)
    return canvas
