"""The measure of tables, and its short form: eight rendered tables are found as they are."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("apted", reason="requirements-dev.txt is not installed")

import ocr
from bench import tables
from bench.table_pages import NOWHERE, table_page
from ocr.result import TableCell

PAGES = (1, 2, 3, 4, 5, 19, 20, 21)
"""All rules, no frame, rows, three rules and none; cells that span rows and columns; words."""


def cell(row: int, column: int, text: str, down: int = 1, across: int = 1) -> TableCell:
    return TableCell(row, column, down, across, text, NOWHERE)


TRUTH = (
    cell(0, 0, "head", across=2),
    cell(1, 0, "abcd"),
    cell(1, 1, "12"),
    cell(2, 0, ""),
    cell(2, 1, "3"),
)  # 9 nodes


def test_equal_tables_have_similarity_one() -> None:
    assert tables.teds(TRUTH, TRUTH[::-1]) == 1


def test_half_wrong_cell_costs_half_of_its_share() -> None:
    found = (*TRUTH[:1], cell(1, 0, "abxy"), *TRUTH[2:])
    assert tables.teds(TRUTH, found) == pytest.approx(1 - 0.5 / 9)
    assert tables.teds(TRUTH, found, texts=False) == 1


def test_other_span_and_missing_cell_lower_the_similarity() -> None:
    assert tables.teds(TRUTH, (cell(0, 0, "head"), *TRUTH[1:])) == pytest.approx(1 - 1 / 9)
    assert tables.teds(TRUTH, TRUTH[:-1]) == pytest.approx(1 - 1 / 9)


def test_missing_table_scores_by_its_root_alone() -> None:
    assert tables.teds(TRUTH, ()) == pytest.approx(1 / 9)


@pytest.mark.slow
def test_rendered_tables_are_found(shipped_reader: ocr.Reader) -> None:
    drawn = tables.resources()
    made = [table_page(drawn, 1, number) for number in PAGES]
    results = {each.name: tables.score(shipped_reader, each) for each in made}
    assert any("spans" in name for name in results)
    assert np.mean([result[1] for result in results.values()]) >= 0.95, results
    assert np.mean([result[0] for result in results.values()]) >= 0.9, results
