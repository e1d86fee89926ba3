"""Reading unsure lines twice."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from common.arrays import Image
from common.roles import Reading
from ocr import models
from ocr.line import retry


def crop(width: int, height: int = 10) -> Image:
    return np.zeros((height, width, 3), np.uint8)


class Recognizer:
    """Is as sure of a crop as its width says, in percent; remembers what it saw."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.seen: list[list[int]] = []

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        self.seen.append([c.shape[1] for c in crops])
        return [Reading(self.text or str(c.shape[1]), min(1.0, c.shape[1] / 100)) for c in crops]


def test_letters_that_stand_wide_are_not_looked_at_again() -> None:
    seen: list[int] = []

    def recognize(crops: Sequence[Image]) -> list[Reading]:
        seen.extend(c.shape[1] for c in crops)
        return [Reading("中文", 0.5) for _ in crops]

    retry.read(recognize, [crop(13), crop(19)])  # 0.65 and 0.95 heights for each character
    assert seen == [13, 19, 16]


def test_sure_lines_are_read_once_and_unsure_ones_again_wider() -> None:
    recognizer = Recognizer()
    readings = retry.read(recognizer, [crop(width, 90) for width in (100, 40, 98, 60)])
    assert recognizer.seen == [[100, 40, 98, 60], [50, 75]]
    assert [r.text for r in readings] == ["100", "50", "98", "75"]


def test_the_surer_reading_stands() -> None:
    def recognize(crops: Sequence[Image]) -> list[Reading]:
        return [Reading(str(c.shape[1]), 0.9 if c.shape[1] == 40 else 0.3) for c in crops]

    assert retry.read(recognize, [crop(40, 90)])[0].text == "40"


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        (("title 2", 0.9), ("title ........ 2", 0.75), "second"),
        (("title ........ 2", 0.75), ("title 2", 0.9), "first"),
        (("title 2", 0.9), ("title ........ 2", 0.5), "first"),
        (("11", 0.8), ("1", 0.9), "second"),
        (("b", 0.4), ("a", 0.5), "second"),
        (("noise", 0.2), ("never read", 0.9), "first"),
        (("long enough a text", 0.9), ("longg enough a text", 0.8), "first"),
    ],
)
def test_what_lost_characters_does_not_stand(
    first: tuple[str, float], second: tuple[str, float], stands: str
) -> None:
    readings = iter([Reading(*first), Reading(*second)])
    (reading,) = retry.read(lambda crops: [next(readings)], [crop(40, 90)])
    assert reading.text == (first if stands == "first" else second)[0]


def test_nothing_is_asked_of_the_network_where_there_is_nothing() -> None:
    recognizer = Recognizer()
    assert retry.read(recognizer, []) == []
    assert recognizer.seen == []
    retry.read(recognizer, [crop(100)])
    assert len(recognizer.seen) == 1


def test_a_narrow_crop_can_be_stretched() -> None:
    assert retry.wider(crop(1)).shape == (10, 1, 3)
    assert retry.wider(crop(400)).shape == (10, 500, 3)


def slanting(degrees: float) -> Image:
    """A white crop, 60 by 120, with a black bar through its middle that falls to the right by some degrees."""
    image = np.full((60, 120, 3), 255, np.uint8)
    step = 50 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    first, last = ([round(float(x)) for x in (60, 30) + sign * step] for sign in (-1, 1))
    return np.asarray(cv2.line(image, first, last, (0, 0, 0), 5), np.uint8)


def level(crops: Sequence[Image]) -> list[Reading]:
    """Reads bars, the surer the closer they are to level."""
    rows = [np.nonzero((c[..., 0] < 128).any(axis=1))[0] for c in crops]
    return [Reading("bar", max(0.0, 1 - float(np.ptp(r)) / 60)) for r in rows]


@pytest.mark.parametrize("degrees", [-16, 16])
def test_slanted_words_are_read_level(degrees: float) -> None:
    picture = slanting(degrees)
    straight = retry.read(level, [picture])[0].score
    assert straight < 0.6
    assert retry.read(level, [picture], slanted=True)[0].score > straight + 0.25


