"""Lines of low score that are read again, stretched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from common.arrays import Image
from common.roles import Reading
from ocr.line import retry
from ocr.settings import Retry

Recognize = Callable[[Sequence[Image]], list[Reading]]


def read(recognize: Recognize, crops: Sequence[Image]) -> list[Reading]:
    """Read crops, and again where the step says so."""
    return retry.retry(recognize, crops, recognize(crops) if crops else [], Retry())


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


def test_lines_of_wide_letters_are_not_read_again() -> None:
    seen: list[int] = []

    def recognize(crops: Sequence[Image]) -> list[Reading]:
        seen.extend(c.shape[1] for c in crops)
        return [Reading("中文", 0.5) for _ in crops]

    read(recognize, [crop(13), crop(19)])  # 0.65 and 0.95 heights for each character
    assert seen == [13, 19, 16]


def test_lines_of_low_score_are_read_again_stretched() -> None:
    recognizer = Recognizer()
    readings = read(recognizer, [crop(width, 90) for width in (100, 40, 98, 60)])
    assert recognizer.seen == [[100, 40, 98, 60], [50, 75]]
    assert [r.text for r in readings] == ["100", "50", "98", "75"]


def test_reading_of_higher_score_is_kept() -> None:
    def recognize(crops: Sequence[Image]) -> list[Reading]:
        return [Reading(str(c.shape[1]), 0.9 if c.shape[1] == 40 else 0.3) for c in crops]

    assert read(recognize, [crop(40, 90)])[0].text == "40"


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
def test_retry_that_lost_characters_is_dropped(
    first: tuple[str, float], second: tuple[str, float], stands: str
) -> None:
    readings = iter([Reading(*first), Reading(*second)])
    (reading,) = read(lambda crops: [next(readings)], [crop(40, 90)])
    assert reading.text == (first if stands == "first" else second)[0]


def test_network_is_not_called_without_lines_to_retry() -> None:
    recognizer = Recognizer()
    assert read(recognizer, []) == []
    assert recognizer.seen == []
    read(recognizer, [crop(100)])
    assert len(recognizer.seen) == 1


def test_a_narrow_crop_can_be_stretched() -> None:
    assert retry.stretched(crop(1), 1.25).shape == (10, 1, 3)
    assert retry.stretched(crop(400), 1.25).shape == (10, 500, 3)
