"""Edit distance: known values, and the textbook table on random texts."""

from __future__ import annotations

import numpy as np
import pytest

from common.edit_distance import edit_distance


def plain_distance(a: str, b: str) -> int:
    """The textbook table, which defines the result."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("a", "a", 0), ("kitten", "sitting", 3)],
)
def test_edit_distance_of_known_pairs(a: str, b: str, expected: int) -> None:
    assert edit_distance(a, b) == expected


def test_edit_distance_equals_the_textbook_table() -> None:
    rng = np.random.default_rng(1)
    for letters in ("ab", "abcdefgh", "一二三四五"):
        for _ in range(60):
            a, b = ("".join(rng.choice(list(letters), rng.integers(0, 90))) for _ in range(2))
            assert edit_distance(a, b) == plain_distance(a, b) == edit_distance(b, a)


def test_edit_distance_of_long_texts() -> None:
    a = "0123456789" * 800
    assert edit_distance(a, a[1:]) == 1
    assert edit_distance(a, a[:4000] + "xyz" + a[4000:]) == 3
    assert edit_distance(a, "x" * 100) == len(a)
