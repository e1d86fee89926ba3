"""Test that lines which cross better ones, or lie inside others, are dropped, and no others."""

from __future__ import annotations

import numpy as np

from common.arrays import Floats
from detection.crossings import CROSSING_DEGREES, without_crossings


def line(
    x: float, y: float, length: float, height: float, degrees: float = 0.0, score: float = 0.8
) -> Floats:
    """Return one line (7,) around a middle."""
    angle = np.deg2rad(degrees)
    return np.array([x, y, np.cos(angle), np.sin(angle), length, height, score], np.float32)


def kept(*lines: Floats) -> list[int]:
    """Number the lines that stay."""
    rows = np.array(lines, np.float32).reshape(-1, 7)
    found = without_crossings(rows)
    return [int(np.flatnonzero((rows == one).all(axis=1))[0]) for one in found]


def test_of_two_that_cross_the_first_one_stays() -> None:
    level, across = line(200, 100, 300, 30), line(200, 100, 300, 30, degrees=60)
    assert kept(level, across) == [0]
    assert kept(across, level) == [0]


def test_what_lies_in_a_longer_line_goes_though_it_comes_first() -> None:
    assert kept(line(120, 100, 40, 20, score=0.95), line(200, 100, 300, 30, score=0.6)) == [1]


def test_lines_that_touch_in_one_direction_stay() -> None:
    page = [line(200, 100 + 24 * row, 400, 30, degrees=row % 2 * 5.0) for row in range(8)]
    assert kept(*page) == list(range(8))
    turned = line(200, 100, 300, 30, degrees=CROSSING_DEGREES - 1, score=0.7)
    assert kept(line(200, 100, 300, 30), turned) == [0, 1]


def test_a_column_beside_lines_and_one_far_from_zero_stay() -> None:
    far = 30_000.0
    column = line(far + 370, far, 300, 30, degrees=90, score=0.6)
    assert kept(line(far + 200, far, 300, 30), column) == [0, 1]
    assert kept(line(far + 250, far, 300, 30), column) == [0]


def test_what_crosses_a_line_that_is_dropped_itself_stays() -> None:
    sure = line(100, 100, 200, 20, score=0.9)
    crossing = line(180, 100, 300, 20, degrees=90, score=0.8)
    beyond = line(180, 200, 100, 20, score=0.7)
    assert kept(sure, crossing, beyond) == [0, 2]


def test_nothing_is_left_of_nothing() -> None:
    assert without_crossings(np.zeros((0, 7), np.float32)).shape == (0, 7)
