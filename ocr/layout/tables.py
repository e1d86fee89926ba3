"""Make a table of rows of cells where its columns are clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes
from common.quads import boxes_to_quads, rotate_quads
from ocr.layout.joining import join_lines
from ocr.line.characters import characters_of
from ocr.result import Box, Page, Table, TableCell

MIN_ROWS, MIN_COLUMNS = 3, 3
"""A list of names and prices, of two columns, is no table."""

MIN_FILLED = 0.7
"""Share of a table's cells with something in them: where more are empty the grid is not clear."""

MAX_CROSSING = 0.25
"""Share of the rows that may reach over the white between two columns; a detector joins cells that are close."""

MIN_WHITE = 0.25
"""Width of the white between two columns in line heights."""

SPLIT_REACH = 1.2
"""Distance in line heights from the white at which a space divides a line that reaches over it."""


class Piece(NamedTuple):
    """A part of a line: its number on the page and its characters, up to `stop` or to the end."""

    line: int
    start: int = 0
    stop: int | None = None

    def text(self, page: Page) -> str:
        """What it says, without spaces at its ends."""
        line = page.lines[self.line]
        if self.start == 0 and self.stop is None:
            return line.text.strip()
        return "".join(c.text for c in characters_of(line)[self.start : self.stop]).strip()

    def box(self, page: Page) -> Box:
        """Where that is."""
        line = page.lines[self.line]
        characters = characters_of(line)[self.start : self.stop]
        seen = [c for c in characters if not c.text.isspace()]
        if (self.start == 0 and self.stop is None) or not seen:
            return line.box
        return line.part(seen[0].start, seen[-1].stop)


Cell: TypeAlias = tuple[Piece, ...]
"""Pieces of lines side by side that make up one text; none is an empty cell."""


class FoundTable(NamedTuple):
    """Cells in columns.

    Attributes:
        rows: From the top, as many cells in each; those after a cell that spans several are empty.
        spans: How many columns a cell spans, by its row and column; where it is not told, one.
        whites: Places x between the columns.
    """

    rows: tuple[tuple[Cell, ...], ...]
    spans: dict[tuple[int, int], int]
    whites: tuple[float, ...]


def find_table(
    page: Page, rows: Sequence[Sequence[Sequence[int]]], boxes: Boxes
) -> FoundTable | None:
    """Put cells into columns.

    Args:
        page: What the numbers of lines mean.
        rows: From the top; of each row the cells from the left; of each cell the lines.
        boxes: (M, 4) of all lines of the page, as `ocr.layout.reading_order.level_boxes` gives them.

    Returns:
        The rows, each with all columns; None where the columns are not clear.
    """
    if len(rows) < MIN_ROWS or max(map(len, rows)) < MIN_COLUMNS:
        return None
    lines = [line for row in rows for cell in row for line in cell]
    height = float(np.median(boxes[lines, 3] - boxes[lines, 1]))
    whites = _whites([_intervals(row, boxes) for row in rows], height)
    if len(whites) + 1 < MIN_COLUMNS:
        return None
    table: list[tuple[Cell, ...]] = []
    spans: dict[tuple[int, int], int] = {}
    for row in rows:
        columns: list[list[Piece]] = [[] for _ in range(len(whites) + 1)]
        for line in (line for cell in row for line in cell):
            box = boxes[line]
            crossed = [x for x in whites if box[0] < x - MIN_WHITE * height / 2 < x < box[2]]
            pieces = _cut(page, line, box, crossed, height)
            for start, stop, piece in pieces:
                inner = [x for x in crossed if start < x < stop]
                middle = inner[0] - 1e-3 if inner else (start + stop) / 2
                column = int(np.searchsorted(whites, middle))
                columns[column].append(piece)
                if inner:
                    spans[len(table), column] = len(inner) + 1
        table.append(tuple(map(tuple, columns)))
    covered = sum(spans.values()) - len(spans)
    filled = sum(bool(cell) for columns in table for cell in columns) + covered
    clear = filled >= MIN_FILLED * len(table) * len(table[0]) and covered <= MAX_CROSSING * len(
        rows
    )
    if not clear or sum(map(bool, table[0])) < 2:
        return None
    return FoundTable(tuple(table), spans, tuple(whites))


def table_of(page: Page, found: FoundTable, boxes: Boxes) -> Table:
    """Give cells their texts and boxes.

    Args:
        page: As in `find_table`, and so `boxes`.
        found: Its rows.
        boxes: Likewise.
    """
    cells = []
    for r, row in enumerate(found.rows):
        hidden = 0
        for c in range(len(row)):
            if hidden:
                hidden -= 1
                continue
            span = found.spans.get((r, c), 1)
            hidden = span - 1
            pieces = [piece for own in row[c : c + span] for piece in own]
            text = join_lines(piece.text(page) for piece in pieces)
            box = around(page, [piece.box(page) for piece in pieces])
            cells.append(TableCell(r, c, 1, span, text, box))
    whole = around(page, [cell.box for cell in cells if cell.text])
    places = _Places(page, cells)
    return Table(whole, tuple(each if each.text else places.fill(each) for each in cells))


