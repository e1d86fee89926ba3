"""Lay out printed documents: reports, books, papers, newspapers, contents, in one to three columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources, dark_ink
from train.synth.layouts.table import looks, table
from train.synth.typesetting.typeset import Type

MIN_SIZE = 10.0
"""Pixels per em of running text at least; real pages shown whole go down to about this."""


def document(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A whole page of running text, seldom a contents page."""
    width = int(rng.integers(560, 1150))
    height = int(np.clip(width * rng.uniform(0.75, 1.5), 400, 1400))
    columns = int(rng.choice([1, 2, 3], p=[0.66, 0.27, 0.07]))
    margin = width * float(rng.uniform(0.03, 0.13))
    gap = width * float(rng.uniform(0.025, 0.06))
    room = (width - 2 * margin - gap * (columns - 1)) / columns
    kind = _text_type(resources, rng, lang, room, columns)
    ink = dark_ink(rng)
    canvas = Canvas(backgrounds.paper(rng, height, width))
    leading = float(rng.uniform(1.2, 1.9) if lang != "en" else rng.uniform(1.05, 1.6))
    # Typescripts are set in double lines.
    leading = 2.0 if rng.random() < 0.06 else leading
    page = Flow(
        canvas,
        resources,
        rng,
        lang,
        kind,
        ink,
        margin,
        width - margin,
        margin * float(rng.uniform(0.5, 1.2)),
        height - margin * float(rng.uniform(0.7, 1.2)),
        leading,
        align="justify" if rng.random() < (0.5 if lang == "en" else 0.8) else "left",
        indent=2.0 if lang != "en" else float(rng.choice([0.0, 1.5, 2.5])),
        hyphens=bool(rng.random() < 0.3),
    )
    head_and_foot(page)
    if rng.random() < 0.09:
        contents(page)
        return canvas
    if rng.random() < 0.4:
        _title(page)
    for number in range(columns):
        x0 = margin + number * (room + gap)
        column = replace(page, x0=x0, x1=x0 + room)
        if number and rng.random() < 0.25:
            canvas.rule(x0 - gap / 2, page.y, x0 - gap / 2, page.y1, (120, 120, 120))
        fill(column, early=number == columns - 1)
    return canvas


def _text_type(resources: Resources, rng: Generator, lang: str, room: float, columns: int) -> Type:
    """A face for running text, at a size that gives the characters per line of real columns."""
    em = 0.48 if lang == "en" else 1.0
    most = {1: 44, 2: 25, 3: 17}[columns] / em
    per_line = float(rng.uniform(0.36, 0.95)) * most
    size = float(np.clip(room / (per_line * em), MIN_SIZE, 40))
    draw = rng.random()
    style = "serif" if draw < 0.5 else "sans" if draw < 0.8 else None
    if lang == "en" and rng.random() < 0.22:
        style, size = "mono", size * 0.85
    kind = resources.type(rng, lang, size, style=style)
    return replace(kind, slant=0.0)


def head_and_foot(page: Flow) -> None:
    """Running head, rule and page number, in the margins above and below the box."""
    rng, kind, canvas = page.rng, page.kind.at(page.kind.size * 0.85), page.canvas
    if rng.random() < 0.4:
        page.y = max(page.y, 2.4 * kind.size)
        text = page.resources.phrase(rng, kind, page.lang, 40 if page.lang == "en" else 16)
        number = str(int(rng.integers(1, 400)))
        head = replace(page, kind=kind, y=max(2.0, page.y - 1.9 * kind.size), y1=page.y)
        if rng.random() < 0.5:
            head.pair(
                text,
                number if rng.random() < 0.7 else page.resources.phrase(rng, kind, page.lang, 10),
            )
        else:
            head.line(text, align="center")
        if rng.random() < 0.6:
            rule = page.y - 0.55 * kind.size
            canvas.rule(page.x0, rule, page.x1, rule, page.ink.color)
        page.space(0.3)
    if rng.random() < 0.6:
        number = str(int(rng.integers(1, 900)))
        styles = (
            number,
            f"- {number} -",
            f"{number}",
            f"第 {number} 页",
            f"Page {number}",
            f"{number} / 128",
        )
        text = kind.clean(styles[int(rng.integers(len(styles)))])
        foot = replace(page, kind=kind, y=page.y1 + 0.6 * kind.size, y1=float(canvas.height))
        foot.line(text, align=("center", "center", "right", "left")[int(rng.integers(4))])


