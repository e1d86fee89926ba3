"""Lay out receipts: a narrow strip with a centered head, items with prices at the right, totals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Ink
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources
from train.synth.typesetting.typeset import Type


def receipt(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """One receipt that fills the picture or lies on a paler or darker ground with some margin."""
    width = int(rng.integers(400, 780))
    height = int(np.clip(width * rng.uniform(1.0, 2.3), 500, 1400))
    chars = float(rng.uniform(22, 42)) * (1.0 if lang == "en" else 0.62)
    margin = width * float(rng.choice([0.04, 0.08, 0.16]))
    size = float(np.clip((width - 2 * margin) / (chars * (0.55 if lang == "en" else 1.0)), 11, 34))
    style = ("mono", "mono", None, "sans")[int(rng.integers(4))]
    kind = replace(resources.type(rng, lang, size, style=style), slant=0.0)
    if lang == "en" and rng.random() < 0.2:
        kind = replace(kind, spacing=float(rng.uniform(0, 0.12)) * size)
    level = int(rng.integers(10, 110))
    # Thermal paper fades to gray or blue rather than black.
    ink = Ink((level, level, level) if rng.random() < 0.8 else (level, level, min(255, level + 60)))
    canvas = Canvas(backgrounds.paper(rng, height, width))
    flow = Flow(
        canvas,
        resources,
        rng,
        lang,
        kind,
        ink,
        margin,
        width - margin,
        margin * 0.6 + 4,
        height - margin * 0.6 - 4,
        float(rng.uniform(1.1, 1.55)),
        align="left",
        indent=0.0,
    )
    _head(flow)
    _meta(flow)
    _items(flow)
    _totals(flow)
    if not flow.full and rng.random() < 0.5:
        _summary(flow)
    _foot(flow)
    if rng.random() < 0.12:
        shapes.scribble(canvas, rng, width * 0.3, flow.y1 * 0.7, width * 0.3, 3 * size)
    return canvas


def _separator(flow: Flow) -> None:
    """A row of dashes, stars or a rule, printed as marks: nobody reads it as text."""
    rng, kind = flow.rng, flow.kind
    y = flow.y + 0.45 * kind.size
    style = int(rng.integers(4))
    if style == 0:
        flow.canvas.rule(flow.x0, y, flow.x1, y, flow.ink.color)
    elif style == 1:
        flow.canvas.rule(
            flow.x0,
            y,
            flow.x1,
            y,
            flow.ink.color,
            dash=kind.size * 0.3,
            thick=max(1, kind.size // 14),
        )
    elif style == 2:
        for offset in (0.0, 0.25 * kind.size):
            flow.canvas.rule(
                flow.x0, y + offset, flow.x1, y + offset, flow.ink.color, dash=kind.size * 0.4
            )
    else:
        flow.canvas.rule(flow.x0, y, flow.x1, y, flow.ink.color, dash=max(1.0, kind.size * 0.1))
    flow.y += 0.9 * flow.leading * kind.size


def _head(flow: Flow) -> None:
    rng, resources, kind, lang = flow.rng, flow.resources, flow.kind, flow.lang
    if rng.random() < 0.2:
        side = 3.5 * kind.size
        shapes.icon(flow.canvas, rng, (flow.x0 + flow.x1 - side) / 2, flow.y, side, flow.ink.color)
        flow.y += side + 0.6 * kind.size
    align = "center" if rng.random() < 0.85 else "left"
    name = _cased(rng, resources.phrase(rng, kind, lang, 26 if lang == "en" else 10))
    head = replace(flow, kind=resources.type(rng, lang, kind.size)) if rng.random() < 0.3 else flow
    head.heading(
        head.kind.clean(name) or "A",
        float(rng.uniform(1.0, 1.9)),
        align=align,
        bold=bool(rng.random() < 0.6),
    )
    flow.y = head.y
    for _ in range(int(rng.integers(1, 6))):
        draw = rng.random()
        if draw < 0.65:
            text = _cased(rng, resources.phrase(rng, kind, lang, 32 if lang == "en" else 16))
        elif draw < 0.85:
            label = resources.pick(rng, kind, vocabulary.RECEIPT_META, lang)
            text = f"{label}: {resources.number(rng, kind)}"
        else:
            text = resources.number(rng, kind)
        flow.line(text, align=align)
    flow.space(0.4)
    if rng.random() < 0.7:
        bold = replace(kind, bold=1.0) if rng.random() < 0.4 else kind
        flow.line(
            resources.pick(rng, kind, vocabulary.RECEIPT_HEAD, lang), kind=bold, align="center"
        )


def _cased(rng: Generator, text: str) -> str:
    return text.upper() if rng.random() < 0.6 else text


def _meta(flow: Flow) -> None:
    rng, resources, kind, lang = flow.rng, flow.resources, flow.kind, flow.lang
    for _ in range(int(rng.integers(1, 6))):
        if flow.full:
            return
        label = resources.pick(rng, kind, vocabulary.RECEIPT_META, lang)
        colon = (":", " :", "：", ": ")[int(rng.integers(4))]
        value = resources.number(rng, kind)
        draw = rng.random()
        if draw < 0.55:
            flow.line(
                f"{label}{colon}{'' if rng.random() < 0.3 else ' '}{value}".replace("  ", " ")
            )
        elif draw < 0.8:
            flow.pair(kind.clean(label + colon), value)
        else:
            other = resources.pick(rng, kind, vocabulary.RECEIPT_META, lang)
            numbers = rng.integers(1, 9999, 2).tolist()
            flow.pair(kind.clean(f"{label}: {numbers[0]}"), kind.clean(f"{other}: {numbers[1]}"))
    _separator(flow)


def _items(flow: Flow) -> None:
    """Item rows of one shape; their parts are lines of their own, the gaps being wide."""
    rng, resources, kind, lang = flow.rng, flow.resources, flow.kind, flow.lang
    edges = [float(v) for v in (0.0, rng.uniform(0.42, 0.52), rng.uniform(0.62, 0.74), 1.0)]
    columns = bool(rng.random() < 0.5)
    if rng.random() < 0.75:
        names = [resources.pick(rng, kind, vocabulary.COLUMNS, lang) for _ in range(4)]
        _columns(flow, names[: 4 if columns else 2], edges if columns else [0.0, 1.0])
        if rng.random() < 0.6:
            _separator(flow)
    coded = bool(rng.random() < 0.35)
    for _ in range(int(rng.integers(2, 14))):
        if flow.y + 8 * kind.size > flow.y1:
            break
        name = _cased(
            rng, resources.phrase(rng, kind, lang, int(rng.integers(4, 30 if lang == "en" else 12)))
        )
        amount = resources.price(rng)
        count = str(int(rng.integers(1, 20)))
        draw = rng.random()
        if coded and draw < 0.7:
            flow.line(f"{int(rng.integers(10**9, 10**12))} {name}" if rng.random() < 0.5 else name)
            _columns(flow, ["", f"{count} x", resources.price(rng), amount], edges)
        elif columns:
            _columns(flow, [name, count, resources.price(rng), amount], edges)
        else:
            flow.pair(name, amount)
            if draw > 0.8:
                flow.line(kind.clean(f"  {count} x {resources.price(rng)}"))
    _separator(flow)


def _columns(flow: Flow, texts: list[str], edges: list[float]) -> None:
    """One row: the first text at the left, the others ending at their columns' right sides."""
    kind = flow.kind
    if flow.full:
        return
    room = edges[1] * flow.width - 1.2 * kind.size if len(texts) > 2 else 0.6 * flow.width
    for number, text in enumerate(texts):
        clean = kind.clean(text)
        if not clean:
            continue
        if number == 0:
            while len(clean) > 1 and kind.measure(clean).sum() > room:
                clean = clean[:-1].rstrip()
        stamp = kind.draw(clean)
        right = flow.x0 + edges[min(number, len(edges) - 1)] * flow.width
        x = flow.x0 if number == 0 else right - stamp.width
        if flow.canvas.is_free(x - 0.5 * kind.size, flow.y, x + stamp.width, flow.y + 1):
            flow.canvas.put(stamp, x, flow.y, flow.ink)
    flow.y += flow.leading * kind.size


