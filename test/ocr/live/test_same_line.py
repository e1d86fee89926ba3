"""Lines followed twice are one; equal lines in other places or at other times stay two."""

import numpy as np
import pytest

from ocr.live.frames import KeptFrame, Moment
from ocr.live.matching import Detail, Rect
from ocr.live.same_line import goes_on, without_doubles
from ocr.live.settings import DEFAULTS
from ocr.live.tracks import Track

LUMA = np.random.default_rng(3).integers(0, 255, (400, 400)).astype(np.uint8)


def track(text: str, y: int, first: float, last: float, score: float = 0.99, x: int = 20) -> Track:
    """A line at a place that was followed from one second to another, ten frames a second."""
    rect = Rect(x, y, 120, 20)
    quad = np.array([[x, y], [x + 120, y], [x + 120, y + 20], [x, y + 20]], np.float32)
    made = Track(
        rect, quad, 0.9, KeptFrame(Moment(round(first * 10), first), Detail(LUMA)), DEFAULTS
    )
    made.read(text, (score,) * len(text), first)
    made.last = Moment(round(last * 10), last)
    made.until = last
    return made


@pytest.mark.parametrize(
    ("old", "new", "one"),
    [
        (("小雨：好", 100, 0, 5.0), ("小雨：好", 60, 5.3, 9), True),  # found again, a row higher
        (("小雨：好", 100, 0, 5.0), ("小雨：好", 60, 4.5, 9), True),  # before the old one was lost
        (("小雨：好", 100, 0, 5.0), ("小雨：好", 60, 3.0, 9), False),  # both were there for long
        (("小雨：好", 100, 0, 5.0), ("小雨：好", 60, 7.0, 9), False),  # said again
        (("小雨：好", 300, 0, 5.0), ("小雨：好", 60, 4.5, 9), False),  # far away
        (
            ("小雨：好吗你们", 100, 0, 5),
            ("小雨：好吗你们嘴", 80, 4.5, 9),
            True,
        ),  # an emoji was read
        (
            ("小雨：好吗你们", 100, 0, 5),
            ("小雨：好吗你们嘴", 80, 5.3, 9),
            False,
        ),  # sure and otherwise
        (("小雨：好", 100, 0, 5.0), ("老王：来了", 100, 4.8, 9), False),
    ],
)
def test_lost_line_is_continued_by_the_same_line(
    old: tuple[str, int, float, float], new: tuple[str, int, float, float], one: bool
) -> None:
    assert goes_on(track(*old), track(*new), DEFAULTS) is one


def test_a_line_in_another_column_is_another() -> None:
    assert not goes_on(track("A：b", 100, 0, 5), track("A：b", 100, 4.8, 9, x=90), DEFAULTS)


def test_two_tracks_of_one_line_become_one() -> None:
    older, younger = track("小雨：好", 100, 0, 9), track("小雨：好", 102, 2, 9)
    other, gone = track("小雨：好", 140, 2, 9), track("小雨：好", 101, 3, 8)
    gone.missing = gone.last
    assert without_doubles([younger, other, older, gone], DEFAULTS) == [older, other, gone]


def test_tracks_of_different_text_are_both_kept() -> None:
    two = [track("小雨：好", 100, 0, 9), track("老王：来了", 100, 2, 9)]
    assert without_doubles(two, DEFAULTS) == two
