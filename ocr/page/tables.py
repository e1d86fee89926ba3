"""Read tables of short cells cell by cell, row by row.

A detector of fine-scale proposals runs over the rules between cells, joins what stands beside each other, and overlooks
single digits. So where the picture shows a grid, its cells are cut out between the rules, which no crop then has in it,
and read; where a line of the detector fills a cell and was read better, it stays.
"""

from __future__ import annotations

import numpy as np

from common.roles import Reading
from ocr.layout.spans import Box
from ocr.line.accept import is_likely
from ocr.page.banded_grids import banded_grids
from ocr.page.dotted_rules import with_dotted_rules
from ocr.page.grids import Grid, aligned_grids, find_ink, find_rules, ruled_grids
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
from ocr.page.wide_cells import with_wide_cells
from ocr.settings import Settings
from ocr.sheet import Models, Sheet
from ocr.table_settings import Tables


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Read the cells of a page's grids; the step of the chain."""
    own = settings.tables
    height, width = sheet.image.shape[:2]
    if sheet.single_line or max(height, width) < own.min_rule or height * width > own.max_pixels:
        return sheet
    ink = find_ink(sheet.image, own)
    rules = find_rules(ink, own)
    grids = ruled_grids(ink, rules, own)
    if not grids:
        dotted = with_dotted_rules(ink, rules, own)
        if dotted is not rules:
            grids = ruled_grids(ink, dotted, own)
            rules = dotted if grids else rules
    grids += banded_grids(ink, rules, own)
    if not grids:
        grids = aligned_grids(ink, own)
    for grid in grids:
        if _are_short(grid, own):
            sheet = _with_cells(sheet, grid, models, settings)
        elif grid.ruled and grid.spans:
            sheet = with_wide_cells(sheet, grid, ink & (1 - rules), models, settings)
    return sheet


def _are_short(grid: Grid, settings: Tables) -> bool:
    """Whether each cell has one line of a few characters."""
    height = grid.line_height()
    return height > 0 and not any(
        ink[3] - ink[1] > settings.max_lines * height
        or ink[2] - ink[0] > settings.max_cell_width * 2 * height
        for ink in grid.inks
        if ink
    )


def _with_cells(sheet: Sheet, grid: Grid, models: Models, settings: Settings) -> Sheet:
    """Put the cells of a grid in the place of the lines that are on it."""
    own = settings.tables
    height = grid.line_height()
    inked = [(cell, ink) for cell, ink in zip(grid.cells, grid.inks, strict=True) if ink]
    places = [place_of(cell, ink, height) for cell, ink in inked]
    crops = [
        cut_out(sheet.image, cell, place, height * settings.crop.margin)
        for (cell, _), place in zip(inked, places, strict=True)
    ]
    readings = models.recognizer(crops)
    if not grid.ruled and _share_of_marks(readings) < own.min_plain:
        return sheet  # columns of Chinese are a grid too
    if not are_text([each.score for each in readings], grid, own):
        return sheet
    return _replaced(sheet, grid, [cell for cell, _ in inked], places, list(readings), settings)


def _share_of_marks(readings: list[Reading]) -> float:
    """The share of readings that have a digit or Latin letter."""
    plain = sum(any(c.isascii() and c.isalnum() for c in reading.text) for reading in readings)
    return plain / max(len(readings), 1)


def _replaced(
    sheet: Sheet,
    grid: Grid,
    cells: list[Box],
    places: list[Box],
    readings: list[Reading],
    settings: Settings,
) -> Sheet:
    """Put cells in the place of the lines on a grid; a line that fills its cell and was read better stays."""
    centers = sheet.quads.mean(axis=1).reshape(-1, 2)
    lines: list[Line] = []
    for cell, place, reading in zip(cells, places, readings, strict=True):
        own = np.flatnonzero(within(cell, centers)).tolist()
        line = Line(reading, box_quad(place), 1.0)
        if len(own) == 1 and fits(sheet.quads[own[0]], cell):
            found = sheet.readings[own[0]]
            if found.score >= reading.score:
                line = Line(found, sheet.quads[own[0]], 1.0)
        if line.reading.text.strip() and is_likely(line.score, line.reading, settings.accept):
            lines.append(line)
    return put_in_place(sheet, grid, lines, settings.tables)
