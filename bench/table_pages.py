"""Render pages with one table each, and its truth: rules of every kind, spans, both languages, short and wide cells.

The faces, words and inks are the training renderer's; the tables are not its layouts: those have no spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from common.arrays import Image
from ocr.result import TableCell
from train.synth import backgrounds
from train.synth.drawing.canvas import Canvas, Ink
from train.synth.drawing.resources import Resources, dark_ink
from train.synth.typesetting.typeset import Type

RULES = ("all", "all", "inner", "rows", "three", "none")
"""All rules; those between cells without a frame; under each row; above, under the head and below; none."""

CONTENTS = ("short", "short", "numbers", "words")
"""One to three characters; numbers with a name in front; words."""

SPANS = 0.4
"""Share of the tables with cells that span rows or columns."""

NOWHERE = ((0.0, 0.0),) * 4


@dataclass(frozen=True)
class TablePage:
    """A picture of one table.

    Args:
        image: (H, W, 3) uint8 RGB.
        cells: Its cells with their texts, row by row; their boxes are not told.
        name: What kind of table it is.
    """

    image: Image
    cells: tuple[TableCell, ...]
    name: str


def table_page(resources: Resources, seed: int, number: int) -> TablePage:
    """Render a table; the same for the same arguments and fonts."""
    rng = np.random.default_rng([seed, number])
    rules = RULES[number % len(RULES)]
    content = CONTENTS[number // len(RULES) % len(CONTENTS)]
    lang = "zh" if rng.random() < 0.5 else "en"
    kind = resources.type(rng, lang, float(rng.uniform(16, 30)))
    rows, columns = int(rng.integers(4, 10)), int(rng.integers(3, 8 if content == "short" else 6))
    spans = list(_spans(rng, rows, columns, headed=rules in {"three", "rows", "none"}))
    if rng.random() >= SPANS:
        spans = []
    cells = tuple(_cells(resources, rng, kind, lang, content, (rows, columns), spans))
    widths = _widths(kind, cells, columns) + kind.size * float(rng.uniform(1.2, 2.2))
    row = kind.size * float(rng.uniform(1.7, 2.4))
    margin = kind.size * float(rng.uniform(1.0, 3.0))
    xs = margin + np.concatenate([[0], np.cumsum(widths)])
    ys = margin + row * np.arange(rows + 1)
    size = int(ys[-1] + margin), int(xs[-1] + margin)
    canvas = Canvas(backgrounds.paper(rng, *size))
    ink = dark_ink(rng)
    align = ("left", "center", "right")[int(rng.integers(3))]
    for cell in cells:
        _print(canvas, kind, ink, cell, xs, ys, align)
    _rule(canvas, rules, cells, xs, ys, thick=1 + int(rng.random() < 0.3))
    return TablePage(canvas.image, cells, f"{rules}-{content}-{lang}{'-spans' if spans else ''}")


def _spans(
    rng: Generator, rows: int, columns: int, *, headed: bool
) -> Iterator[tuple[int, int, int, int]]:
    """(row, column, rows, columns) of cells that span several: of the head, and where rules tell it of the side."""
    first = int(rng.integers(0, columns - 1))
    yield 0, first, 1, int(rng.integers(2, min(3, columns - first) + 1))
    if not headed:
        start = int(rng.integers(1, rows - 1))
        yield start, 0, int(rng.integers(2, min(3, rows - start) + 1)), 1


def _cells(
    resources: Resources,
    rng: Generator,
    kind: Type,
    lang: str,
    content: str,
    shape: tuple[int, int],
    spans: list[tuple[int, int, int, int]],
) -> Iterator[TableCell]:
    rows, columns = shape
    free = np.ones(shape, bool)
    for row in range(rows):
        for column in range(columns):
            if not free[row, column]:
                continue
            own = [span for span in spans if span[:2] == (row, column)]
            down, across = own[0][2:] if own else (1, 1)
            free[row : row + down, column : column + across] = False
            empty = row > 0 and column > 0 and rng.random() < 0.06
            wordy = row == 0 or column == 0 or content == "words"
            text = "" if empty else _text(resources, rng, kind, lang, content, wordy)
            yield TableCell(row, column, down, across, text, NOWHERE)


def _text(
    resources: Resources, rng: Generator, kind: Type, lang: str, content: str, wordy: bool
) -> str:
    if content == "short":
        draw = rng.random()
        if draw < 0.5:
            return str(int(10 ** rng.uniform(0, 3)))
        if draw < 0.7:
            return "ABCDEFGH"[int(rng.integers(8))]
        return resources.title(rng, kind, lang, 2 if lang == "zh" else 4)
    if wordy:
        return resources.title(rng, kind, lang, 6 if lang == "zh" else 14)
    number = f"{10 ** rng.uniform(0, 5):,.{int(rng.integers(0, 3))}f}"
    return number + ("%" if rng.random() < 0.15 else "")


def _widths(kind: Type, cells: tuple[TableCell, ...], columns: int) -> np.ndarray:
    widths = np.full(columns, float(kind.size))
    for cell in cells:
        needed = float(kind.measure(cell.text).sum()) if cell.text else 0.0
        part = slice(cell.column, cell.column + cell.column_span)
        widths[part] = np.maximum(widths[part], needed / cell.column_span)
    return widths


def _print(
    canvas: Canvas,
    kind: Type,
    ink: Ink,
    cell: TableCell,
    xs: np.ndarray,
    ys: np.ndarray,
    align: str,
) -> None:
    if not cell.text:
        return
    left, right = float(xs[cell.column]), float(xs[cell.column + cell.column_span])
    top, bottom = float(ys[cell.row]), float(ys[cell.row + cell.row_span])
    stamp = kind.draw(cell.text)
    pad = 0.5 * kind.size
    # What spans several stands in their middle, as it does in print.
    middle = align == "center" or cell.column_span > 1
    x = (left + right - stamp.width) / 2 if middle else left + pad
    if align == "right" and not middle and cell.column > 0:
        x = right - pad - stamp.width
    if not canvas.put(stamp, x, (top + bottom - stamp.height) / 2, ink):
        raise ValueError(f"{cell.text!r} does not fit its cell")


def _rule(
    canvas: Canvas,
    rules: str,
    cells: tuple[TableCell, ...],
    xs: np.ndarray,
    ys: np.ndarray,
    *,
    thick: int,
) -> None:
    left, right, top, bottom = float(xs[0]), float(xs[-1]), float(ys[0]), float(ys[-1])
    color = (40, 40, 40)
    if rules == "three":
        for y in (top, float(ys[1]), bottom):
            canvas.rule(left, y, right, y, color, thick=thick)
    if rules == "rows":
        for y in ys.tolist():
            canvas.rule(left, y, right, y, color, thick=thick)
    if rules not in {"all", "inner"}:
        return
    for cell in cells:
        x0, x1 = float(xs[cell.column]), float(xs[cell.column + cell.column_span])
        y0, y1 = float(ys[cell.row]), float(ys[cell.row + cell.row_span])
        for a, b, c, d in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
            frame = (a == c and a in (left, right)) or (b == d and b in (top, bottom))
            if rules == "all" or not frame:
                canvas.rule(a, b, c, d, color, thick=thick)