def _title(page: Flow) -> None:
    """Title, authors and sometimes an abstract above all columns."""
    rng, resources, lang = page.rng, page.resources, page.lang
    page.space(float(rng.uniform(0, 2)))
    align = "center" if rng.random() < 0.7 else "left"
    scale = float(rng.uniform(1.4, 2.8))
    page.heading(
        resources.phrase(rng, page.kind, lang, 60 if lang == "en" else 24), scale, align=align
    )
    page.space(0.4)
    for _ in range(int(rng.integers(0, 3))):
        text = resources.phrase(rng, page.kind, lang, 50 if lang == "en" else 20)
        page.line(text if rng.random() < 0.8 else resources.number(rng, page.kind), align=align)
    if rng.random() < 0.3:
        inner = replace(
            page, x0=page.x0 + 2 * page.kind.size, x1=page.x1 - 2 * page.kind.size, indent=0.0
        )
        inner.running_text(float(rng.uniform(2, 6)))
        page.y = inner.y
    page.space(float(rng.uniform(0.3, 1.2)))


def fill(column: Flow, *, early: bool) -> None:
    """Fill a column with blocks; some end `early` as the last page of a chapter does."""
    rng = column.rng
    end = (
        column.y1
        if not early or rng.random() < 0.85
        else column.y + (column.y1 - column.y) * float(rng.uniform(0.3, 0.95))
    )
    between = float(rng.choice([0.0, 0.0, 0.4, 0.9]))
    notes = rng.random() < 0.12
    if notes:
        column.y1 -= 5 * column.kind.size
        end = min(end, column.y1)
    while not column.full and column.y < end:
        _block(column)
        column.space(between)
    if notes:
        _footnotes(column)


def _block(column: Flow) -> None:
    rng, kind = column.rng, column.kind
    draw = rng.random()
    if draw < 0.62:
        column.running_text(float(rng.uniform(1, 8)))
    elif draw < 0.76:
        _section(column)
    elif draw < 0.85:
        _list(column)
    elif draw < 0.91:
        _figure(column)
    elif draw < 0.95:
        box = (
            column.x0,
            column.y + 0.3 * kind.size,
            column.x1,
            min(column.y1, column.y + 14 * kind.size),
        )
        style = looks(rng, kind.at(kind.size * 0.9), column.ink)
        column.y = (
            table(column.canvas, column.resources, rng, column.lang, style, box) + 0.8 * kind.size
        )
    elif draw < 0.97:
        _quotation(column)
    else:
        _equation(column)


def _section(column: Flow) -> None:
    rng = column.rng
    name = column.resources.phrase(rng, column.kind, column.lang, 34 if column.lang == "en" else 14)
    n, m = int(rng.integers(1, 12)), int(rng.integers(1, 9))
    if column.lang == "en":
        forms = (
            f"{n}. {name}",
            f"{n}.{m} {name}",
            name.upper(),
            name,
            f"CHAPTER {n}",
            f"Section {n}.{m}",
        )
    else:
        han = "一二三四五六七八九十"[n % 10]
        forms = (
            f"{n}.{m} {name}",
            f"{han}、{name}",
            f"第{han}章 {name}",
            name,
            f"（{han}）{name}",
            f"{n} {name}",
        )
    column.space(float(rng.uniform(0.2, 1.0)))
    color = backgrounds.color(rng, dark=True) if rng.random() < 0.15 else None
    align = "center" if rng.random() < 0.15 else "left"
    text = forms[int(rng.integers(len(forms)))]
    column.heading(
        text, float(rng.uniform(1.0, 1.6)), align=align, bold=bool(rng.random() < 0.8), color=color
    )
    column.space(float(rng.uniform(0.1, 0.6)))


def _list(column: Flow) -> None:
    rng = column.rng
    style = int(rng.integers(5))
    for number in range(1, int(rng.integers(3, 7))):
        mark = (f"{number}. ", f"({number}) ", f"[{number}] ", "• ", "— ")[style]
        chars = int(column.width / column.kind.size * rng.uniform(0.4, 2.0)) * (
            2 if column.lang == "en" else 1
        )
        text = column.resources.phrase(rng, column.kind, column.lang, max(4, chars))
        hang = 1.5 * column.kind.size if rng.random() < 0.6 else 0.0
        column.paragraph(column.kind.clean(mark) + " " + text, indent=0.0, hang=hang)
        if column.full:
            return


def _figure(column: Flow) -> None:
    rng, kind = column.rng, column.kind
    tall = float(rng.uniform(4, 14)) * kind.size
    if column.y + tall + 2 * kind.size > column.y1:
        return
    inset = column.width * float(rng.uniform(0, 0.3))
    box = (column.x0 + inset, column.y + 0.4 * kind.size, column.x1 - inset, column.y + tall)
    shapes.figure(column.canvas, column.resources, rng, box, kind)
    column.y += tall + 0.5 * kind.size
    if rng.random() < 0.7:
        mark = (
            f"Figure {int(rng.integers(1, 20))}. "
            if column.lang == "en"
            else f"图{int(rng.integers(1, 20))} "
        )
        text = mark + column.resources.phrase(
            rng, kind, column.lang, 40 if column.lang == "en" else 16
        )
        column.line(text, kind=kind.at(kind.size * 0.9), align="center")
    column.space(0.4)


