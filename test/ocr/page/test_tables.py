"""Grids of short cells: found with and without rules, read cell by cell; what is no grid is left alone."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from common.arrays import Image, Quads, Scores
from common.roles import Reading
from ocr.page.grids import aligned_grids, find_ink, find_rules, ruled_grids
from ocr.page.tables import apply
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

SETTINGS = Settings()
ROWS = ["1 22 3 4", "5 6 77 8", "9 1 2 33"]


def table(*, rule: int, pitch: tuple[int, int] = (34, 60), missing: bool = False) -> Image:
    """Digits in cells of a size, between rules that are so thick; without a border of its own where there are none."""
    high, wide = pitch
    image = np.full((high * len(ROWS) + 60, wide * 4 + 60, 3), 255, np.uint8)
    for r, row in enumerate(ROWS):
        for c, text in enumerate(row.split()):
            if missing and (r, c) == (1, 1):
                continue
            place = (30 + wide * c + wide // 3, 30 + high * r + high * 2 // 3)
            cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 2)
    if rule:
        for r in range(len(ROWS) + 1):
            y = 30 + high * r
            cv2.line(image, (30, y), (30 + wide * 4, y), (0, 0, 0), rule)
        for c in range(5):
            x = 30 + wide * c
            cv2.line(image, (x, 30), (x, 30 + high * len(ROWS)), (0, 0, 0), rule)
    return image


class Counting:
    """A recognizer that gives numbers in order, and keeps the crops."""

    def __init__(self, text: str = "{}") -> None:
        self.crops: list[Image] = []
        self.text = text

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        self.crops += crops
        return [Reading(self.text.format(i), 0.9) for i in range(len(crops))]


def nothing(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
    raise AssertionError("lines are not searched for again")


def cells_of(image: Image, recognizer: Counting, sheet: Sheet | None = None) -> Sheet:
    return apply(sheet or Sheet(image), Models(nothing, recognizer), SETTINGS)


@pytest.mark.parametrize("rule", [0, 1, 2, 3])
@pytest.mark.parametrize("pitch", [(34, 60), (26, 44)])
def test_cells_are_read_row_by_row(rule: int, pitch: tuple[int, int]) -> None:
    recognizer = Counting()
    sheet = cells_of(table(rule=rule, pitch=pitch), recognizer)
    assert [reading.text for reading in sheet.readings] == [str(i) for i in range(12)]
    middles = sheet.quads.mean(axis=1)
    expected = [
        (30 + pitch[1] * (c + 0.5), 30 + pitch[0] * (r + 0.5)) for r in range(3) for c in range(4)
    ]
    assert np.abs(middles - np.array(expected)).max() < pitch[1] / 3


@pytest.mark.parametrize("rule", [1, 2, 3])
def test_crops_of_cells_show_no_rules(rule: int) -> None:
    recognizer = Counting()
    cells_of(table(rule=rule, pitch=(26, 44)), recognizer)
    assert len(recognizer.crops) == 12
    for crop in recognizer.crops:
        dark = crop.min(axis=2) < 128
        assert not dark.all(axis=0).any()  # as high as the crop: no digit is
        assert not dark.all(axis=1).any()


def test_empty_cell_gives_no_line() -> None:
    sheet = cells_of(table(rule=1, missing=True), Counting())
    assert len(sheet.readings) == 11


def test_lines_about_a_table_keep_their_place() -> None:
    image = table(rule=1)
    quads = np.array(
        [[[30, 2], [200, 2], [200, 20], [30, 20]], [[35, 35], [260, 35], [260, 60], [35, 60]]],
        np.float32,
    )
    below = np.array([[30, 140], [200, 140], [200, 158], [30, 158]], np.float32)
    lines = np.concatenate([quads, below[None]])
    readings = (Reading("title", 0.9), Reading("1|22|3|4", 0.99), Reading("source", 0.9))
    sheet = Sheet(image, quads=lines, scores=np.ones(3, np.float32), readings=readings)
    texts = [reading.text for reading in cells_of(image, Counting(), sheet).readings]
    assert texts == ["title", *map(str, range(12)), "source"]


def test_line_that_fills_its_cell_with_higher_score_is_kept() -> None:
    image = table(rule=1)
    quad = np.array([[[45, 36], [75, 36], [75, 60], [45, 60]]], np.float32)
    sheet = Sheet(image, quads=quad, scores=np.ones(1, np.float32), readings=(Reading("1", 0.99),))
    assert cells_of(image, Counting("x{}"), sheet).readings[0].text == "1"
    weak = sheet.having(readings=(Reading("l", 0.3),))
    assert cells_of(image, Counting("x{}"), weak).readings[0].text == "x0"


def test_columns_of_chinese_are_no_table() -> None:
    """They stand in a grid too; what is read there tells."""
    image = table(rule=0)
    sheet = cells_of(image, Counting("山"))
    assert sheet.readings == ()


def test_running_text_and_frames_are_no_grids() -> None:
    text = np.full((300, 500, 3), 255, np.uint8)
    for y in range(30, 280, 30):
        cv2.putText(text, "some words of a text", (20, y), 0, 1.1, (0, 0, 0), 2)
    framed = text.copy()
    cv2.rectangle(framed, (5, 5), (494, 294), (0, 0, 0), 2)
    for image in (text, framed, np.full((90, 90, 3), 255, np.uint8)):
        ink = find_ink(image, SETTINGS.tables)
        rules = find_rules(ink, SETTINGS.tables)
        assert ruled_grids(ink, rules, SETTINGS.tables) == []
        assert aligned_grids(ink & (1 - rules), SETTINGS.tables) == []


def test_single_lines_and_tiny_pictures_are_left_alone() -> None:
    for sheet in (Sheet(table(rule=1), single_line=True), Sheet(np.zeros((9, 9, 3), np.uint8))):
        assert cells_of(sheet.image, Counting(), sheet) is sheet
