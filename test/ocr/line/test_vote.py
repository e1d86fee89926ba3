"""Words of low score that are read in many views, whose readings vote."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from common.arrays import Image
from common.quads import boxes_to_quads
from common.roles import Reading
from ocr import models
from ocr.line import vote
from ocr.settings import Settings, Vote
from ocr.sheet import LanguageModel, Models, Sheet

SETTINGS = Vote()
Recognize = Callable[[Sequence[Image]], list[Reading]]


def read(recognize: Recognize, crop: Image, *, tall: bool = False) -> Reading:
    (first,) = recognize([crop])
    return vote.by_vote(recognize, crop, first, SETTINGS, tall=tall)


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
    straight = level([picture])[0].score
    assert straight < 0.6
    assert read(level, picture).score > straight + 0.25


@pytest.mark.parametrize(
    ("size", "score", "single_line", "views"),
    [
        ((10, 11), 0.5, True, True),
        ((10, 11), 0.96, True, False),  # read well
        ((2, 40), 0.5, True, False),  # long
        ((10, 11), 0.5, False, False),  # of a page
    ],
)
def test_only_short_single_lines_of_low_score_vote(
    size: tuple[int, int], score: float, single_line: bool, views: bool
) -> None:
    seen: list[int] = []

    def recognize(crops: Sequence[Image]) -> list[Reading]:
        seen.append(len(crops))
        return [Reading("word", 0.4) for _ in crops]

    crop = np.zeros((*size, 3), np.uint8)
    sheet = Sheet(
        crop,
        single_line=single_line,
        quads=boxes_to_quads(np.array([[0, 0, size[1], size[0]]], np.float32)),
        scores=np.ones(1, np.float32),
        crops=(crop,),
        readings=(Reading("word", score),),
    )
    done = vote.apply(sheet, Models(lambda _: None, recognize), Settings())
    assert seen == ([len(vote._views(crop, SETTINGS))] if views else [])
    assert done.voted == (frozenset({0}) if views else frozenset())


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
    assert read(from_the_left, came, tall=tall).text == "word"


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
def test_views_of_a_word_outvote_its_first_reading(
    readings: list[tuple[str, float]], stands: str
) -> None:
    made = [Reading(*reading) for reading in readings]
    assert voted(made).text == stands
    assert voted(made[::-1]).text == stands


def voted(
    made: list[Reading], language: LanguageModel | None = None, length: float = 1.0
) -> Reading:
    return vote._voted(made, [length] * len(made), SETTINGS, language)


def test_few_letters_do_not_fill_a_long_crop() -> None:
    made = [Reading("D", 0.97), Reading("D", 0.95), Reading("ALD", 0.7)]
    assert voted(made).text == "D"
    assert voted(made, length=4.0).text == "ALD"
    # A sign may stand wide; many letters in a short crop slant there.
    assert voted([Reading("SALE", 0.9), Reading("SAALE", 0.8)], length=3.0).text == "SALE"
    assert voted([Reading("squeezed", 0.9), Reading("see", 0.9)], length=0.8).text == "squeezed"
    # Each goes by the side that it reads along.
    readings = [Reading("lo", 0.8), Reading("menthos", 0.7)]
    assert vote._voted(readings, [0.25, 4.0], SETTINGS).text == "menthos"


def test_language_model_weighs_the_vote_of_a_word() -> None:
    made = [Reading("fruits", 0.8), Reading("frakits", 0.84)]
    language = models.load_language_model()
    assert voted(made).text == "frakits"
    assert voted(made, language.likelihood).text == "fruits"
    # A say, not the word: what is seen clearly stands, however odd.
    clear = [Reading("xqzt", 0.97), Reading("xqzt", 0.95), Reading("next", 0.5)]
    assert voted(clear, language.likelihood).text == "xqzt"
    assert voted([Reading("?", 0.6), Reading("", 0)], language.likelihood).text == "?"


def test_all_views_of_a_word_differ() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 60, 3), np.uint8)
    views = vote._views(noise, SETTINGS)
    assert len({(v.shape, v.tobytes()) for v in (noise, *views)}) == len(views) + 1


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (40, 3), (32, 250)])
def test_any_short_crop_can_be_turned(size: tuple[int, int]) -> None:
    for degrees in (-16.0, 16.0):
        turned = vote.tilted(np.full((*size, 3), 9, np.uint8), degrees, SETTINGS)
        assert min(turned.shape[:2]) >= 8
        assert (turned == 9).all()


@pytest.mark.parametrize(("text", "votes"), [("消防栓", False), ("exit", True)])
def test_columns_of_chinese_do_not_vote(text: str, votes: bool) -> None:
    """Seventy views took seconds; read upright, character by character, a column needs none of them."""
    seen: list[int] = []

    def recognize(crops: Sequence[Image]) -> list[Reading]:
        seen.append(len(crops))
        return [Reading(text, 0.5)] * len(crops)

    tall = np.full((120, 30, 3), 255, np.uint8)
    sheet = Sheet(
        tall,
        single_line=True,
        quads=boxes_to_quads(np.array([[0, 0, 30, 120]], np.float32)),
        scores=np.ones(1, np.float32),
        crops=(np.ascontiguousarray(np.rot90(tall)),),
        readings=(Reading(text, 0.5),),
    )
    models = Models(lambda image, min_side=0: None, recognize)  # type: ignore[arg-type,return-value]
    assert vote.apply(sheet, models, Settings()).voted == (frozenset([0]) if votes else frozenset())
    assert bool(seen) == votes