def _totals(flow: Flow) -> None:
    rng, resources, kind, lang = flow.rng, flow.resources, flow.kind, flow.lang
    inset = flow.width * float(rng.choice([0.0, 0.0, 0.3]))
    block = replace(flow, x0=flow.x0 + inset, y=flow.y)
    colon = ("", ":", " :")[int(rng.integers(3))]
    for _ in range(int(rng.integers(2, 7))):
        if block.full:
            break
        large = rng.random() < 0.2
        style: Type = replace(kind.at(kind.size * 1.4), bold=0.8) if large else kind
        label = resources.pick(rng, kind, vocabulary.RECEIPT, lang) + colon
        block.pair(style.clean(label), resources.price(rng), kind=style)
        if large:
            block.y += 0.4 * kind.size
    flow.y = block.y
    _separator(flow)


def _summary(flow: Flow) -> None:
    rng, resources, kind, lang = flow.rng, flow.resources, flow.kind, flow.lang
    edges = [0.0, 0.4, 0.72, 1.0]
    _columns(
        flow,
        [resources.pick(rng, kind, vocabulary.RECEIPT, lang) for _ in range(2)]
        + ["Amount(RM)", "Tax"],
        edges,
    )
    for _ in range(int(rng.integers(1, 3))):
        _columns(flow, ["SR (@ 6%)", "", resources.price(rng), resources.price(rng)], edges)


def _foot(flow: Flow) -> None:
    rng, resources, kind, lang = flow.rng, flow.resources, flow.kind, flow.lang
    flow.space(0.5)
    align = "center" if rng.random() < 0.85 else "left"
    for _ in range(int(rng.integers(0, 5))):
        if flow.full:
            return
        stars = "*** {} ***" if rng.random() < 0.08 else "{}"
        flow.line(
            kind.clean(stars.format(resources.pick(rng, kind, vocabulary.THANKS, lang))),
            align=align,
        )
    room = flow.y1 - flow.y
    if room > 5 * kind.size and rng.random() < 0.4:
        side = min(room - 2 * kind.size, flow.width * 0.4)
        x = (flow.x0 + flow.x1) / 2
        if rng.random() < 0.5:
            shapes.square_code(flow.canvas, rng, x - side / 2, flow.y, side)
            return
        shapes.bar_code(
            flow.canvas, rng, x - flow.width * 0.35, flow.y, flow.width * 0.7, 3 * kind.size
        )
        flow.y += 3.4 * kind.size
        flow.line(str(int(rng.integers(10**9, 10**13))), align="center")
