"""Find the rows and columns of a table that each cell's box spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are behind the last."""


class Span(NamedTuple):
    """Where a cell is: its first row and column, and how many of each it spans."""

    row: int
    column: int
    row_span: int
    column_span: int


def find_spans(cells: Sequence[Box], slack: float) -> list[Span]:
    """Tell rows and columns by the edges of cells.

    Args:
        cells: As rules part them, so that edges that face each other are a rule's width apart.
        slack: Pixels by which edges of one boundary differ at most.

    Returns:
        One for each cell; nothing where two would be in one place, for then they make up no table.
    """
    edges = np.asarray(cells, np.float64).reshape(-1, 2, 2)
    columns, rows = (_numbered(edges[:, :, axis], slack) for axis in (0, 1))
    spans = [
        Span(int(top), int(left), int(bottom - top), int(right - left))
        for (left, right), (top, bottom) in zip(columns, rows, strict=True)
    ]
    if not spans or min(min(span[2:]) for span in spans) < 1:
        return []
    taken = np.zeros((int(rows.max()), int(columns.max())), np.intp)
    for row, column, row_span, column_span in spans:
        taken[row : row + row_span, column : column + column_span] += 1
    return spans if taken.max() == 1 else []


def _numbered(edges: NDArray[np.float64], slack: float) -> NDArray[np.intp]:
    """(n, 2) for each cell between which boundaries it is; those closer than slack are one."""
    values = np.unique(edges)
    numbers = np.concatenate([[0], np.cumsum(np.diff(values) > slack)])
    return np.asarray(numbers[np.searchsorted(values, edges)], np.intp)