def around(page: Page, boxes: Sequence[Box]) -> Box:
    """The smallest box around some, level on the page turned upright; at its corner for none."""
    turn, size = page.angle.degrees, (page.height, page.width)
    quads = rotate_quads(np.array(boxes, np.float32).reshape(-1, 4, 2), turn, size)
    if not len(quads):
        quads = np.zeros((1, 4, 2), np.float32)
    low, high = quads.min(axis=(0, 1)), quads.max(axis=(0, 1))
    quad = boxes_to_quads(np.array([[*low, *high]], np.float32))
    back = rotate_quads(quad, -turn % 360, size if turn % 180 == 0 else size[::-1])[0]
    return tuple((float(x), float(y)) for x, y in back)


class _Places:
    """Where the rows and columns of a table are that has no rules."""

    def __init__(self, page: Page, cells: Sequence[TableCell]) -> None:
        self._page = page
        self._rows: dict[int, list[Box]] = {}
        self._columns: dict[int, list[Box]] = {}
        for cell in cells:
            if cell.text:
                self._rows.setdefault(cell.row, []).append(cell.box)
                if cell.column_span == 1:
                    self._columns.setdefault(cell.column, []).append(cell.box)

    def fill(self, cell: TableCell) -> TableCell:
        """An empty cell with a box: where its row and its column meet."""
        turn, size = self._page.angle.degrees, (self._page.height, self._page.width)
        row = around(self._page, self._rows.get(cell.row, []))
        column = around(self._page, self._columns.get(cell.column, []))
        quads = rotate_quads(np.array([row, column], np.float32), turn, size)
        x0, x1 = quads[1, :, 0].min(), quads[1, :, 0].max()
        y0, y1 = quads[0, :, 1].min(), quads[0, :, 1].max()
        quad = boxes_to_quads(np.array([[x0, y0, x1, y1]], np.float32))
        back = rotate_quads(quad, -turn % 360, size if turn % 180 == 0 else size[::-1])[0]
        return replace(cell, box=tuple((float(x), float(y)) for x, y in back))


def _intervals(row: Sequence[Sequence[int]], boxes: Boxes) -> NDArray[np.float32]:
    """(n, 2) from where to where each cell of a row reaches."""
    return np.array([[boxes[list(c), 0].min(), boxes[list(c), 2].max()] for c in row], np.float32)


def _whites(rows: Sequence[NDArray[np.float32]], height: float) -> list[float]:
    """Places x between columns: few rows have something there, and many have on either side."""
    edges = np.unique(np.concatenate(rows))
    middles = (edges[:-1] + edges[1:]) / 2
    inked = sum(
        ((row[:, :1] < middles) & (middles < row[:, 1:])).any(axis=0).astype(int) for row in rows
    )
    counts = np.asarray(inked)
    is_white = counts <= MAX_CROSSING * len(rows)
    whites: list[float] = []
    start = None
    for i, white in enumerate([*is_white.tolist(), False]):
        if white and start is None:
            start = i
        elif not white and start is not None:
            inner = start > 0 and i < len(middles)
            if inner and edges[i] - edges[start] >= MIN_WHITE * height:
                best = start + int(np.argmin(counts[start:i] * 1e6 - np.diff(edges[start : i + 1])))
                whites.append(float(middles[best]))
            start = None
    return whites


def _cut(
    page: Page, line: int, box: NDArray[np.float32], places: Sequence[float], height: float
) -> list[tuple[float, float, Piece]]:
    """Cut a line at the spaces nearest to some places, where one is near; (from, to, piece) of what comes out."""
    characters = characters_of(page.lines[line])
    width = float(box[2] - box[0])
    spaces = [
        (float(box[0]) + width * (c.start + c.stop) / 2, i)
        for i, c in enumerate(characters)
        if c.text.isspace()
    ]
    cuts: list[tuple[float, int]] = []
    for place in places:
        near = [(abs(x - place), i) for x, i in spaces if abs(x - place) <= SPLIT_REACH * height]
        if near and (not cuts or min(near)[1] > cuts[-1][1]):
            cuts.append((place, min(near)[1]))
    if not cuts:
        return [(float(box[0]), float(box[2]), Piece(line))]
    bounds = [(float(box[0]), -1), *cuts, (float(box[2]), len(characters))]
    return [
        (x0, x1, Piece(line, first + 1, stop))
        for (x0, first), (x1, stop) in zip(bounds, bounds[1:], strict=False)
    ]