def _quotation(column: Flow) -> None:
    rng, kind = column.rng, column.kind
    start = column.y
    inner = replace(
        column,
        x0=column.x0 + 2 * kind.size,
        x1=column.x1 - 2 * kind.size,
        indent=0.0,
        y=column.y + 0.6 * kind.size,
        kind=replace(kind, slant=0.2 if rng.random() < 0.4 else 0.0),
    )
    if inner.width < 6 * kind.size:
        return
    inner.running_text(float(rng.uniform(1, 4)))
    column.y = inner.y + 0.3 * kind.size
    if rng.random() < 0.5:
        column.canvas.box(column.x0, start, column.x1, column.y, column.ink.color, thick=1)
    elif rng.random() < 0.5:
        column.canvas.rule(
            column.x0 + kind.size, start, column.x0 + kind.size, column.y, (150, 150, 150), thick=2
        )
    column.space(0.6)


def _equation(column: Flow) -> None:
    rng, kind = column.rng, column.kind
    names = "abcxyzkmnpqfg"
    a, b, c, d = (names[int(i)] for i in rng.integers(len(names), size=4))
    n = int(rng.integers(2, 100))
    forms = (
        f"{a} = {b} + {n}{c}",
        f"{a}({b}) = {n}{b} - {c} / {d}",
        f"{a} + {b} = {c}",
        f"{n} x {n} = {n * n}",
    )
    column.space(0.4)
    text = kind.clean(forms[int(rng.integers(len(forms)))])
    column.place(replace(kind, slant=0.2).draw(text), "center")
    if rng.random() < 0.6:
        column.place(kind.draw(f"({n})"), "right")
    column.y += (column.leading + 0.4) * kind.size


def _footnotes(column: Flow) -> None:
    foot = replace(
        column,
        kind=column.kind.at(max(8, column.kind.size * 0.78)),
        y=max(column.y, column.y1),
        indent=1.0,
    )
    foot.y1 = column.y1 + 5 * column.kind.size
    foot.canvas.rule(foot.x0, foot.y, foot.x0 + foot.width * 0.4, foot.y, foot.ink.color)
    foot.space(0.5)
    for number in range(1, int(foot.rng.integers(2, 4))):
        length = 90 if foot.lang == "en" else 40
        text = foot.resources.phrase(foot.rng, foot.kind, foot.lang, length)
        foot.paragraph(f"{number} {text}", most=2)


def contents(page: Flow) -> None:
    """A table of contents: entries with leaders to their page numbers."""
    rng, resources = page.rng, page.resources
    page.heading(
        "Contents" if page.lang == "en" else page.kind.clean("目 录") or "Contents",
        1.6,
        align="center",
    )
    page.space(0.8)
    # Word processors print the leaders as characters of the line; drawn ones are no text.
    typed = page.kind.clean(".") == "." and rng.random() < 0.75
    leader = page.ink.color if rng.random() < 0.6 else None
    number, chapter = int(rng.integers(1, 9)), 0
    while not page.full:
        deep = bool(rng.random() < 0.7) and chapter > 0
        chapter += 0 if deep else 1
        name = resources.phrase(rng, page.kind, page.lang, 30 if page.lang == "en" else 12)
        mark = f"{chapter}.{int(rng.integers(1, 9))}" if deep else str(chapter)
        dx = 1.5 * page.kind.size if deep else 0.0
        if typed:
            _entry(page, f"{mark} {name}", str(number), dx)
        else:
            page.pair(f"{mark} {name}", str(number), leader=leader, dx=dx)
        number += int(rng.integers(0, 9))


def _entry(page: Flow, name: str, number: str, dx: float) -> None:
    """Print an entry of a table of contents with typed leaders, as one line, and move on."""
    kind, rng = page.kind, page.rng
    gap = " " if rng.random() < 0.5 else ""
    room = page.width - dx - float(kind.measure(f"{name}{gap}{gap}{number}").sum())
    dots = int(room / float(kind.measure(".")[0]))
    if dots < 3:
        page.pair(name, number, dx=dx)
        return
    page.place(kind.draw(f"{name}{gap}{'.' * dots}{gap}{number}"), "left", indent=dx)
    page.y += page.leading * kind.size
