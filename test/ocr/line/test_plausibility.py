"""What cannot be right: amounts with two points, stray marks for bullets, lines on their head."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from common.arrays import Floats, Image, Quads, Scores
from common.roles import Reading
from ocr.line import plausibility, upside_down
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
    read = without_solid_mark(reading, image, quad, 0.0, SETTINGS.plausibility)
    assert read.text == ("Open it" if is_bullet else "m Open it")
    light = without_solid_mark(reading, 255 - image, quad, 0.0, SETTINGS.plausibility)
    assert light.text == read.text
    assert len(read.char_spans) == len(read.char_scores) == len(read.text)


def test_a_mark_that_was_passed_over_costs_no_letter() -> None:
    """Han characters are as far apart as a mark from its text."""
    image, _, quad = item("square")
    places = np.linspace(0.3, 0.9, 4).tolist()
    spans = tuple((p - 0.01, p + 0.01) for p in places)
    passed_over = Reading("请在月底", 0.9, (0.9,) * 4, spans)
    assert without_solid_mark(passed_over, image, quad, 0.0, SETTINGS.plausibility) == passed_over


def test_one_mark_a_line_is_taken() -> None:
    """A full stop for a disc, and behind it the text."""
    image, _, quad = item("disc")
    places = [0.08, 0.3, 0.5, 0.7, 0.9]
    reading = Reading("。请在月底", 0.9, (0.9,) * 5, tuple((p - 0.01, p + 0.01) for p in places))
    sheet = Sheet(image, quads=quad[None], scores=np.ones(1, np.float32), readings=(reading,))

    def detect(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
        raise AssertionError

    after = plausibility.apply(sheet, Models(detect, lambda crops: []), SETTINGS)
    assert [each.text for each in after.readings] == ["请在月底"]


def test_a_bullet_that_was_read_as_one_stays() -> None:
    image, reading, quad = item("square")
    for bullet in "•■-":
        known = reading._replace(text=f"{bullet} Open it")
        assert without_solid_mark(known, image, quad, 0.0, SETTINGS.plausibility) == known


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


def _by_shade(image: Image) -> int:
    return int(image[0, 0, 0])


def _page_of(readings: dict[int, Reading]) -> tuple[Sheet, list[int], Models]:
    """Lines whose left halves have these shades, so that a reading belongs to a line and its way up.

    Returns:
        The sheet, the shades of the crops that were read again, and the models.
    """
    asked: list[int] = []
    lines = [(shade, other) for shade, other in zip(*[iter(readings)] * 2, strict=True)]
    crops = []
    for left, right in lines:
        crops.append(np.full((20, 100, 3), left, np.uint8))
        crops[-1][:, 50:] = right

    def read(given: Sequence[Image]) -> list[Reading]:
        asked.extend(_by_shade(crop) for crop in given)
        return [readings[_by_shade(crop)] for crop in given]

    def detect(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
        raise AssertionError

    quads = np.array([[[0, 0], [100, 0], [100, 20], [0, 20]]] * len(lines), np.float32)
    sheet = Sheet(
        crops[0],
        quads=quads,
        scores=np.ones(len(lines), np.float32),
        crops=tuple(crops),
        readings=tuple(readings[left] for left, _ in lines),
    )
    return sheet, asked, Models(detect, read)


UPRIGHT = Reading("All values were measured three times", 0.99)
ON_ITS_HEAD = Reading("seuull eeiul peinseeuu ereM senje^ liv", 0.88)


def test_latin_lines_upside_down_are_read_turned_although_their_score_is_not_low() -> None:
    """As a recognizer reads them: .77 to .94 on their head, .97 and more turned."""
    lines = {10 * i + k: (ON_ITS_HEAD, UPRIGHT)[k] for i in range(1, 5) for k in range(2)}
    sheet, asked, models = _page_of(lines | {90: UPRIGHT, 91: ON_ITS_HEAD})
    after = upside_down.apply(sheet, models, SETTINGS)
    assert {reading.text for reading in after.readings} == {UPRIGHT.text}
    assert sorted(asked) == [11, 21, 31, 41]


def test_only_some_lines_are_tried_where_none_is_upside_down() -> None:
    blurred = UPRIGHT._replace(score=0.9)
    lines = {10 * i + k: (blurred, ON_ITS_HEAD)[k] for i in range(1, 9) for k in range(2)}
    sheet, asked, models = _page_of(lines)
    assert upside_down.apply(sheet, models, SETTINGS) is sheet
    assert len(asked) == SETTINGS.upside_down.probes


@pytest.mark.parametrize(
    ("before", "turned"),
    [
        (Reading("SOS NOON SOS", 0.93), Reading("SOS NOON SOS", 0.96)),
        (Reading("6901 8601", 0.9), Reading("1098 1069", 0.97)),
        (Reading("会议讨论了明年的预算安排", 0.9), Reading("湃圣草训阳击曲上的吐口号", 0.97)),
    ],
)
def test_what_reads_nearly_as_well_turned_stays(before: Reading, turned: Reading) -> None:
    sheet, _, models = _page_of({10: before, 11: turned})
    assert upside_down.apply(sheet, models, SETTINGS) is sheet
