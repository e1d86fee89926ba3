"""Columns of vertical writing: when a page is searched for them, and what they replace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from common.arrays import Floats, Image
from common.roles import Reading
from ocr.column_settings import Columns
from ocr.line import columns
from ocr.line.columns import Line

SETTINGS = Columns()
AREA = 1000.0 * 1000.0


@pytest.mark.parametrize(
    ("text", "score", "size", "likely"),
    [
        ("竖排文字", 0.9, (200, 30), True),
        ("莱几言", 0.5, (200, 30), True),
        ("", 0.2, (200, 80), True),
        ("", 0.2, (60, 25), False),  # a rule, a narrow digit
        ("1", 0.98, (200, 80), False),
        ("Temperature", 0.97, (200, 30), False),
        ("竖排文字", 0.2, (30, 200), False),  # a row
    ],
)
def test_poor_tall_lines_start_the_search_for_columns(
    text: str, score: float, size: tuple[int, int], likely: bool
) -> None:
    rows = [(Reading("row of text", 0.9), box(300, 40 * i, 700, 40 * i + 30)) for i in range(4)]
    line = (Reading(text, score), box(0, 0, size[1], size[0]))
    assert columns.should_search([*rows, line], AREA, SETTINGS) == likely
    assert columns.should_search([line], AREA, SETTINGS) == (
        likely or score < 0.5
    )  # thick beside none, or all nonsense
    assert not columns.should_search([], AREA, SETTINGS)


def test_page_of_low_scores_is_searched_for_columns() -> None:
    def likely(*scores: float, tall: int = 30) -> bool:
        rows = [
            (Reading("横七竖八", score), box(0, 40 * i, 300, 40 * i + (tall if i == 0 else 30)))
            for i, score in enumerate(scores)
        ]
        return columns.should_search(rows, AREA, SETTINGS)

    assert likely(0.3, 0.6, 0.9)
    assert not likely(0.3, 0.9, 0.8, 0.9)
    assert likely(0.3, 0.9, 0.8, 0.9, tall=200)  # most of the area


def test_a_line_that_fills_the_page_may_be_several_columns() -> None:
    def likely(score: float) -> bool:
        return columns.should_search([(Reading("翻", score), box(0, 0, 700, 500))], AREA, SETTINGS)

    assert likely(0.8) and not likely(0.99)  # a large character by itself


def box(x0: float, y0: float, x1: float, y1: float) -> Floats:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def merged(lines: Sequence[Line], found: Sequence[Line]) -> list[Line]:
    kept, taken = columns.merge(lines, found, SETTINGS)
    return [lines[i] for i in kept] + [found[i] for i in taken]


def texts(lines: Sequence[tuple[Reading, Floats]]) -> list[str]:
    return [reading.text for reading, _ in lines]


def test_two_columns_stand_for_what_was_read_across_them() -> None:
    lines = [
        (Reading("~*=", 0.4), box(0, 0, 90, 300)),
        (Reading("title", 0.99), box(0, 400, 90, 430)),
    ]
    found = [
        (Reading("右邊一列", 0.9), box(55, 0, 90, 290)),
        (Reading("左邊", 0.8), box(0, 0, 35, 200)),
    ]
    assert texts(merged(lines, found)) == ["title", "右邊一列", "左邊"]


def test_rows_in_a_grid_stay_rows() -> None:
    rows = [(Reading("四字一行", 0.98), box(0, 40 * i, 160, 40 * i + 30)) for i in range(6)]
    found = [(Reading("六字在一列中", 0.98), box(40 * i, 0, 40 * i + 30, 230)) for i in range(4)]
    assert merged(rows, found) == rows


def test_box_over_several_columns_is_replaced_by_them() -> None:
    """The detector at times draws one box around three columns; what is read in it may score well."""
    found = [(Reading("竖排文字", 0.98), box(100 * i, 0, 100 * i + 40, 300)) for i in range(4)]
    wide = (Reading("lll", 0.75), box(90, 10, 350, 290))
    assert texts(merged([wide], found)) == ["竖排文字"] * 4


def test_single_characters_below_each_other_are_a_column() -> None:
    """Most of them were found, as rows of one character each."""
    rows = [
        (Reading(c, 0.95), box(100, 60 * i, 130, 60 * i + 30)) for i, c in enumerate("窗竹影微")
    ]
    column = [(Reading("窗竹影微摇", 0.95), box(100, 0, 130, 270))]
    assert texts(merged(rows, column)) == ["窗竹影微摇"]
    words = [(Reading(reading.text * 2, 0.95), quad) for reading, quad in rows]
    assert texts(merged(words, column)) == ["窗窗", "竹竹", "影影", "微微"]


def test_a_picture_of_single_characters_may_be_a_column() -> None:
    def likely(texts: str) -> bool:
        rows = [(Reading(c, 0.98), box(90, 80 * i, 150, 80 * i + 60)) for i, c in enumerate(texts)]
        return columns.should_search(rows, AREA, SETTINGS)

    assert likely("消防通道")
    assert not likely("消防1道") and not likely("出口") and not likely("EXIT")


def test_pieces_of_a_column_on_one_another_are_that_column() -> None:
    """A wide column by itself is found in pieces, as the detector's strips run on; each was read well."""
    pieces = [
        (Reading("春眠不觉晓", 0.98), box(60, 86, 143, 479)),
        (Reading("觉晓处处闻", 0.75), box(60, 353, 143, 752)),
        (Reading("", 0.1), box(111, 585, 138, 681)),
        (Reading("处闻啼鸟", 0.96), box(64, 621, 136, 951)),
    ]
    column = [(Reading("春眠不觉晓处处闻啼鸟", 0.99), box(61, 67, 138, 960))]
    assert texts(merged(pieces, column)) == ["春眠不觉晓处处闻啼鸟"]
    mixed = [(Reading("安", 0.98), box(71, 73, 169, 179)), (Reading("全出", 0.7), pieces[1][1])]
    assert texts(merged([*mixed, pieces[3]], column)) == ["春眠不觉晓处处闻啼鸟"]
    # What brings less than they did stands for none of them.
    worse = [(Reading("春眠不觉晓", 0.99), column[0][1])]
    assert texts(merged(pieces, worse)) == [reading.text for reading, _ in pieces]


@pytest.mark.parametrize("reading", [Reading("两字", 0.5), Reading("字", 0.99), Reading("  ", 0.9)])
def test_columns_that_are_no_text_are_left_out(reading: Reading) -> None:
    assert merged([], [(reading, box(0, 0, 30, 200))]) == []


def test_overlapping_columns_count_once() -> None:
    found = [(Reading("一列字在此", s), box(x, 0, x + 30, 200)) for x, s in ((0, 0.8), (5, 0.9))]
    assert [reading.score for reading, _ in merged([], found)] == [0.9]


def test_columns_are_found_where_they_stand() -> None:
    image = np.zeros((200, 300, 3), np.uint8)

    def detect(turned: Image) -> tuple[Floats, Floats]:
        assert turned.shape == (300, 200, 3)
        # A row at the foot of the turned page is a column at the left edge of the page.
        return np.stack([box(20, 270, 180, 290), box(0, 0, 40, 40)]), np.array(
            [0.9, 0.8], np.float32
        )

    quads, scores = columns.find(image, detect)
    np.testing.assert_allclose(quads, [box(10, 20, 30, 180)])
    np.testing.assert_allclose(scores, [0.9])
