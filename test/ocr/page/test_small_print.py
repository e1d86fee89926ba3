"""The step for small print: what it adds, what it leaves alone, how far it looks, and the whole chain on a plan."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

import ocr
from common.arrays import Image, Quads, Scores
from common.quads import boxes_to_quads
from common.roles import Reading
from detection.small_print import SmallPrint
from ocr.page.small_print import apply
from ocr.settings import Settings
from ocr.sheet import Models, Sheet


class DarkRows:
    """Finds each row of dark pixels that a gap of 12 parts from the next; keeps the sizes of what it was given."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        assert min_side == max(image.shape[:2])
        self.sizes.append((image.shape[0], image.shape[1]))
        dark = (image[..., 0] < 128).astype(np.uint8)
        joined = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((5, 41), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
        x, y, w, h = stats[1:count, :4].astype(np.float32).T
        return boxes_to_quads(np.stack([x, y, x + w, y + h], axis=1)), np.ones(
            count - 1, np.float32
        )


class Blind(DarkRows):
    """Finds nothing."""

    def __call__(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        super().__call__(image, min_side=min_side)
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)


def _nothing(crops: object) -> list[Reading]:
    return []


def _plan(
    height: int, width: int, places: list[tuple[int, int]], count: int = 14, size: int = 20
) -> Image:
    """A white page with rows of O's from the left upper corners given."""
    image = np.full((height, width, 3), 255, np.uint8)
    for x, y in places:
        for left in range(x, x + count * size, size):
            image[y : y + size, left : left + 3 * size // 5] = 0
            image[y + 3 : y + size - 3, left + 3 : left + 3 * size // 5 - 3] = 255
    return image


def _box(x: int, y: int, count: int = 14, size: int = 20) -> list[int]:
    """Around such a row."""
    return [x, y, x + (count - 1) * size + 3 * size // 5, y + size]


def _heading(image: Image, height: int = 200) -> Quads:
    """A line at the lower left, which had the picture looked at from afar."""
    bottom = image.shape[0] - 30
    return boxes_to_quads(np.array([[40, bottom - height, 900, bottom]], np.float32))


def _found(image: Image, detect: DarkRows, *, height: int = 200, **settings: int) -> np.ndarray:
    """Boxes of what is found beside a heading."""
    known = Sheet(
        image, detected=True, quads=_heading(image, height), scores=np.ones(1, np.float32)
    )
    models = Models(detect, _nothing)
    sheet = apply(known, models, Settings(small_print=SmallPrint(**settings)))
    assert len(sheet.quads) == len(sheet.scores)
    assert sheet.quads.dtype == sheet.scores.dtype == np.float32
    np.testing.assert_array_equal(sheet.quads[:1], known.quads)
    return np.concatenate([sheet.quads.min(axis=1), sheet.quads.max(axis=1)], axis=1)[1:]


def test_each_print_is_found_once_in_the_picture_s_own_pixels() -> None:
    places = [(300, 200), (2500, 1100), (3900, 2400), (3900, 2440)]
    detect = DarkRows()
    found = _found(_plan(2700, 4500, places), detect)
    expected = [_box(x, y) for x, y in places]
    np.testing.assert_array_equal(found[np.lexsort((found[:, 1], found[:, 0]))], expected)
    assert sum(h * w for h, w in detect.sizes) < 0.05 * 2700 * 4500


def test_a_line_that_goes_on_beyond_its_window_is_followed() -> None:
    """A dash is no letter, and no print by itself."""
    image = _plan(1800, 2600, [(1200, 900)])
    image[908:911, 1000:1190] = image[908:911, 1490:1690] = 0
    found = _found(image, DarkRows())
    assert len(found) == 1
    assert found[0, 0] == 1000 and found[0, 2] == 1690


def test_known_lines_and_pictures_of_one_line_or_few_pixels_are_left_alone() -> None:
    image, detect = _plan(1800, 2600, [(1200, 900)]), DarkRows()
    known = boxes_to_quads(np.array([_box(1200, 900)], np.float32))
    known = np.concatenate([_heading(image), known])
    settings = Settings()
    models = Models(detect, _nothing)
    sheet = Sheet(image, detected=True, quads=known, scores=np.ones(2, np.float32))
    np.testing.assert_array_equal(apply(sheet, models, settings).quads, known)
    single = Sheet(image, single_line=True, detected=True)
    assert not len(apply(single, models, settings).quads)
    assert not len(_found(image[600:1200, 800:1600].copy(), detect))
    assert not detect.sizes


def test_print_that_the_whole_showed_well_is_not_looked_at_again() -> None:
    """Beside lines of 30 pixels, those of 20 were large enough for the pass that found these."""
    image, detect = _plan(1800, 2600, [(1200, 900)]), DarkRows()
    assert not len(_found(image, detect, height=30))
    assert not detect.sizes


def test_nothing_is_looked_at_for_long_where_there_is_no_text() -> None:
    places = [(100 + 400 * i, 100 + 200 * j) for i in range(8) for j in range(7)]
    detect = Blind()
    assert not len(_found(_plan(1800, 3400, places), detect, patience=5))
    assert len(detect.sizes) == 5


def test_a_line_in_two_parts_of_a_window_is_one() -> None:
    rows = [(1100, 200 + 32 * i) for i in range(30)]
    found = _found(_plan(1800, 3000, rows, count=24), DarkRows(), max_window=400_000)
    assert len(found) == 30


def test_larger_print_of_a_very_large_picture_is_found_at_half_its_size() -> None:
    image = _plan(1800, 4500, [(2000, 600)], size=34)
    assert not len(_found(image, DarkRows(), max_letter=12))
    found = _found(image, DarkRows(), max_letter=12, max_side=2000)
    assert len(found) == 1
    np.testing.assert_allclose(found[0], _box(2000, 600, size=34), atol=4)


def _floor_plan(font_of: Callable[[int], PIL.ImageFont.FreeTypeFont], words: list[str]) -> Image:
    """A plan of 4500 pixels: a heading of 220, walls, and print of 20."""
    picture = PIL.Image.new("RGB", (4500, 3000), "white")
    draw = PIL.ImageDraw.Draw(picture)
    draw.text((180, 120), "二层平面图", font=font_of(220), fill="black")
    draw.rectangle((900, 700, 3900, 2600), outline="black", width=8)
    draw.line((2300, 700, 2300, 2600), fill="black", width=8)
    for i, word in enumerate(words):
        place = (1100 + 1500 * (i % 2), 900 + 700 * (i // 2))
        draw.text(place, word, font=font_of(20), fill="black")
    return np.asarray(picture)


def test_print_of_20_pixels_beside_large_lettering_is_read(
    shipped_reader: ocr.Reader, chinese_font: Callable[[int], PIL.ImageFont.FreeTypeFont]
) -> None:
    words = ["会议室 302", "楼梯间", "比例 1:200", "设计 王工"]
    image = _floor_plan(chinese_font, words)
    lines = [line.text.replace(" ", "") for line in shipped_reader.read(image).lines]
    assert "二层平面图" in lines
    for word in words:
        assert word.replace(" ", "") in lines
