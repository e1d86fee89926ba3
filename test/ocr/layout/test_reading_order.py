"""Reading order: rows, columns, tables, skew, vertical writing."""

from __future__ import annotations

import time

import numpy as np
import pytest

from common.arrays import Quads
from common.quads import boxes_to_quads
from ocr.layout import reading_order as order
from ocr.layout.reading_order import Indices, skew
from ocr.settings import Order


def reading_order(quads: Quads) -> Indices:
    return order.reading_order(quads, Order())


Box = tuple[float, float, float, float]


def _tilt(quads: np.ndarray, degrees: float) -> np.ndarray:
    """Turn a page clockwise about its top left corner."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (quads @ turn).astype(np.float32)


def _column(x: float, y: float, rows: int, width: float, pitch: float = 24) -> list[Box]:
    """Wrapped text: full rows of height 16, the last one shorter."""
    widths = [width] * (rows - 1) + [width * 0.6]
    return [(x, y + i * pitch, x + w, y + i * pitch + 16) for i, w in enumerate(widths)]


def _table(x: float, y: float, rows: int, widths: list[float], pitch: float = 26) -> list[Box]:
    """Cells row by row; each cell fills half of its column."""
    boxes = []
    for row in range(rows):
        left = x
        for width in widths:
            boxes.append((left, y + row * pitch, left + width / 2, y + row * pitch + 16))
            left += width
    return boxes


TITLE: Box = (100, 20, 560, 50)
TWO_COLUMNS = [TITLE, *_column(40, 80, 12, 280), *_column(345, 80, 14, 280)]
THREE_COLUMNS = [*_column(20, 20, 9, 180), *_column(222, 20, 9, 180), *_column(424, 20, 9, 180)]
SPANNED = [
    TITLE,
    *_column(40, 80, 6, 280),
    *_column(345, 80, 6, 280),
    (60, 240, 600, 256),
    *_column(40, 280, 6, 280),
    *_column(345, 280, 6, 280),
]
OFFSET_COLUMNS = [*_column(40, 80, 12, 280), *_column(345, 89, 12, 280, pitch=25)]
RECEIPT = [
    (150, 10, 300, 34),
    *[
        box
        for i in range(10)
        for box in (
            (20, 60 + 26 * i, 150 + 13 * (i % 5), 76 + 26 * i),
            (380, 60 + 26 * i, 430, 76 + 26 * i),
        )
    ],
    (20, 340, 90, 356),
    (360, 336, 430, 360),
]  # fmt: skip
FORM = _table(20, 20, 8, [120, 300])
WIDE_TABLE = _table(20, 20, 9, [120, 150, 130, 160, 110])
PARAGRAPH = _column(30, 30, 8, 500)
POEM = [(30, 20 + 30 * i, 30 + w, 40 + 30 * i) for i, w in enumerate((90, 220, 140, 60, 180))]


def _numbered(x: float, y: float, rows: int, width: float) -> list[Box]:
    """Lines of a transcript with their numbers in the margin, some of which were not found."""
    text = _column(x + 60, y, rows, width)
    numbers: list[Box] = [(x, top, x + 20, top + 14) for _, top, _, _ in text]
    return [box for i in range(rows) for box in ([numbers[i]] if i % 3 else []) + [text[i]]]


TRANSCRIPT = [TITLE, *_numbered(20, 80, 14, 250), *_numbered(370, 81, 14, 250)]
TEXT_BESIDE_TABLE = [
    *_column(20, 20, 22, 280, pitch=25),
    *_column(330, 20, 3, 280, pitch=25),
    *_table(330, 110, 12, [140, 70, 70], pitch=21),
    *_column(330, 380, 6, 280, pitch=25),
]
PAGES = {
    "numbered lines in two columns": TRANSCRIPT,
    "text beside a column with a table": TEXT_BESIDE_TABLE,
    "two columns": TWO_COLUMNS,
    "three columns": THREE_COLUMNS,
    "columns with a line across": SPANNED,
    "columns with rows of their own": OFFSET_COLUMNS,
    "receipt": RECEIPT,
    "form": FORM,
    "wide table": WIDE_TABLE,
    "paragraph": PARAGRAPH,
    "ragged lines": POEM,
    "table above columns": [*_table(20, 10, 6, [160, 230, 200]), *_column(20, 200, 8, 280),
                            *_column(330, 200, 8, 280)],
}  # fmt: skip
"""Boxes in the order in which they are to be read."""


@pytest.fixture(params=PAGES)
def quads(request: pytest.FixtureRequest) -> np.ndarray:
    return boxes_to_quads(np.array(PAGES[request.param], np.float32))


def test_no_line_and_one_line_have_trivial_orders() -> None:
    assert reading_order(np.zeros((0, 4, 2), np.float32)).tolist() == []
    assert reading_order(boxes_to_quads(np.array([[5, 5, 9, 7]], np.float32))).tolist() == [0]


def test_known_pages_are_read_as_people_read_them(quads: np.ndarray) -> None:
    assert reading_order(quads).tolist() == list(range(len(quads)))


def test_skewed_pages_are_read_the_same(quads: np.ndarray) -> None:
    for degrees in (-5, -2, 2, 5):
        order = reading_order(_tilt(quads, degrees)).tolist()
        assert order == list(range(len(quads))), f"turned by {degrees} degrees"


def test_order_of_input_does_not_change_the_order(
    quads: np.ndarray, rng: np.random.Generator
) -> None:
    shuffled = rng.permutation(len(quads))
    assert shuffled[reading_order(quads[shuffled])].tolist() == list(range(len(quads)))


def test_scale_and_place_do_not_change_the_order(quads: np.ndarray) -> None:
    assert reading_order(quads * 7.3 + 500).tolist() == list(range(len(quads)))


def test_small_shifts_of_boxes_do_not_change_the_order(
    quads: np.ndarray, rng: np.random.Generator
) -> None:
    for _ in range(10):
        moved = quads + rng.normal(0, 1.2, quads.shape).astype(np.float32)
        assert reading_order(moved).tolist() == list(range(len(quads)))


def test_vertical_columns_run_right_to_left(rng: np.random.Generator) -> None:
    boxes = np.array([[300 - 40 * i, 20, 324 - 40 * i, 20 + 150 + 60 * (i % 3)] for i in range(7)])
    quads = boxes_to_quads(boxes.astype(np.float32))
    shuffled = rng.permutation(7)
    assert shuffled[reading_order(quads[shuffled])].tolist() == list(range(7))


def test_vertical_page_of_two_tiers_is_read_tier_by_tier() -> None:
    """Upper tier first, each from the right."""
    tiers = [[500 - 30 * i, y, 520 - 30 * i, y + 280] for y in (20, 330) for i in range(15)]
    quads = boxes_to_quads(np.array(tiers, np.float32))
    assert reading_order(quads).tolist() == list(range(30))


def test_vertical_couplet_beside_horizontal_text_is_read_apart() -> None:
    boxes = [[200, 10, 400, 40], [400, 60, 430, 300], [150, 60, 180, 300], [180, 320, 420, 345],
             [180, 360, 420, 385], [180, 400, 420, 425]]  # fmt: skip
    quads = boxes_to_quads(np.array(boxes, np.float32))
    assert reading_order(quads).tolist() == list(range(6))


@pytest.mark.parametrize(("x", "place"), [(5, 1), (400, 4)])
def test_titles_of_axes_stand_before_or_after_the_rows_beside_them(x: int, place: int) -> None:
    rows = [[60, 20 + 60 * i, 380, 45 + 60 * i] for i in range(5)]
    boxes = np.array([*rows, [x, 70, x + 20, 240]], np.float32)  # beside the second to the fourth
    order = reading_order(boxes_to_quads(boxes)).tolist()
    assert order.index(5) == place
    assert [i for i in order if i != 5] == list(range(5))


def test_words_of_different_height_share_a_row() -> None:
    boxes = [[10, 10, 60, 40], [70, 22, 120, 38], [130, 8, 190, 42], [10, 60, 190, 76]]
    assert reading_order(boxes_to_quads(np.array(boxes, np.float32))).tolist() == [0, 1, 2, 3]


def test_each_random_box_is_listed_once(rng: np.random.Generator) -> None:
    for count in (2, 3, 7, 40, 200):
        for _ in range(10):
            quads = rng.uniform(0, 1000, (count, 4, 2)).astype(np.float32)
            assert sorted(reading_order(quads).tolist()) == list(range(count))


def test_order_of_random_boxes_does_not_depend_on_input_order(rng: np.random.Generator) -> None:
    for _ in range(40):
        corners = rng.uniform(0, 900, (30, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(5, 200, (30, 2))], axis=1)
        quads = boxes_to_quads(boxes.astype(np.float32))
        shuffled = rng.permutation(30)
        assert shuffled[reading_order(quads[shuffled])].tolist() == reading_order(quads).tolist()


@pytest.mark.parametrize("kind", ["same", "points", "line"])
def test_degenerate_quads_are_ordered(kind: str) -> None:
    quads = boxes_to_quads(np.tile(np.array([[5, 5, 50, 20]], np.float32), (9, 1)))
    if kind == "points":
        quads[:] = 3
    if kind == "line":
        quads[:, 2:] = quads[:, :2][:, ::-1]
    assert sorted(reading_order(quads).tolist()) == list(range(9))


@pytest.mark.parametrize("degrees", [-40, -5, 0, 3, 30])
def test_skew_is_measured(degrees: float) -> None:
    quads = _tilt(boxes_to_quads(np.array(PARAGRAPH, np.float32)), degrees)
    assert np.rad2deg(skew(quads)) == pytest.approx(degrees, abs=0.1)
    tall = _tilt(boxes_to_quads(np.array([[0, 0, 20, 300]], np.float32)), degrees)
    assert np.rad2deg(skew(tall)) == pytest.approx(degrees, abs=0.1)


def test_skew_ignores_a_few_slanted_lines() -> None:
    quads = boxes_to_quads(np.array(PARAGRAPH, np.float32))
    quads[:2] = _tilt(quads[:2], 20)
    assert skew(quads) == pytest.approx(0, abs=1e-3)


def test_what_a_few_short_lines_fall_by_chance_is_no_skew() -> None:
    """A heading and three texts of 18 pixels on 4000: 3300 pixels apart, two of them are one row."""
    heading = [[105, 156], [727, 158], [727, 307], [105, 303]]
    middle = [[2000, 1356], [2078, 1356.8], [2078, 1375.6], [2000, 1375.3]]
    left = [[102, 2586], [260, 2587.6], [260, 2605], [102, 2605.6]]
    right = [[3302, 2586.3], [3485, 2587.8], [3485, 2606], [3302, 2605.7]]
    quads = np.array([heading, middle, left, right], np.float32)
    assert reading_order(quads).tolist() == [0, 1, 2, 3]
    # Many of them that fall alike are no chance.
    many = np.concatenate([left + np.array([0, 60 * i]) for i in range(30)]).reshape(-1, 4, 2)
    assert skew(_tilt(many.astype(np.float32), 0.6)) == pytest.approx(np.deg2rad(0.7), abs=0.004)


def test_full_newspaper_is_ordered_quickly() -> None:
    boxes = [box for c in range(6) for box in _column(20 + 220 * c, 20, 150, 200)]
    quads = boxes_to_quads(np.array(boxes, np.float32))
    start = time.process_time()
    assert reading_order(quads).tolist() == list(range(len(quads)))
    assert time.process_time() - start < 1
