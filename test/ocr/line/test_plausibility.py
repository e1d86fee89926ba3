"""What cannot be right: amounts with two points, stray marks for bullets, lines on their head."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from common.arrays import Floats, Image, Quads, Scores
from common.roles import Reading
from ocr.line import upside_down
from ocr.line.bullets import without_solid_mark
from ocr.line.plausibility import lower_amounts_of_two_points, with_full_comma, without_bullet
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

SETTINGS = Settings()


@pytest.mark.parametrize("text", ["70.269.42", "合计 1.234.567.8 元", "788.112.09"])
def test_two_points_lower_the_score_and_change_no_digit(text: str) -> None:
    checked = lower_amounts_of_two_points(Reading(text, 0.98), SETTINGS)
    assert (checked.text, checked.score) == (text, 0.5)


@pytest.mark.parametrize(
    "text", ["70,269.42", "192.168.0.1", "3.11.7", "2024.05.16", "12.345", "1.234.567.890"]
)
def test_plausible_numbers_keep_their_score(text: str) -> None:
    assert lower_amounts_of_two_points(Reading(text, 0.98), SETTINGS).score == 0.98


def _spread(text: str, first: float) -> Reading:
    """A reading whose first character stands at `first` and the others evenly over the right half."""
    places = [first, *np.linspace(0.5, 0.95, len(text) - 1).tolist()]
    return Reading(text, 0.9, (0.9,) * len(text), tuple((p - 0.01, p + 0.01) for p in places))


def test_a_stray_mark_before_a_gap_is_a_bullet() -> None:
    read = without_bullet(_spread(".Apples", 0.02), 8.0, SETTINGS)
    assert read.text == "Apples"
    assert len(read.char_scores) == len(read.char_spans) == 6
    for same in (
        without_bullet(_spread(".gitignore", 0.46), 8.0, SETTINGS),
        without_bullet(_spread(".5 mm", 0.02), 8.0, SETTINGS),
        without_bullet(_spread("•Apples", 0.02), 8.0, SETTINGS),
        without_bullet(_spread("...", 0.02), 8.0, SETTINGS),
    ):
        assert same.text in {".gitignore", ".5 mm", "•Apples", "..."}


def item(mark: str) -> tuple[Image, Reading, Floats]:
    """A line of an item with its mark drawn, and a reading that took that for a letter."""
    image = np.full((60, 400, 3), 250, np.uint8)
    if mark == "square":
        image[26:36, 22:32] = 10
    elif mark == "disc":
        y, x = np.ogrid[:60, :400]
        image[(x - 28) ** 2 + (y - 31) ** 2 <= 6.4**2] = 10
    elif mark == "bar":
        image[18:44, 26:29] = 10
    else:
        cv2.putText(image, mark, (20, 42), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (10, 10, 10), 2)
    cv2.putText(image, "Open it", (60, 42), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (10, 10, 10), 2)
    places = [0.04, 0.1, *np.linspace(0.25, 0.9, 7).tolist()]
    spans = tuple((p - 0.01, p + 0.01) for p in places)
    quad = np.array([[15, 12], [180, 12], [180, 50], [15, 50]], np.float32)
    return image, Reading("m Open it", 0.9, (0.9,) * 9, spans), quad


@pytest.mark.parametrize(
    ("mark", "is_bullet"),
    [("square", True), ("disc", True), ("bar", False), ("m", False), ("A", False), ("o", False)],
)
def test_a_solid_mark_is_no_letter(mark: str, is_bullet: bool) -> None:
    image, reading, quad = item(mark)
    read = without_solid_mark(reading, image, quad, 165 / 38, SETTINGS.plausibility)
    assert read.text == ("Open it" if is_bullet else "m Open it")
    light = without_solid_mark(reading, 255 - image, quad, 165 / 38, SETTINGS.plausibility)
    assert light.text == read.text
    assert len(read.char_spans) == len(read.char_scores) == len(read.text)


def test_a_bullet_that_was_read_as_one_stays() -> None:
    image, reading, quad = item("square")
    for bullet in "•■-":
        known = reading._replace(text=f"{bullet} Open it")
        assert without_solid_mark(known, image, quad, 165 / 38, SETTINGS.plausibility) == known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今年雨水多，收成好,", "今年雨水多，收成好，"),
        ("会议延期,", "会议延期，"),
        ("用OCR读,", "用OCR读，"),
        ("1,234,", "1,234,"),
        ("word,", "word,"),
        ("many English words 和,", "many English words 和,"),
        ("好,3", "好,3"),
        (",", ","),
        ("", ""),
    ],
)
def test_last_comma_of_a_chinese_line_becomes_full_width(text: str, expected: str) -> None:
    assert with_full_comma(Reading(text, 0.9)).text == expected


def test_lines_upside_down_are_read_turned_by_180_degrees() -> None:
    """The picture's dark half is where the text begins."""
    upright = np.full((20, 100, 3), 255, np.uint8)
    upright[:, :50] = 0
    crops = (upright, np.ascontiguousarray(np.rot90(upright, 2)))

    def read(given: Sequence[Image]) -> list[Reading]:
        return [
            Reading("right way", 0.95) if not crop[0, 0].any() else Reading("noise?", 0.4)
            for crop in given
        ]

    def detect(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
        raise AssertionError

    quads = np.array([[[0, 0], [100, 0], [100, 20], [0, 20]]] * 2, np.float32)
    sheet = Sheet(
        upright,
        quads=quads,
        scores=np.ones(2, np.float32),
        crops=crops,
        readings=tuple(read(crops)),
    )
    after = upside_down.apply(sheet, Models(detect, read), SETTINGS)
    assert [reading.text for reading in after.readings] == ["right way", "right way"]
    assert after.quads[1].tolist() == [[100, 20], [0, 20], [0, 0], [100, 0]]
    assert after.quads[0].tolist() == quads[0].tolist()
