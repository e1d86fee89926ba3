"""Rows and columns of cells by their edges."""

from __future__ import annotations

from ocr.layout.spans import Box, Span, find_spans


def grid(xs: list[int], ys: list[int], rule: int = 3) -> list[Box]:
    """Cells between rules."""
    return [
        (x0 + rule, y0 + rule, x1, y1)
        for y0, y1 in zip(ys, ys[1:], strict=False)
        for x0, x1 in zip(xs, xs[1:], strict=False)
    ]


def test_each_cell_of_a_grid_spans_one_row_and_column() -> None:
    spans = find_spans(grid([0, 50, 90, 200], [0, 30, 60]), 8)
    assert spans == [Span(row, column, 1, 1) for row in range(2) for column in range(3)]


def test_cells_spanning_rows_and_columns_are_found() -> None:
    head, side = (3, 3, 90, 30), (3, 33, 50, 90)
    rest = [(93, 3, 200, 30), (53, 33, 90, 60), (93, 33, 200, 60), (53, 63, 90, 90)]
    spans = find_spans([head, side, *rest], 8)
    assert spans[:2] == [Span(0, 0, 1, 2), Span(1, 0, 2, 1)]
    assert spans[2:] == [Span(0, 2, 1, 1), Span(1, 1, 1, 1), Span(1, 2, 1, 1), Span(2, 1, 1, 1)]


def test_slightly_different_edges_are_one_edge() -> None:
    cells = [(3, 2, 50, 30), (52, 4, 90, 31), (2, 33, 49, 60), (53, 35, 91, 61)]
    assert find_spans(cells, 8) == [Span(r, c, 1, 1) for r in range(2) for c in range(2)]


def test_overlapping_cells_are_no_table() -> None:
    assert find_spans([(0, 0, 50, 30), (0, 0, 100, 30)], 8) == []
    assert find_spans([(0, 0, 4, 30), (10, 0, 50, 30)], 8) == []
    assert find_spans([], 8) == []
