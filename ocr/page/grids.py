"""Find the grids of cells on a picture: by the rules drawn between them, or by the white that runs through all rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Image
from ocr.layout.spans import Box, Span, find_spans
from ocr.table_settings import Tables

Mask: TypeAlias = NDArray[np.uint8]
"""(H, W) of 0 and 1."""


class Grid(NamedTuple):
    """Cells of a table.

    Attributes:
        cells: What is between the rules, row by row.
        inks: The ink in each, None for an empty cell.
        ruled: Rules are drawn between them.
        spans: In which rows and columns each cell is; nothing where that is not clear.
    """

    cells: tuple[Box, ...]
    inks: tuple[Box | None, ...]
    ruled: bool
    spans: tuple[Span, ...] = ()

    @property
    def box(self) -> Box:
        """Around all cells."""
        edges = np.array(self.cells)
        low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    @property
    def tiling(self) -> float:
        """The share of its box that its cells take."""
        x0, y0, x1, y1 = self.box
        covered = sum((cell[2] - cell[0]) * (cell[3] - cell[1]) for cell in self.cells)
        return covered / max((x1 - x0) * (y1 - y0), 1)

    def line_height(self) -> float:
        """The usual height of a line of text in pixels: most cells have one."""
        heights = [ink[3] - ink[1] for ink in self.inks if ink]
        return float(np.quantile(heights, 0.6)) if heights else 0.0


def find_ink(image: Image, settings: Tables) -> Mask:
    """What differs from its surroundings: text and rules, dark on light."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    ink = cv2.adaptiveThreshold(
        grey,
        1,
        cv2.ADAPTIVE_THRESH_MEAN_C,
        cv2.THRESH_BINARY_INV,
        settings.ink_block * 2 + 1,
        settings.ink_contrast,
    )
    return np.asarray(ink, np.uint8)


def find_rules(ink: Mask, settings: Tables) -> Mask:
    """Straight strokes that are longer than those of characters, level or upright."""
    length = max(settings.min_rule, round(settings.min_rule_share * max(ink.shape)))
    level = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    upright = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    both = cv2.bitwise_or(level, upright)
    return np.asarray(cv2.dilate(both, np.ones((3, 3), np.uint8)), np.uint8)


def ruled_grids(ink: Mask, rules: Mask, settings: Tables) -> list[Grid]:
    """Find grids that rules part into cells: at least two rows of two, and text in most."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(rules, connectivity=8)
    grids = []
    text = ink & (1 - rules)
    for number in range(1, count):
        left, top, width, height = (int(value) for value in stats[number, :4])
        if min(width, height) < settings.min_rule:
            continue
        part = rules[top : top + height, left : left + width].copy()
        # Many tables have no rules at their sides.
        cv2.rectangle(part, (0, 0), (width - 1, height - 1), 1)
        cells = [
            (x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in _holes(part, settings)
        ]
        grid = grid_of(cells, text, settings, ruled=True)
        if grid:
            grids.append(grid)
    return grids


def _holes(rules: Mask, settings: Tables) -> Iterator[Box]:
    """What rules enclose."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(1 - rules, connectivity=4)
    rows, columns = rules.shape
    for number in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[number])
        inside = left > 0 and top > 0 and left + width < columns and top + height < rows
        full = area >= settings.min_cell_fill * width * height
        if inside and full and min(width, height) >= settings.min_cell:
            yield left, top, left + width, top + height


def aligned_grids(ink: Mask, settings: Tables) -> list[Grid]:
    """Find grids of short cells without rules: rows that the same columns of white run through."""
    rows = _runs(np.asarray(ink.any(axis=1)), settings.min_row_gap)
    grids = []
    for first, last in _like_rows(rows, settings):
        band = rows[first:last]
        height = float(np.median([b - a for a, b in band]))
        columns = column_runs(ink, band, height, settings)
        widths = [b - a for a, b in columns]
        if len(columns) < settings.min_columns or (
            float(np.median(widths)) > settings.max_cell_width * height
        ):
            continue
        cells = cells_between(ink, band, columns, height, settings)
        grid = grid_of(cells, ink, settings, ruled=False)
        if grid:
            grids.append(grid)
    return grids


def column_runs(
    ink: Mask, rows: list[tuple[int, int]], height: float, settings: Tables
) -> list[tuple[int, int]]:
    """(from, to) of columns: white parts them in all rows, or in all below the head, whose cells may span several."""
    gap = _column_gap(height, settings)
    whole, body = (
        _runs(np.asarray(ink[first[0] : rows[-1][1]].any(axis=0)), gap)
        for first in (rows[0], rows[1])
    )
    return body if len(body) > len(whole) else whole


