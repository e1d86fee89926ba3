"""Drawing: the left half is the picture with boxes, the right half the text in place."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Image
from ocr import Page, TextLine
from ocr.formats import draw
from ocr.result import Angle, Box, Elapsed


def _page(image: Image, *lines: tuple[str, Box]) -> Page:
    drawn = tuple(TextLine(text, 1.0, box) for text, box in lines)
    height, width = image.shape[:2]
    return Page("a", 0, width, height, Angle(0, 1.0), drawn, Elapsed(0, 0, 0, 0, 0))


def _box(x0: float, y0: float, x1: float, y1: float) -> Box:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


@pytest.fixture
def grey() -> Image:
    return np.full((100, 300, 3), 90, np.uint8)


def test_drawing_of_a_page_without_lines_has_an_empty_right_half(grey: Image) -> None:
    sheet = draw.draw(grey, _page(grey))
    assert np.array_equal(sheet[:, :300], grey)
    assert (sheet[:, 300:] == 255).all()


@pytest.mark.parametrize("with_font", [True, False])
def test_drawing_has_boxes_left_and_text_right(
    grey: Image, with_font: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_font:
        monkeypatch.setattr(draw, "find_font", lambda size: None)
    before = grey.copy()
    sheet = draw.draw(grey, _page(grey, ("Hello 中文", _box(20, 30, 220, 60))))
    left, right = sheet[:, :300], sheet[:, 300:]
    assert (left[30, 60:200] != 90).any()
    assert np.array_equal(left[65:], grey[65:])
    inside = right[32:58, 22:218]
    assert (inside.min() < 100) == with_font or not with_font
    assert (right[65:] == 255).all()
    assert np.array_equal(grey, before)


@pytest.mark.parametrize(
    "box",
    [
        _box(0, 0, 300, 100),
        _box(0, 0, 0, 0),
        _box(299, 99, 300, 100),
        _box(10, 5, 25, 95),
        ((220, 60), (20, 60), (20, 30), (220, 30)),
        ((20, 90), (20, 10), (50, 10), (50, 90)),
    ],
)
def test_boxes_of_any_shape_can_be_drawn(grey: Image, box: Box) -> None:
    for text in ("text 中", "", "x" * 2000):
        assert draw.draw(grey, _page(grey, (text, box))).shape == (100, 600, 3)


def test_drawing_of_thin_pictures_is_bounded() -> None:
    for shape in ((1, 1, 3), (1, 5000, 3), (5000, 1, 3)):
        image = np.zeros(shape, np.uint8)
        box = _box(0, 0, shape[1], shape[0])
        sheet = draw.draw(image, _page(image, ("text", box)))
        assert max(sheet.shape) <= 2 * draw.MAX_SIDE


def test_text_turned_by_half_is_drawn_upside_down(grey: Image) -> None:
    if draw.find_font(20) is None:
        grey = grey[:, :]
    upright = _box(0, 0, 300, 100)
    page, turned = _page(grey, ("7L", upright)), _page(grey, ("7L", upright[2:] + upright[:2]))
    a, b = (draw.draw(grey, p)[2:-2, 302:-2] for p in (page, turned))
    assert abs(a.astype(int) - b[::-1, ::-1]).mean() < 4


def test_font_covers_chinese_where_there_is_one() -> None:
    font = draw.find_font(24)
    if font is not None:
        assert font.getbbox("中")[2] > 0


@pytest.mark.parametrize(("text", "lies"), [("ABCDEFGH", True), ("竖排的字", False)])
def test_in_a_column_letters_lie_and_characters_stand(text: str, lies: bool) -> None:
    blank = np.full((400, 400, 3), 255, np.uint8)
    row = draw.draw(blank, _page(blank, (text, _box(20, 280, 380, 320))))[:, 400:]
    column = draw.draw(blank, _page(blank, (text, _box(80, 20, 120, 380))))[:, 400:]
    # A quarter turn clockwise brings the row's box onto the column's.
    inside = np.rot90(row, -1)[25:375, 85:115].astype(int), column[25:375, 85:115].astype(int)
    assert min(part.min() for part in inside) < 100, "something is written"
    assert (np.abs(inside[0] - inside[1]).mean() < 3) == lies


@pytest.mark.parametrize(
    ("line", "least", "most"), [(120, 18, 40), (16, 7, 16)], ids=["large", "dense"]
)
def test_numbers_can_be_read_on_a_large_picture(line: int, least: int, most: int) -> None:
    """Digits grow with the picture, which is seen reduced; but they hide no lines of small text."""
    image = np.full((3000, 4000, 3), 90, np.uint8)
    page = _page(image, ("text", _box(400, 1000, 3000, 1000 + line)))
    white = (draw.draw(image, page)[:, :2000] > 200).all(axis=2)
    rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    assert least <= rows[-1] - rows[0] + 1 <= most
    assert columns[-1] < 200  # before the line


@pytest.mark.parametrize("box", [_box(0, 0, 200, 40), _box(290, 95, 300, 100)])
def test_numbers_at_the_edge_are_whole(grey: Image, box: Box) -> None:
    image = np.repeat(np.repeat(grey, 6, axis=0), 6, axis=1)
    scaled = tuple((6 * x, 6 * y) for x, y in box)
    left = draw.draw(image, _page(image, ("", scaled)))[:, :1800]  # type: ignore[arg-type]
    white = (left == 255).all(axis=2)
    assert white.any() and not white[:, [0, -1]].any() and not white[[0, -1]].any()
