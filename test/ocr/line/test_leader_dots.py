"""Dots of leaders counted in the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from common.arrays import Image
from ocr.line import leader_dots

WIDTH, HEIGHT = 900, 32
FIRST, STEP = 120, 7


@dataclass
class Reading:
    text: str
    char_spans: tuple[tuple[float, float], ...]
    score: float = 0.9
    char_scores: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.char_scores = (0.8,) * len(self.text)


def line(dots: int, *, step: int = STEP, dark: bool = False, blur: float = 0.6) -> Image:
    """A title, a row of dots, and a page number."""
    canvas = np.full((HEIGHT, WIDTH), 255, np.uint8)
    cv2.putText(canvas, "Title", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    for i in range(dots):
        x = FIRST + i * step
        canvas[22:25, x : x + 3] = 0
    cv2.putText(canvas, "12", (860, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 0, 2)
    canvas = cv2.GaussianBlur(canvas, (0, 0), blur)
    canvas = 255 - canvas if dark else canvas
    return np.repeat(canvas[:, :, None], 3, axis=2)


def reading(dots: int, *, last: float = 0.94, mark: str = ".") -> Reading:
    """What a recognizer might make of `line`: the right title and number, and this many dots."""
    letters = [(0.01 + 0.02 * i, 0.02 + 0.02 * i) for i in range(5)]
    row = [(x, x + 0.004) for x in np.linspace(0.135, 0.9, dots)]
    return Reading(
        "Title" + mark * dots + "12", (*letters, *row, (last + 0.02, last + 0.03), (0.98, 0.99))
    )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("read", [88, 99, 110])
def test_dots_are_those_of_the_picture(read: int, dark: bool) -> None:
    counted = leader_dots.count(reading(read), line(101, dark=dark))
    assert counted.text == "Title" + "." * 101 + "12"
    assert len(counted.char_spans) == len(counted.char_scores) == len(counted.text)
    middles = np.asarray(counted.char_spans).mean(axis=1)
    assert (np.diff(middles) > 0).all()
    dot = round(float(middles[5] * WIDTH))
    assert abs(dot - FIRST - 1) <= 1  # the first one, where it is


def test_small_close_dots_part() -> None:
    assert leader_dots.count(reading(60), line(80, step=5, blur=0.8)).text.count(".") == 80


def test_an_ellipsis_counts_for_three() -> None:
    assert leader_dots.count(reading(33, mark="…"), line(101)).text == "Title" + "." * 101 + "12"


def test_a_middle_dot_stays_what_it_is() -> None:
    assert leader_dots.count(reading(90, mark="·"), line(101)).text.count("·") == 101


@pytest.mark.parametrize("dots", [0, 3, 7])
def test_short_rows_are_left_to_the_recognizer(dots: int) -> None:
    made = reading(dots)
    assert leader_dots.count(made, line(101)) is made


def test_what_is_no_row_is_left() -> None:
    made = reading(40)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    assert leader_dots.count(made, noise) is made
    blank = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    assert leader_dots.count(made, blank) is made
    assert (
        leader_dots.count(made, line(9)) is made
    )  # so far from what was read that it is something else


def test_a_blot_does_not_halve_a_row() -> None:
    made, picture = reading(95), line(101)
    cv2.circle(picture, (FIRST + 50 * STEP, 22), 9, (0, 0, 0), -1)
    assert leader_dots.count(made, picture) is made


def test_a_gap_ends_the_row() -> None:
    """Two rows in one picture, of which the recognizer saw one: the longer is counted, not their sum."""
    picture = line(90)
    picture[:, FIRST + 60 * STEP - 2 : FIRST + 64 * STEP - 2] = 255
    assert leader_dots.count(reading(55), picture).text.count(".") == 60


def test_a_reading_without_places_is_left() -> None:
    made = Reading("Title" + "." * 20, ())
    assert leader_dots.count(made, line(101)) is made


def test_places_that_run_backwards_are_no_row() -> None:
    """Attention may say a title's end after the number that follows the dots."""
    read = reading(24)
    spans = list(read.char_spans)
    spans[4], spans[-2] = spans[-2], spans[4]
    backwards = Reading(read.text, tuple(spans))
    assert leader_dots.count(backwards, line(24)) == backwards


def test_a_line_of_dots_alone() -> None:
    made = Reading("." * 90, tuple((x, x) for x in np.linspace(0.1, 0.95, 90)))
    picture = line(101)
    picture[:, :110] = 255
    picture[:, 850:] = 255
    assert leader_dots.count(made, picture).text == "." * 101
