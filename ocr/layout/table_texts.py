"""Update a page's tables after its lines were edited."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from common.arrays import Quads
from common.quads import contains
from ocr.layout.joining import join_lines
from ocr.result import Page, TableCell

ENLARGED = 1.3
"""A line is that of a cell alone where the cell, so many times as large, holds all of it."""


def with_texts_of_lines(page: Page) -> Page:
    """Give each cell the text of the lines in it.

    A cell that shares a line with others keeps its text; one without any line has none.
    """
    quads = np.array([line.box for line in page.lines], np.float32).reshape(-1, 4, 2)
    tables = (
        replace(table, cells=tuple(_with_texts(cell, page, quads) for cell in table.cells))
        for table in page.tables
    )
    return replace(page, tables=tuple(tables))


def _with_texts(cell: TableCell, page: Page, quads: Quads) -> TableCell:
    quad = np.array(cell.box, np.float32)
    center = quad.mean(axis=0)
    enlarged = center + (quad - center) * ENLARGED
    middles = quads.mean(axis=1)
    own = [
        i
        for i in np.flatnonzero(contains(quad, middles)).tolist()
        if contains(enlarged, quads[i]).all()
    ]
    if own:
        return replace(cell, text=join_lines(page.lines[i].text for i in own))
    touched = any(contains(each, center[None])[0] for each in quads)
    return cell if touched else replace(cell, text="")