def test_what_is_read_well_or_long_is_not_turned() -> None:
    recognizer = Recognizer("a line whose letters stand close together")
    retry.read(recognizer, [crop(96), crop(11), np.zeros((2, 40, 3), np.uint8)], slanted=True)
    views = len(retry._views(crop(11)))
    assert [len(seen) for seen in recognizer.seen] == [3, views, 1]


def from_the_left(crops: Sequence[Image]) -> list[Reading]:
    """Reads "word" where a black bar lies at the left end of a crop that is wider than high."""
    wide = [c.shape[1] > c.shape[0] and int(c[:, : c.shape[1] // 4].max()) < 128 for c in crops]
    return [Reading("word", 0.9) if is_word else Reading("mud", 0.3) for is_word in wide]


@pytest.mark.parametrize("turns", [1, -1])
@pytest.mark.parametrize("width", [90, 140])
def test_words_that_run_up_or_down_are_read(turns: int, width: int) -> None:
    """A crop hardly higher than wide comes as it is, a column turned for words that run down."""
    level = np.full((60, width, 3), 255, np.uint8)
    level[:, : width // 3] = 0
    crop, tall = np.rot90(level, turns), width == 140
    came = np.ascontiguousarray(np.rot90(crop) if tall else crop)
    (read,) = retry.read(from_the_left, [came], slanted=True, tall=[tall])
    assert read.text == "word"


@pytest.mark.parametrize(
    ("readings", "stands"),
    [
        ([("SNE", 0.6), ("SALE", 0.7), ("SALE", 0.6), ("SHE", 0.75)], "SALE"),
        ([("cat", 0.9), ("Cat.", 0.5), ("dog", 0.91)], "cat"),
        ([("I", 0.9), ("hall", 0.8)], "hall"),  # the longer: a bad view loses letters
        ([("word", 0.9), ("wo", 0.92), ("w", 0.93)], "word"),
        ([("", 0.0), ("...", 0.4), ("?", 0.6)], "?"),
        ([("", 0.0), ("", 0.0)], ""),
    ],
)
def test_views_of_a_word_vote(readings: list[tuple[str, float]], stands: str) -> None:
    made = [Reading(*reading) for reading in readings]
    assert voted(made).text == stands
    assert voted(made[::-1]).text == stands


def voted(made: list[Reading], likely: retry.Likely | None = None, length: float = 1.0) -> Reading:
    return retry._voted(made, [length] * len(made), likely)


def test_few_letters_do_not_fill_a_long_crop() -> None:
    made = [Reading("D", 0.97), Reading("D", 0.95), Reading("ALD", 0.7)]
    assert voted(made).text == "D"
    assert voted(made, length=4.0).text == "ALD"
    # A sign may stand wide; many letters in a short crop slant there.
    assert voted([Reading("SALE", 0.9), Reading("SAALE", 0.8)], length=3.0).text == "SALE"
    assert voted([Reading("squeezed", 0.9), Reading("see", 0.9)], length=0.8).text == "squeezed"
    # Each goes by the side that it reads along.
    readings = [Reading("lo", 0.8), Reading("menthos", 0.7)]
    assert retry._voted(readings, [0.25, 4.0]).text == "menthos"


def test_a_language_model_has_a_say_in_the_vote_of_a_word() -> None:
    made = [Reading("fruits", 0.8), Reading("frakits", 0.84)]
    language = models.load_language_model()
    assert voted(made).text == "frakits"
    assert voted(made, language.likelihood).text == "fruits"
    # A say, not the word: what is seen clearly stands, however odd.
    clear = [Reading("xqzt", 0.97), Reading("xqzt", 0.95), Reading("next", 0.5)]
    assert voted(clear, language.likelihood).text == "xqzt"
    assert voted([Reading("?", 0.6), Reading("", 0)], language.likelihood).text == "?"


def test_every_view_of_a_word_is_another() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 60, 3), np.uint8)
    views = retry._views(noise)
    assert len({(v.shape, v.tobytes()) for v in (noise, *views)}) == len(views) + 1


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (40, 3), (32, 250)])
def test_any_short_crop_can_be_turned(size: tuple[int, int]) -> None:
    for degrees in (-16.0, 16.0):
        turned = retry.tilted(np.full((*size, 3), 9, np.uint8), degrees)
        assert min(turned.shape[:2]) >= 8
        assert (turned == 9).all()
