"""Make the tables of a page from its grids, with the texts of the lines in their cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.arrays import Quads
from common.quads import boxes_to_quads, rotate_quads
from ocr.layout.joining import join_lines
from ocr.page.deskew import to_original
from ocr.result import Box, Table, TableCell
from ocr.sheet import Sheet


def find_tables(sheet: Sheet) -> tuple[Table, ...]:
    """The tables of a page that was read; their boxes are on the picture as shown."""
    middles = sheet.quads.mean(axis=1).reshape(-1, 2)
    tables = []
    for grid in sheet.grids:
        if not grid.spans:
            continue
        boxes = np.array([*grid.cells, grid.box], np.float32)
        *places, whole = shown(sheet, boxes_to_quads(boxes))
        cells = []
        for cell, span, place in zip(grid.cells, grid.spans, places, strict=True):
            own = (middles >= cell[:2]).all(axis=1) & (middles < cell[2:]).all(axis=1)
            text = join_lines(sheet.readings[i].text for i in np.flatnonzero(own).tolist())
            cells.append(TableCell(*span, text, place))
        tables.append(Table(whole, tuple(sorted(cells, key=lambda each: (each.row, each.column)))))
    return tuple(tables)


def shown(sheet: Sheet, quads: Quads) -> Sequence[Box]:
    """Quads (M, 4, 2) of a sheet's picture on the picture as a viewer shows it, kept inside it."""
    height, width = sheet.upright_size()
    upright = to_original(quads, sheet.to_upright)
    inside = np.clip(upright, 0, np.array([width, height], np.float32))
    back = rotate_quads(inside, -sheet.angle.degrees % 360, (height, width))
    return [tuple((float(x), float(y)) for x, y in quad) for quad in back]
