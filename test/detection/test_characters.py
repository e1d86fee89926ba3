"""Characters of a word and lines of characters: what can be trusted, what stands in one line."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats
from detection.characters import following, in_line, likeliest, lines_of_characters, squares, trust


def word(degrees: float = 0, length: float = 240, height: float = 24) -> Floats:
    turn = np.deg2rad(degrees)
    return np.array([200, 150, np.cos(turn), np.sin(turn), length, height], np.float32)


def scored(characters: Floats, score: float = 0.9) -> Floats:
    column = np.full((len(characters), 1), score, np.float32)
    return np.concatenate([characters, column], axis=1)


@pytest.mark.parametrize("degrees", [-90, -45, 0, 30, 45, 90])
@pytest.mark.parametrize("count", [1, 2, 10, 40])
def test_characters_of_a_line_make_the_line(degrees: float, count: int) -> None:
    line = word(degrees, 24 * count)
    characters = scored(squares(line))
    assert len(characters) == count
    rows, counts = lines_of_characters(characters)
    assert counts == [count]
    np.testing.assert_allclose(rows[0, 4:], [24 * count, 24, 0.9], rtol=1e-3)
    assert abs(rows[0, 2:4] @ line[2:4]) > 0.9999


def test_no_characters_make_no_line() -> None:
    rows, counts = lines_of_characters(np.zeros((0, 7), np.float32))
    assert rows.shape == (0, 7) and counts.shape == (0,)


def test_what_follows_is_as_by_looking_at_all_pairs() -> None:
    rng = np.random.default_rng(0)
    angle = rng.normal(0, 0.1, 1500)
    x, y = rng.uniform(0, 900, (2, 1500))
    sides = rng.uniform(8, 24, (2, 1500))
    rows = np.stack([x, y, np.cos(angle), np.sin(angle), *sides], axis=1).astype(np.float32)
    found = {frozenset(pair) for pair in np.stack(following(rows), axis=1).tolist()}
    expected = set()
    for k in range(0, 1500, 29):
        a, b = rows[k], rows
        between, lesser = b[:, :2] - a[:2], np.minimum(a[5], b[:, 5])
        sides = [np.abs(between[:, 0] * o[..., 3] - between[:, 1] * o[..., 2]) for o in (a, b)]
        gap = np.abs(between @ a[2:4]) - (a[4] + b[:, 4]) / 2
        good = (np.maximum(*sides) <= 0.35 * lesser) & (gap <= 0.8 * lesser)
        good &= lesser >= 0.6 * np.maximum(a[5], b[:, 5])
        good &= np.abs(a[2] * b[:, 3] - a[3] * b[:, 2]) <= np.sin(np.deg2rad(15))
        expected |= {frozenset((k, int(j))) for j in np.flatnonzero(good) if j > k}
    of_these = {p for p in found if any(k % 29 == 0 for k in p)}
    assert expected and expected <= of_these


def test_rows_and_columns_stay_apart() -> None:
    below, beside = squares(word()), squares(word())
    below[:, 1] += 30
    beside[:, 0] += 240 + 36
    rows, _ = lines_of_characters(scored(np.concatenate([squares(word()), below, beside])))
    assert sorted(rows[:, 4].round().tolist()) == [240, 240, 240]


def test_a_large_initial_is_no_part_of_small_print() -> None:
    large = np.array([[60, 150, 1, 0, 40, 60]], np.float32)
    rows, _ = lines_of_characters(scored(np.concatenate([large, squares(word())])))
    assert len(rows) == 2


@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_all_characters_of_a_word_can_be_trusted(degrees: float) -> None:
    line = word(degrees)
    chosen, value = likeliest(line, scored(squares(line)))
    assert len(chosen) == 10 and value > 0.99


def test_nothing_found_cannot_be_trusted() -> None:
    chosen, value = likeliest(word(), np.zeros((0, 7), np.float32))
    assert chosen.shape == (0, 6) and value == 0


def test_a_part_is_trusted_as_far_as_it_covers() -> None:
    characters = squares(word())
    values = [trust(word(), characters[:count]) for count in range(1, 11)]
    np.testing.assert_allclose(values, 0.5 + 0.05 * np.arange(1, 11), atol=1e-3)


def test_what_spoils_a_straight_row_is_left_off() -> None:
    line = word()
    stray = np.array([[331, 168, 1, 0, 24, 24, 0.4]], np.float32)
    chosen, value = likeliest(line, np.concatenate([scored(squares(line)), stray]))
    assert len(chosen) == 10 and value > 0.99


def test_characters_are_put_in_line() -> None:
    line = word(30)
    characters = squares(line) + np.array([1, -2, 0, 0, 3, -6], np.float32)
    put = in_line(characters, line)
    np.testing.assert_allclose(put[:, 5], 24)
    np.testing.assert_allclose(put[:, 4], 27)
    across = (put[:, :2] - line[:2]) @ [-line[3], line[2]]
    np.testing.assert_allclose(across, 0, atol=1e-3)
