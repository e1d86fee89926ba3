"""Gaps in lines: parted where cells and headings part, never between the words of running text."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.arrays import Floats, Image
from common.quads import crop
from common.roles import Reading
from ocr.line import split as line_split
from ocr.line.characters import place
from ocr.reader import Reader
from ocr.settings import Crop, Split

SETTINGS = Split()
CROP_MARGIN = Crop().margin

HEIGHT = 40


def drawn(
    pieces: list[str], gap: float, *, dark: bool = False, noise: float = 0.0
) -> tuple[Image, Reading, Floats]:
    """A page with one line of black frames for characters, `gap` line heights between its pieces, and its reading."""
    unit = 30
    text, x, spans, page = "", 20.0, [], np.full((100, 1400, 3), 250, np.uint8)
    for number, piece in enumerate(pieces):
        if number:
            x += gap * HEIGHT - 4  # every square leaves four columns
            text += " "
            spans.append((x - gap * HEIGHT / 2, x - gap * HEIGHT / 2 + 2))
        for character in piece:
            if not character.isspace():
                page[30:70, int(x) : int(x) + unit - 4] = 10
                page[34:66, int(x) + 4 : int(x) + unit - 8] = 250
            spans.append((x + 8, x + 18))
            x += unit
        text += piece
    end = x - 4
    quad = np.array([[20, 30], [end, 30], [end, 70], [20, 70]], np.float32)
    if noise:
        page = np.clip(page + np.random.default_rng(0).normal(0, noise, page.shape), 0, 255).astype(
            np.uint8
        )
    grown = CROP_MARGIN * HEIGHT
    length = end - 20 + 2 * grown
    shares = tuple(((a - 20 + grown) / length, (b - 20 + grown) / length) for a, b in spans)
    reading = Reading(text, 0.9, tuple(0.9 for _ in text), shares)
    return (255 - page if dark else page), reading, quad


def split(page: Image, reading: Reading, quad: Floats) -> list[tuple[Reading, Floats]]:
    grown = CROP_MARGIN * HEIGHT
    wide = quad + np.array(
        [[-grown, -grown], [grown, -grown], [grown, grown], [-grown, grown]], np.float32
    )
    return list(line_split.split(reading, quad, crop(page, wide), CROP_MARGIN, SETTINGS))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_number_and_title_of_a_heading_are_split(dark: bool, noise: float) -> None:
    page, reading, quad = drawn(["第一章", "緒論", "三"], 1.4, dark=dark, noise=noise)
    parts = split(page, reading, quad)
    assert [part.text for part, _ in parts] == ["第一章", "緒論", "三"]
    ink = (255 - page if dark else page).min(axis=2)[30:70].min(axis=0) < 128
    boxes = [(round(float(q[0, 0])), round(float(q[1, 0]))) for _, q in parts]
    covered = np.zeros(len(ink), bool)
    for start, stop in boxes:
        covered[start:stop] = True
    assert (covered & ink).sum() >= ink.sum() - 6, "a part lost ink"
    assert (covered & ~ink)[20 : int(quad[1, 0])].sum() < 4 * len(reading.text), (
        "a part kept its gap"
    )


def test_characters_stay_where_they_were() -> None:
    page, reading, quad = drawn(["第一章", "緒論開始"], 1.4)
    parts = split(page, reading, quad)
    before = [c for c in place(reading, quad, CROP_MARGIN) if not c.text.isspace()]
    width = float(quad[1, 0] - quad[0, 0])
    after = [
        (c.text, q[0, 0] + (c.start + c.stop) / 2 * (q[1, 0] - q[0, 0]))
        for part, q in parts
        for c in place(part, q, CROP_MARGIN)
    ]
    assert [c.text for c in before] == [text for text, _ in after]
    for old, (_, x) in zip(before, after, strict=True):
        # Beside the gap the old cell reached half-way into it.
        assert abs(quad[0, 0] + (old.start + old.stop) / 2 * width - x) < 1.4 * HEIGHT / 4 + 2


@pytest.mark.parametrize(
    ("pieces", "gap"),
    [
        (["第一章", "緒論"], 0.9),
        (["第一章，", "緒論"], 1.15),
        (["justified", "words of", "text"], 2.5),
        (["no", "5"], 2.5),
        (["of", "1994."], 2.5),
        (["scale", "3.7"], 2.5),
        (["bacon", "3.70"], 0.9),
        (["13 x", "74.33"], 2.5),
        (["11x", "19.10"], 2.5),
        (["12", "34"], 1.0),
        (["只有一段"], 0.0),
    ],
)
def test_running_text_stays_whole(pieces: list[str], gap: float) -> None:
    page, reading, quad = drawn(pieces, gap)
    parts = split(page, reading, quad)
    assert len(parts) == 1
    assert parts[0][0] is reading
    assert parts[0][1] is quad


def test_numbers_of_a_table_row_are_split() -> None:
    page, reading, quad = drawn(["12.5", "340", "7"], 1.6)
    assert [part.text for part, _ in split(page, reading, quad)] == ["12.5", "340", "7"]


@pytest.mark.parametrize("amount", ["3.70", "$1,053.72", "-12.00", "(0.60)", "¥9.90"])
def test_amounts_are_split_from_words(amount: str) -> None:
    for pieces in (["bacon", amount], [amount, "SR"]):
        page, reading, quad = drawn(pieces, 1.2)
        assert [part.text for part, _ in split(page, reading, quad)] == pieces


def test_ink_in_the_gap_keeps_the_line_whole() -> None:
    page, reading, quad = drawn(["第一章", "緒論"], 1.4)
    page[48:52, 20 : int(quad[1, 0])] = 10
    assert len(split(page, reading, quad)) == 1


def poster(pieces: list[str], side: float, gap: float = 0.35) -> list[str]:
    """Texts of the parts of a line 40 pixels high, on a picture of that shorter side."""
    page, reading, quad = drawn(pieces, gap)
    parts = list(line_split.split(reading, quad, crop(page, quad), 0.0, SETTINGS, side))
    for part, piece in parts:
        # Each part's quad reaches over its own characters, and its characters stand in it in order.
        assert len(part.char_spans) == len(part.text)
        middles = np.mean(part.char_spans, axis=1)
        assert (np.diff(middles) > 0).all()
        assert 0 < middles[0] < middles[-1] < 1
        assert piece[1, 0] - piece[0, 0] == pytest.approx(30 * len(part.text), abs=30)
    return [part.text for part, _ in parts]


@pytest.mark.parametrize(
    ("pieces", "parts"),
    [
        (["接听电话", "免翻盖"], ["接听电话", "免翻盖"]),
        (["超薄", "磨砂", "韧性强"], ["超薄", "磨砂", "韧性强"]),
        (["第三章", "系统设计"], ["第三章 系统设计"]),
        (["第12节", "结论", "展望"], ["第12节 结论", "展望"]),
        (["目", "录"], ["目 录"]),
        (["新款NEW", "到店"], ["新款NEW 到店"]),
        (["进度10", "轮次"], ["进度10 轮次"]),
    ],
)
def test_phrases_of_large_lettering_are_split(pieces: list[str], parts: list[str]) -> None:
    assert poster(pieces, side=800) == parts


def test_phrases_of_running_text_stay_together() -> None:
    assert poster(["接听电话", "免翻盖"], side=1200) == ["接听电话 免翻盖"]
    assert SETTINGS.lettering_height > 16, "panels of games have letters that are large beside them"


def test_gap_with_a_character_read_in_it_does_not_split() -> None:
    page, reading, quad = drawn(["第一章", "緒論"], 1.4)
    full = reading._replace(text=reading.text.replace(" ", "："))
    assert len(split(page, full, quad)) == 1


def test_columns_of_vertical_writing_stay_whole() -> None:
    page, reading, quad = drawn(["第一章", "緒論"], 1.4)
    turned = np.asarray(cv2.rotate(page, cv2.ROTATE_90_CLOCKWISE), np.uint8)
    tall = np.array([[30, 20], [70, 20], [70, quad[1, 0]], [30, quad[1, 0]]], np.float32)
    assert len(list(line_split.split(reading, tall, crop(turned, tall), 0.0, SETTINGS))) == 1


class _OneLine:
    def __init__(self, reading: Reading, quad: Floats) -> None:
        self.reading, self.quad = reading, quad

    def detect(self, image: Image) -> tuple[Floats, Floats]:
        return self.quad[None], np.ones(1, np.float32)

    def read(self, crops: object) -> list[Reading]:
        return [self.reading]


def test_reader_splits_lines_of_pages_but_not_single_lines() -> None:
    page, reading, quad = drawn(["第一章", "緒論"], 1.4)
    fake = _OneLine(reading, quad)
    reader = Reader(fake.detect, fake.read)
    assert [line.text for line in reader.read(page).lines] == ["第一章", "緒論"]
    assert [line.text for line in reader.read(page, single_line=True).lines] == ["第一章 緒論"]


def test_quantiles_equal_numpys() -> None:
    shares = (0.0, 0.01, 0.5, 0.99, 1.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        shape = int(rng.integers(1, 40)), int(rng.integers(1, 200))
        grey = rng.integers(0, int(rng.integers(1, 257)), shape).astype(np.uint8)
        found = line_split._shares(grey, shares)
        np.testing.assert_allclose(found, np.quantile(grey, shares), atol=1e-9, err_msg=f"{seed=}")
