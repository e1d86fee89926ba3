"""Read tables of short cells cell by cell, row by row.

A detector that works in strips runs over the rules between cells, joins what stands beside each other, and overlooks
single digits. So where the picture shows a grid, its cells are cut out between the rules, which no crop then has in it,
and read; where a line of the detector fills a cell and was read better, it stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.arrays import Image
from common.roles import Reading
from ocr.page.grids import Box, Grid, aligned_grids, find_ink, find_rules, ruled_grids
from ocr.settings import Settings
from ocr.sheet import Models, Sheet


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
        grids = aligned_grids(ink, own)
    for grid in grids:
        sheet = _with_cells(sheet, grid, models, settings)
    return sheet


def _with_cells(sheet: Sheet, grid: Grid, models: Models, settings: Settings) -> Sheet:
    """Put the cells of a grid in the place of the lines that are on it."""
    own = settings.tables
    height = grid.line_height()
    inked = [(cell, ink) for cell, ink in zip(grid.cells, grid.inks, strict=True) if ink]
    if not height or any(
        ink[3] - ink[1] > own.max_lines * height
        or ink[2] - ink[0] > own.max_cell_width * 2 * height
        for _, ink in inked
    ):
        return sheet  # paragraphs in a frame, no short cells
    places = [_place(cell, ink, height) for cell, ink in inked]
    crops = [
        _crop(sheet.image, cell, place, height * settings.crop.margin)
        for (cell, _), place in zip(inked, places, strict=True)
    ]
    readings = models.recognizer(crops)
    if not grid.ruled and _share_of_marks(readings) < own.min_plain:
        return sheet  # columns of Chinese are a grid too
    if float(np.quantile([each.score for each in readings], own.weak_share)) < own.min_score:
        return sheet  # no text in cells, but parts of a picture or of lettering
    return _replaced(sheet, grid, [cell for cell, _ in inked], places, list(readings))


def _place(cell: Box, ink: Box, height: float) -> Box:
    """The line in a cell: as high as lines are here, and at least as wide, so that it is no column."""
    x0, y0, x1, y1 = (float(value) for value in ink)
    more = max(0.0, height - (y1 - y0)) / 2
    y0, y1 = y0 - more, y1 + more
    more = max(0.0, y1 - y0 - (x1 - x0)) / 2
    x0, x1 = x0 - more, x1 + more
    return round(x0), round(y0), round(x1), round(y1)


def _crop(image: Image, cell: Box, place: Box, margin: float) -> Image:
    """Cut out a line with its margin; what lies beyond the cell is ground."""
    grown = round(margin)
    x0, y0, x1, y1 = place[0] - grown, place[1] - grown, place[2] + grown, place[3] + grown
    inside = image[cell[1] : cell[3], cell[0] : cell[2]]
    ground = np.median(inside.reshape(-1, 3), axis=0).astype(np.uint8)
    crop = np.empty((max(1, y1 - y0), max(1, x1 - x0), 3), np.uint8)
    crop[:] = ground
    left, top = max(x0, cell[0]), max(y0, cell[1])
    right, bottom = min(x1, cell[2]), min(y1, cell[3])
    if right > left and bottom > top:
        crop[top - y0 : bottom - y0, left - x0 : right - x0] = image[top:bottom, left:right]
    return crop


def _share_of_marks(readings: list[Reading]) -> float:
    """The share of readings that have a digit or Latin letter."""
    plain = sum(any(c.isascii() and c.isalnum() for c in reading.text) for reading in readings)
    return plain / max(len(readings), 1)


def _replaced(
    sheet: Sheet, grid: Grid, cells: list[Box], places: list[Box], readings: list[Reading]
) -> Sheet:
    """Lines before the grid, its cells, and the lines after it."""
    x0, y0, x1, y1 = grid.box
    centers = sheet.quads.mean(axis=1).reshape(-1, 2)
    inside = (
        (centers[:, 0] > x0) & (centers[:, 0] < x1) & (centers[:, 1] > y0) & (centers[:, 1] < y1)
    )
    before: list[int] = []
    after: list[int] = []
    for i in np.flatnonzero(~inside).tolist():
        first = np.flatnonzero(inside)
        earlier = i < first[0] if len(first) else centers[i, 1] < y0
        (before if earlier else after).append(i)
    quads, kept = [], []
    for cell, place, reading in zip(cells, places, readings, strict=True):
        own = [
            i
            for i in np.flatnonzero(inside).tolist()
            if cell[0] < centers[i, 0] < cell[2] and cell[1] < centers[i, 1] < cell[3]
        ]
        quad = _quad(place)
        if len(own) == 1 and _within(sheet.quads[own[0]], cell):
            line = sheet.readings[own[0]]
            if line.score >= reading.score:
                quad, reading = sheet.quads[own[0]], line
        if reading.text.strip():
            quads.append(quad)
            kept.append(reading)
    order = np.array(before, np.intp), np.array(after, np.intp)
    return sheet.having(
        quads=np.concatenate(
            [
                sheet.quads[order[0]],
                np.array(quads, np.float32).reshape(-1, 4, 2),
                sheet.quads[order[1]],
            ]
        ),
        scores=np.concatenate(
            [sheet.scores[order[0]], np.ones(len(quads), np.float32), sheet.scores[order[1]]]
        ),
        readings=(
            *(sheet.readings[i] for i in before),
            *kept,
            *(sheet.readings[i] for i in after),
        ),
        crops=(),
        voted=frozenset(),
    )


def _within(quad: NDArray[np.float32], cell: Box) -> bool:
    """Whether a line does not reach beyond its cell by more than a few pixels."""
    slack = (cell[3] - cell[1]) / 4
    low, high = quad.min(axis=0), quad.max(axis=0)
    cell_low, cell_high = np.array(cell[:2]), np.array(cell[2:])
    return bool((low >= cell_low - slack).all() and (high <= cell_high + slack).all())


def _quad(box: Box) -> NDArray[np.float32]:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
