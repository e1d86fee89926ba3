"""Rows of cells in; the table they make out, where its columns are clear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes
from ocr.line.characters import characters_of
from ocr.result import Page

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


Cell: TypeAlias = tuple[Piece, ...]
"""Pieces of lines side by side that make up one text; none is an empty cell."""

Table: TypeAlias = tuple[tuple[Cell, ...], ...]
"""Rows of cells, as many in each."""


def find_table(page: Page, rows: Sequence[Sequence[Sequence[int]]], boxes: Boxes) -> Table:
    """Put cells into columns.

    Args:
        page: What the numbers of lines mean.
        rows: From the top; of each row the cells from the left; of each cell the lines.
        boxes: (M, 4) of all lines of the page, as `ocr.layout.reading_order.level_boxes` gives them.

    Returns:
        The rows, each with all columns; nothing where the columns are not clear.
    """
    if len(rows) < MIN_ROWS or max(map(len, rows)) < MIN_COLUMNS:
        return ()
    lines = [line for row in rows for cell in row for line in cell]
    height = float(np.median(boxes[lines, 3] - boxes[lines, 1]))
    whites = _whites([_intervals(row, boxes) for row in rows], height)
    if len(whites) + 1 < MIN_COLUMNS:
        return ()
    table, uncut = [], 0
    for row in rows:
        columns: list[list[Piece]] = [[] for _ in range(len(whites) + 1)]
        for line in (line for cell in row for line in cell):
            box = boxes[line]
            crossed = [x for x in whites if box[0] < x - MIN_WHITE * height / 2 < x < box[2]]
            pieces = _cut(page, line, box, crossed, height)
            uncut += len(crossed) - len(pieces) + 1
            for middle, piece in pieces:
                columns[int(np.searchsorted(whites, middle))].append(piece)
        table.append(tuple(map(tuple, columns)))
    filled = sum(bool(cell) for columns in table for cell in columns)
    clear = filled >= MIN_FILLED * len(table) * len(table[0]) and uncut <= MAX_CROSSING * len(rows)
    return tuple(table) if clear and sum(map(bool, table[0])) >= 2 else ()


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
) -> list[tuple[float, Piece]]:
    """Cut a line at the spaces nearest to some places; (middle, piece) of what comes out, uncut where none is near."""
    characters = characters_of(page.lines[line])
    width = float(box[2] - box[0])
    spaces = [
        (float(box[0]) + width * (c.start + c.stop) / 2, i)
        for i, c in enumerate(characters)
        if c.text.isspace()
    ]
    cuts: list[tuple[float, int]] = []
    for place in places:
        near = [(abs(x - place), x, i) for x, i in spaces if abs(x - place) <= SPLIT_REACH * height]
        if near and (not cuts or min(near)[2] > cuts[-1][1]):
            cuts.append(min(near)[1:])
    if not cuts:
        return [((float(box[0]) + float(box[2])) / 2 if not places else float(box[0]), Piece(line))]
    bounds = [(float(box[0]), -1), *cuts, (float(box[2]), len(characters))]
    return [
        ((x0 + x1) / 2, Piece(line, first + 1, stop))
        for (x0, first), (x1, stop) in zip(bounds, bounds[1:], strict=False)
    ]
