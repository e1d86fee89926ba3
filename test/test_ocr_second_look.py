"""Reading unsure lines twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from common.arrays import Image
from ocr import second_look


class Reading:
    def __init__(self, text: str, score: float) -> None:
        self.text, self.score = text, score


def crop(width: int) -> Image:
    return np.zeros((10, width, 3), np.uint8)


class Recognizer:
    """Is as sure of a crop as its width says, in percent; remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        self.seen.append([c.shape[1] for c in crops])
        return [Reading(str(c.shape[1]), min(1.0, c.shape[1] / 100)) for c in crops]


def test_sure_lines_are_read_once_and_unsure_ones_again_wider() -> None:
    recognizer = Recognizer()
    readings = second_look.read(recognizer, [crop(100), crop(40), crop(98), crop(60)])
    assert recognizer.seen == [[100, 40, 98, 60], [50, 75]]
    assert [r.text for r in readings] == ["100", "50", "98", "75"]


def test_the_surer_reading_stands() -> None:
    def recognize(crops: Sequence[Image]) -> list[Reading]:
        return [Reading(str(c.shape[1]), 0.9 if c.shape[1] == 40 else 0.3) for c in crops]

    assert second_look.read(recognize, [crop(40)])[0].text == "40"


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
    (reading,) = second_look.read(lambda crops: [next(readings)], [crop(40)])
    assert reading.text == (first if stands == "first" else second)[0]


def test_nothing_is_asked_of_the_network_where_there_is_nothing() -> None:
    recognizer = Recognizer()
    assert second_look.read(recognizer, []) == []
    assert recognizer.seen == []
    second_look.read(recognizer, [crop(100)])
    assert len(recognizer.seen) == 1


def test_a_narrow_crop_can_be_stretched() -> None:
    assert second_look.wider(crop(1)).shape == (10, 1, 3)
    assert second_look.wider(crop(400)).shape == (10, 500, 3)
