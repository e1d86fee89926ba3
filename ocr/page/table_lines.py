"""Crop the lines of table cells, and put them in the place of the lines that were there before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image
from common.quads import boxes_to_quads, coverage
from common.roles import Reading
from ocr.layout.spans import Box
from ocr.page.grids import Grid
from ocr.sheet import Sheet
from ocr.table_settings import Tables


class Line(NamedTuple):
    """A line of a cell: its reading, its quad (4, 2), and the detector's score."""

    reading: Reading
    quad: Floats
    score: float


def place_of(cell: Box, ink: Box, height: float) -> Box:
    """The line in a cell: as high as lines are here, and at least as wide, so that it is no column."""
    x0, y0, x1, y1 = (float(value) for value in ink)
    more = max(0.0, height - (y1 - y0)) / 2
    y0, y1 = y0 - more, y1 + more
    more = max(0.0, y1 - y0 - (x1 - x0)) / 2
    x0, x1 = x0 - more, x1 + more
    return round(x0), round(y0), round(x1), round(y1)


def cut_out(image: Image, cell: Box, place: Box, margin: float) -> Image:
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


def are_text(scores: Sequence[float], grid: Grid, settings: Tables) -> bool:
    """Whether what was read in the cells of a grid is text; parts of a picture or of lettering score low.

    A grid that its cells fill but for its rules is a table; there a face may be hard to read.
    """
    full = grid.ruled and grid.tiling >= settings.full_tiling
    share = settings.full_weak_share if full else settings.weak_share
    return bool(len(scores)) and float(np.quantile(scores, share)) >= settings.min_score


def within(box: Box, points: Floats) -> NDArray[np.bool_]:
    """Which points (N, 2) are inside a box."""
    return np.asarray(
        (points[:, 0] > box[0])
        & (points[:, 0] < box[2])
        & (points[:, 1] > box[1])
        & (points[:, 1] < box[3])
    )


def fits(quad: Floats, cell: Box) -> bool:
    """Whether a line does not reach beyond its cell by more than a few pixels."""
    slack = (cell[3] - cell[1]) / 4
    low, high = quad.min(axis=0), quad.max(axis=0)
    cell_low, cell_high = np.array(cell[:2]), np.array(cell[2:])
    return bool((low >= cell_low - slack).all() and (high <= cell_high + slack).all())


def box_quad(box: Box) -> Floats:
    """The corners (4, 2) of a box."""
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def put_in_place(sheet: Sheet, grid: Grid, lines: Sequence[Line], settings: Tables) -> Sheet:
    """Lines before the grid, those of its cells, and the lines after it; the sheet has the grid then.

    A line on the grid that is in no cell, for not all were found, stays.
    """
    centers = sheet.quads.mean(axis=1).reshape(-1, 2)
    in_cells = coverage(sheet.quads, boxes_to_quads(np.array(grid.cells, np.float32))).sum(axis=1)
    inside = within(grid.box, centers) & (in_cells >= settings.min_in_cells)
    before: list[int] = []
    after: list[int] = []
    first = np.flatnonzero(inside)
    for i in np.flatnonzero(~inside).tolist():
        earlier = i < first[0] if len(first) else centers[i, 1] < grid.box[1]
        (before if earlier else after).append(i)
    order = np.array(before, np.intp), np.array(after, np.intp)
    quads = np.array([line.quad for line in lines], np.float32).reshape(-1, 4, 2)
    scores = np.array([line.score for line in lines], np.float32)
    return sheet.having(
        quads=np.concatenate([sheet.quads[order[0]], quads, sheet.quads[order[1]]]),
        scores=np.concatenate([sheet.scores[order[0]], scores, sheet.scores[order[1]]]),
        readings=(
            *(sheet.readings[i] for i in before),
            *(line.reading for line in lines),
            *(sheet.readings[i] for i in after),
        ),
        crops=(),
        voted=frozenset(),
        grids=(*sheet.grids, grid),
    )
