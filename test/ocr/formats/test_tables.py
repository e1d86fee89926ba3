"""Tables in Markdown, JSON and after edits; the searchable formats have their lines as before."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from ocr.formats import FORMATS
from ocr.formats.punctuation import apply
from ocr.layout.blocks import find_blocks, with_tables
from ocr.layout.table_texts import with_texts_of_lines
from ocr.page.regions import Region, read_regions
from ocr.result import Angle, Box, Elapsed, Page, Table, TableCell, TextLine

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[3] / "ocr" / "schema.json").read_text("utf-8")
)
ELAPSED = Elapsed(0, 0, 0, 0, 0)


def box(x0: float, y0: float, x1: float, y1: float) -> Box:
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def cell(row: int, column: int, text: str, *, down: int = 1, across: int = 1) -> TableCell:
    x, y = 100 * column, 50 * row
    return TableCell(row, column, down, across, text, box(x, y, x + 100 * across, y + 50 * down))


def page_of(*cells: TableCell, before: str = "") -> Page:
    """A page whose table has a line in each cell with text."""
    lines = [
        TextLine(each.text, 0.9, box(*(_middle(each)))) for each in cells if each.text
    ]  # in the middle of the cell
    if before:
        lines.insert(0, TextLine(before, 0.9, box(10, 510, 200, 530)))
    table = Table(box(0, 0, 300, 150), cells)
    return Page("a", 0, 400, 600, Angle(0, 1), tuple(lines), ELAPSED, (table,))


def _middle(each: TableCell) -> tuple[float, float, float, float]:
    (x0, y0), _, (x1, y1), _ = each.box
    return x0 + 20, y0 + 10, x1 - 20, y1 - 10


PLAIN = (cell(0, 0, "a"), cell(0, 1, "b|c"), cell(1, 0, ""), cell(1, 1, "<d>"))
SPANNED = (
    cell(0, 0, "head & foot", across=2),
    cell(1, 0, "side", down=2),
    cell(1, 1, "一"),
    cell(2, 1, "<b>"),
)


def test_markdown_of_a_table_without_spans() -> None:
    text = FORMATS["md"].encode([page_of(*PLAIN)]).decode()
    assert text.splitlines() == ["| a | b\\|c |", "| --- | --- |", "|  | \\<d> |"]


class Cells(HTMLParser):
    """The cells of HTML: rows of (text, attributes)."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, dict[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append(("", dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.rows[-1][-1] = data, self.rows[-1][-1][1]


def test_markdown_of_a_table_with_spans_is_html() -> None:
    text = FORMATS["md"].encode([page_of(*SPANNED, before="source of this")]).decode()
    html, after = text.split("\n\n")[::-1]
    assert after.strip() == "source of this" and "\n\n" not in html
    parser = Cells()
    parser.feed(html)
    assert parser.rows == [
        [("head & foot", {"colspan": "2"})],
        [("side", {"rowspan": "2"}), ("一", {})],
        [("<b>", {})],
    ]


def test_json_of_a_table_fits_the_schema() -> None:
    page = page_of(*SPANNED)
    content = json.loads(page.to_json())
    jsonschema.validate(content, SCHEMA)
    (table,) = content["tables"]
    assert (table["rows"], table["columns"]) == (3, 2)
    assert table["cells"][1] == {
        "row": 1,
        "column": 0,
        "row_span": 2,
        "column_span": 1,
        "text": "side",
        "box": [[0, 50], [100, 50], [100, 150], [0, 150]],
    }
    assert "tables" not in json.loads(replace(page, tables=()).to_json())


@pytest.mark.parametrize("name", ["txt", "tsv", "hocr", "alto", "page"])
def test_other_formats_have_every_line(name: str) -> None:
    page = page_of(*SPANNED, before="source of this")
    content = FORMATS[name].encode([page]).decode()
    for word in ("head", "foot", "side", "一", "source"):
        assert word in content


def test_a_table_is_one_block_with_all_its_lines() -> None:
    page = page_of(*SPANNED, before="source")
    blocks = find_blocks(page)
    assert [block.kind for block in blocks] == ["text", "table"]
    assert sorted(i for block in blocks for p in block.paragraphs for i in p) == list(range(5))
    assert with_tables(page).tables == page.tables


def test_cells_follow_edits_of_their_lines() -> None:
    page = page_of(*SPANNED)
    lines = (replace(page.lines[0], text="other"), *page.lines[1:3])
    (table,) = with_texts_of_lines(replace(page, lines=lines)).tables
    assert [each.text for each in table.cells] == ["other", "side", "一", ""]


def test_a_line_over_two_cells_leaves_them_as_they_were() -> None:
    page = page_of(cell(0, 0, "one"), cell(0, 1, "two"))
    both = TextLine("one two", 0.9, box(20, 10, 180, 40))
    (table,) = with_texts_of_lines(replace(page, lines=(both,))).tables
    assert [each.text for each in table.cells] == ["one", "two"]


def test_cells_are_written_by_the_policy() -> None:
    page = apply(page_of(cell(0, 0, "（Ａ）"), cell(0, 1, "二。")), "halfwidth")
    assert [each.text for each in page.tables[0].cells] == ["(A)", "二."]
    assert [line.text for line in page.lines] == ["(A)", "二."]


def test_tables_of_a_region_are_on_the_whole_picture() -> None:
    import numpy as np

    class Fixed:
        """Reads the same page wherever it looks."""

        def orientation(self, image: object) -> Angle:
            return Angle(0, 1)

        def read_page(self, decode: object, **_: object) -> Page:
            return page_of(*PLAIN)

    whole = np.zeros((900, 900, 3), np.uint8)
    page = read_regions(Fixed(), [Region(70, 30, 400, 600)], lambda: whole, image="a")  # type: ignore[arg-type]
    (table,) = page.tables
    assert table.box == box(70, 30, 370, 180)
    assert table.cells[3].box == box(170, 80, 270, 130)
