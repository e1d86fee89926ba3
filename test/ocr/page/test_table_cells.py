"""Tables of a sheet: spans, rules that are level alone, cells with words; what is reported of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from common.arrays import Image, Quads, Scores
from common.roles import Reading
from ocr.page.banded_grids import banded_grids
from ocr.page.grids import find_ink, find_rules, ruled_grids
from ocr.page.table_result import find_tables
from ocr.page.tables import apply
from ocr.result import Angle
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

SETTINGS = Settings()
COLUMNS = (40, 160, 280, 420)
ROWS = (40, 80, 120, 160, 200)


def canvas() -> Image:
    return np.full((260, 480, 3), 255, np.uint8)


def write(image: Image, text: str, x: int, y: int) -> None:
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 2)


def words(image: Image, *, without: Sequence[tuple[int, int]] = ()) -> None:
    """A word in each cell."""
    for r, y in enumerate(ROWS[:-1]):
        for c, x in enumerate(COLUMNS[:-1]):
            if (r, c) not in without:
                write(image, f"word{r}{c}", x + 20, y + 27)


def level_rules(image: Image, *ys: int) -> None:
    for y in ys:
        cv2.line(image, (COLUMNS[0], y), (COLUMNS[-1], y), (0, 0, 0), 1)


def upright_rules(image: Image, *xs: int) -> None:
    for x in xs:
        cv2.line(image, (x, ROWS[0]), (x, ROWS[-1]), (0, 0, 0), 1)


class Naming:
    """A recognizer that names its crops by their order."""

    def __init__(self) -> None:
        self.crops: list[Image] = []

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        self.crops += crops
        return [Reading(f"new{i}", 0.9) for i in range(len(crops))]


def nothing(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
    raise AssertionError("lines are not searched for again")


def with_lines(image: Image, *boxes: tuple[int, int, int, int]) -> Sheet:
    quads = [[[a, b], [c, b], [c, d], [a, d]] for a, b, c, d in boxes]
    return Sheet(
        image,
        quads=np.array(quads, np.float32).reshape(-1, 4, 2),
        scores=np.ones(len(boxes), np.float32),
        readings=tuple(Reading(f"old{i}", 0.95) for i in range(len(boxes))),
    )


def grids_of(image: Image) -> tuple[int, int]:
    """(rows and columns) of the only grid."""
    ink = find_ink(image, SETTINGS.tables)
    rules = find_rules(ink, SETTINGS.tables)
    (grid,) = [
        *ruled_grids(ink, rules, SETTINGS.tables),
        *banded_grids(ink, rules, SETTINGS.tables),
    ]
    rows = max(span.row + span.row_span for span in grid.spans)
    return rows, max(span.column + span.column_span for span in grid.spans)


def test_grid_of_rules_without_a_frame_is_found() -> None:
    image = canvas()
    words(image)
    level_rules(image, *ROWS[1:-1])
    upright_rules(image, *COLUMNS[1:-1])
    assert grids_of(image) == (4, 3)
    ink = find_ink(image, SETTINGS.tables)
    (grid,) = ruled_grids(ink, find_rules(ink, SETTINGS.tables), SETTINGS.tables)
    assert len(grid.cells) == 12  # those at the right and below too


@pytest.mark.parametrize("ys", [ROWS, (ROWS[0], ROWS[1], ROWS[-1])])
def test_grid_of_level_rules_alone_is_found(ys: tuple[int, ...]) -> None:
    image = canvas()
    words(image)
    level_rules(image, *ys)
    assert grids_of(image) == (4, 3)


def test_head_over_two_columns_spans_them_in_a_table_of_level_rules() -> None:
    image = canvas()
    words(image, without=[(0, 1), (0, 2)])
    write(image, "over both of them", 200, ROWS[0] + 27)
    level_rules(image, ROWS[0], ROWS[1], ROWS[-1])
    sheet = apply(with_lines(image), Models(nothing, Naming()), SETTINGS)
    (table,) = find_tables(sheet)
    spans = [(c.row, c.column, c.row_span, c.column_span) for c in table.cells[:3]]
    assert spans == [(0, 0, 1, 1), (0, 1, 1, 2), (1, 0, 1, 1)]


def test_underlined_text_is_no_table() -> None:
    image = canvas()
    for y in ROWS[:-1]:
        write(image, "a line of text as on a ruled sheet", COLUMNS[0] + 4, y + 30)
    level_rules(image, *ROWS)
    sheet = with_lines(image, (40, 50, 400, 75))
    assert apply(sheet, Models(nothing, Naming()), SETTINGS).grids == ()


def ruled_words() -> Image:
    """A table whose first cell has more than a short string."""
    image = canvas()
    words(image, without=[(0, 0), (0, 1)])
    write(image, "a title of two columns", 50, ROWS[0] + 27)
    level_rules(image, *ROWS)
    for x in COLUMNS:
        cv2.line(image, (x, ROWS[0] if x != COLUMNS[1] else ROWS[1]), (x, ROWS[-1]), (0, 0, 0), 1)
    return image


def test_lines_within_cells_stay_and_those_across_are_read_again() -> None:
    title, joined = (48, 50, 270, 72), (60, 90, 260, 112)
    sheet = with_lines(ruled_words(), title, joined)
    recognizer = Naming()
    result = apply(sheet, Models(nothing, recognizer), SETTINGS)
    texts = [reading.text for reading in result.readings]
    # Every cell but the title's is read: two were joined, the others overlooked.
    assert texts == ["old0", *(f"new{i}" for i in range(10))]
    assert np.array_equal(result.quads[0], sheet.quads[0])
    (table,) = find_tables(result)
    assert (table.rows, table.columns) == (4, 3)
    first = table.cells[0]
    assert (first.text, first.row_span, first.column_span) == ("old0", 1, 2)
    assert [cell.text for cell in table.cells[1:]] == texts[1:]
    assert np.abs(np.array(first.box) - [[41, 41], [280, 41], [280, 80], [41, 80]]).max() <= 3


def test_tables_are_on_the_picture_as_shown() -> None:
    image = ruled_words()
    title = (48, 50, 270, 72)
    sheet = with_lines(image, title).having(angle=Angle(180, 1.0))
    (table,) = find_tables(apply(sheet, Models(nothing, Naming()), SETTINGS))
    height, width = image.shape[:2]
    corner = np.array(table.cells[0].box[0])
    assert np.abs(corner - [width - 41, height - 41]).max() <= 3


def test_empty_cells_belong_to_the_table() -> None:
    image = canvas()
    words(image, without=[(2, 1)])
    level_rules(image, *ROWS)
    upright_rules(image, *COLUMNS)
    (table,) = find_tables(apply(with_lines(image), Models(nothing, Naming()), SETTINGS))
    (empty,) = [cell for cell in table.cells if (cell.row, cell.column) == (2, 1)]
    assert empty.text == "" and len(table.cells) == 12


def dotted(image: Image, start: tuple[int, int], stop: tuple[int, int]) -> None:
    """A rule of dots of 2 pixels, 6 apart."""
    (x0, y0), (x1, y1) = start, stop
    for i in range(0, max(x1 - x0, y1 - y0) + 1, 6):
        x, y = (x0 + i, y0) if y0 == y1 else (x0, y0 + i)
        image[y : y + 2, x : x + 2] = 0


def dotted_words() -> Image:
    """Words between dotted rules; of the last column, two cells are one."""
    image = canvas()
    words(image, without=[(1, 2), (2, 2)])
    write(image, "both", COLUMNS[2] + 20, ROWS[2] + 7)
    for y in ROWS:
        dotted(image, (COLUMNS[0], y), (COLUMNS[2 if y == ROWS[2] else -1], y))
    for x in COLUMNS:
        dotted(image, (x, ROWS[0]), (x, ROWS[-1]))
    return image


@pytest.mark.parametrize("shaded", [False, True])
def test_dotted_rules_make_one_table_with_its_spans(shaded: bool) -> None:
    image = dotted_words()
    if shaded:  # dots behind the head, as copiers and fax machines shade
        for y in range(ROWS[0] + 5, ROWS[1] - 2, 4):
            image[y, COLUMNS[0] + 2 + y % 8 : COLUMNS[-1] : 6] = 0
    (table,) = find_tables(apply(with_lines(image), Models(nothing, Naming()), SETTINGS))
    assert (table.rows, table.columns, len(table.cells)) == (4, 3, 11)
    (both,) = [cell for cell in table.cells if cell.row_span > 1]
    assert (both.row, both.column, both.row_span, both.column_span) == (1, 2, 2, 1)


def test_leaders_are_no_rules_of_a_table() -> None:
    """A contents page: dots between titles and numbers, all ending at one place."""
    image = canvas()
    for row, y in enumerate(range(40, 240, 25)):
        write(image, "chapter", 20, y)
        dotted(image, (130 + 20 * (row % 3), y - 2), (420, y - 2))
        write(image, str(row), 440, y)
    assert apply(with_lines(image), Models(nothing, Naming()), SETTINGS).grids == ()


def test_lines_in_no_cell_are_not_lost() -> None:
    """A cell with a break in the frame, through which it is one with what is outside, is not found."""
    image = ruled_words()
    cv2.rectangle(image, (COLUMNS[2] + 2, ROWS[1] + 2), (COLUMNS[3] - 2, ROWS[2] - 2), 0, -1)
    line = (300, 90, 400, 112)
    result = apply(with_lines(image, line), Models(nothing, Naming()), SETTINGS)
    assert result.grids and "old0" in [reading.text for reading in result.readings]


def test_fields_of_a_form_are_no_table() -> None:
    """Boxes below each other with a word at either end, as of a window's settings."""
    image = canvas()
    for y in (40, 70, 130, 160):
        cv2.line(image, (104, y), (416, y), (90, 90, 90), 1)
        cv2.line(image, (104, y + 20), (416, y + 20), (90, 90, 90), 1)
        cv2.ellipse(image, (104, y + 10), (4, 10), 0, 90, 270, (90, 90, 90), 1)
        cv2.ellipse(image, (416, y + 10), (4, 10), 0, -90, 90, (90, 90, 90), 1)
        write(image, "word", 112, y + 16)
        write(image, "on", 380, y + 16)
    assert apply(with_lines(image), Models(nothing, Naming()), SETTINGS).grids == ()
    ink = find_ink(image, SETTINGS.tables)
    assert banded_grids(ink, find_rules(ink, SETTINGS.tables), SETTINGS.tables) == []
