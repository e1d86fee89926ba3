"""Read tables whose cells hold words or several lines: the detector's lines stay where they are in one cell.

What reaches over a rule, and cells in which nothing was found, are cut out line by line and read.
"""

from __future__ import annotations

import numpy as np

from ocr.layout.spans import Box
from ocr.line.accept import is_likely
from ocr.page.grids import Grid, Mask, ink_box, text_rows
from ocr.page.table_lines import (
    Line,
    are_text,
    box_quad,
    cut_out,
    fits,
    place_of,
    put_in_place,
    within,
)
from ocr.settings import Settings
from ocr.sheet import Models, Sheet


def with_wide_cells(
    sheet: Sheet, grid: Grid, text: Mask, models: Models, settings: Settings
) -> Sheet:
    """Put the lines of a table in the order of its cells, each in one of them.

    Args:
        sheet: With the lines that were read.
        grid: The table.
        text: (H, W) the picture's ink without rules.
        models: The recognizer reads what is cut out.
        settings: Of all steps.

    Returns:
        The sheet with the grid; unchanged where the cells have no text.
    """
    own = settings.tables
    centers = sheet.quads.mean(axis=1).reshape(-1, 2)
    on_grid = np.flatnonzero(within(grid.box, centers)).tolist()
    owners = {i: _owner(sheet, grid, i) for i in on_grid}
    heights = [_height(sheet, i) for i in on_grid]
    height = float(np.median(heights)) if heights else grid.line_height()
    loose = [i for i in on_grid if owners[i] is None]
    lines: list[list[Line]] = [[] for _ in grid.cells]
    missing: list[tuple[int, Box]] = []
    for number, (cell, ink) in enumerate(zip(grid.cells, grid.inks, strict=True)):
        kept = [i for i in on_grid if owners[i] == number]
        if ink and (not kept or any(_overlap(sheet, i, cell) for i in loose)):
            missing += [(number, place) for place in _places(text, cell, height, settings)]
        else:
            lines[number] = [
                Line(sheet.readings[i], sheet.quads[i], float(sheet.scores[i])) for i in kept
            ]
    crops = [
        cut_out(sheet.image, grid.cells[number], place, height * settings.crop.margin)
        for number, place in missing
    ]
    readings = models.recognizer(crops) if crops else []
    for (number, place), reading in zip(missing, readings, strict=True):
        if reading.text.strip() and is_likely(1.0, reading, settings.accept):
            lines[number].append(Line(reading, box_quad(place), 1.0))
    found = [line for cell_lines in lines for line in cell_lines]
    filled = sum(map(bool, lines))
    scores = [line.reading.score for line in found]
    if filled < own.min_filled * len(lines) or not are_text(scores, grid, own):
        return sheet
    return put_in_place(sheet, grid, found, own)


def _owner(sheet: Sheet, grid: Grid, index: int) -> int | None:
    """The cell that a line is in; None where it reaches over several."""
    quad = sheet.quads[index]
    center = quad.mean(axis=0)[None]
    for number, cell in enumerate(grid.cells):
        if within(cell, center)[0]:
            return number if fits(quad, cell) else None
    return None


def _overlap(sheet: Sheet, index: int, cell: Box) -> bool:
    """Whether a line has a part in a cell."""
    low, high = sheet.quads[index].min(axis=0), sheet.quads[index].max(axis=0)
    shared = np.minimum(high, cell[2:]) - np.maximum(low, cell[:2])
    return bool(shared.min() > 0)


def _height(sheet: Sheet, index: int) -> float:
    quad = sheet.quads[index]
    return float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2


def _places(text: Mask, cell: Box, height: float, settings: Settings) -> list[Box]:
    """Boxes of the lines in a cell, by its ink."""
    own = settings.tables
    rows: list[tuple[int, int]] = []
    for start, stop in text_rows(text, cell, own):
        # Parts of one line: the strokes of a character, the dot of an i.
        if rows and stop - rows[-1][0] <= height:
            rows[-1] = rows[-1][0], stop
        else:
            rows.append((start, stop))
    inks = [ink_box(text, (cell[0], start, cell[2], stop), own) for start, stop in rows]
    least = own.min_line * height
    return [place_of(cell, ink, height) for ink in inks if ink and ink[3] - ink[1] >= least]