def cells_between(
    ink: Mask,
    rows: list[tuple[int, int]],
    columns: list[tuple[int, int]],
    height: float,
    settings: Tables,
) -> list[Box]:
    """Cells where rows and columns meet; one of the head reaches as far as its ink does."""
    edges_y = _between(rows, 0, ink.shape[0])
    edges_x = _between(columns, 0, ink.shape[1])
    joined = set()
    for start, stop in _runs(
        np.asarray(ink[rows[0][0] : rows[0][1]].any(axis=0)), _column_gap(height, settings)
    ):
        joined |= {x for x in edges_x[1:-1] if start < x < stop}
    cells = []
    for r in range(len(rows)):
        inner = [x for x in edges_x if r > 0 or x not in joined]
        cells += [(x0, edges_y[r], x1, edges_y[r + 1]) for x0, x1 in pairwise(inner)]
    return cells


def _column_gap(height: float, settings: Tables) -> int:
    return max(settings.min_column_gap, round(settings.column_gap * height))


def _like_rows(rows: list[tuple[int, int]], settings: Tables) -> Iterator[tuple[int, int]]:
    """(first, last) of the runs of rows that are of one height and evenly set."""
    first = 0
    for i in range(1, len(rows) + 1):
        if i < len(rows):
            heights = [b - a for a, b in rows[first : i + 1]]
            gap = rows[i][0] - rows[i - 1][1]
            if max(heights) <= settings.max_row_ratio * min(
                heights
            ) and gap <= settings.max_row_gap * max(heights):
                continue
        if i - first >= settings.min_rows:
            yield first, i
        first = i


def grid_of(cells: list[Box], text: Mask, settings: Tables, *, ruled: bool) -> Grid | None:
    """The grid of some cells, where it is one and has text."""
    if len(cells) < settings.min_cells:
        return None
    cells = _in_rows(cells)
    rows = len({y0 for _, y0, _, _ in cells})
    columns = len({x0 for x0, _, _, _ in cells})
    inks = tuple(ink_box(text, cell, settings) for cell in cells)
    filled = sum(ink is not None for ink in inks)
    if rows < 2 or columns < 2 or filled < settings.min_filled * len(cells):
        return None
    slack = settings.edge_slack * float(np.median([y1 - y0 for _, y0, _, y1 in cells]))
    grid = Grid(tuple(cells), inks, ruled, tuple(find_spans(cells, slack)))
    # Frames and lettering enclose areas here and there; the cells of a table fill it.
    return grid if grid.tiling >= settings.min_tiling else None


def _in_rows(cells: list[Box]) -> list[Box]:
    """Cells from the top, and from the left where they begin at one height."""
    ranked = sorted(cells, key=lambda cell: cell[1])
    rows: list[list[Box]] = []
    for cell in ranked:
        # The lowest cell of the row, for some span more rows.
        if rows and cell[1] - rows[-1][0][1] <= min(y1 - y0 for _, y0, _, y1 in rows[-1]) / 3:
            rows[-1].append(cell)
        else:
            rows.append([cell])
    # One beginning for all cells of a row, so that rows can be counted.
    return [(x0, row[0][1], x1, y1) for row in rows for x0, _, x1, y1 in sorted(row)]


def ink_box(text: Mask, cell: Box, settings: Tables) -> Box | None:
    """Around the ink in a cell; None where there is no more than dirt."""
    x0, y0, x1, y1 = cell
    part = text[y0:y1, x0:x1]
    if int(part.sum()) < settings.min_ink:
        return None
    across, down = np.flatnonzero(part.any(axis=0)), np.flatnonzero(part.any(axis=1))
    return x0 + int(across[0]), y0 + int(down[0]), x0 + int(across[-1]) + 1, y0 + int(down[-1]) + 1


def text_rows(ink: Mask, box: Box, settings: Tables) -> list[tuple[int, int]]:
    """(from, to) of the lines of text in a box; white rows part them."""
    x0, y0, x1, y1 = box
    found = _runs(np.asarray(ink[y0:y1, x0:x1].any(axis=1)), settings.min_row_gap)
    return [(y0 + start, y0 + stop) for start, stop in found]


def _runs(there: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """(from, to) of what is there; gaps below `gap` part nothing."""
    steps = np.diff(np.concatenate([[0], there.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(steps > 0).tolist(), np.flatnonzero(steps < 0).tolist()
    runs: list[tuple[int, int]] = []
    for start, stop in zip(starts, stops, strict=True):
        if runs and start - runs[-1][1] < gap:
            runs[-1] = runs[-1][0], stop
        else:
            runs.append((start, stop))
    return runs


def _between(runs: list[tuple[int, int]], low: int, high: int) -> list[int]:
    """The middles of the gaps between runs, and how far the first and the last cell reach."""
    middles = [(a[1] + b[0]) // 2 for a, b in zip(runs, runs[1:], strict=False)]
    reach = max([b[0] - a[1] for a, b in zip(runs, runs[1:], strict=False)], default=2) // 2
    return [max(low, runs[0][0] - reach), *middles, min(high, runs[-1][1] + reach)]
