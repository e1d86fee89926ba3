"""Leave Chinese out of lines that mix it with other writing, where it was surely read; the rest is read without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from common.characters import is_han, is_wide
from recognition.ctc import Run

MIN_SCORE = 0.5
"""Probability from which a Han character is taken to stand there. What is less may be a blurred letter."""

_LIKE_OTHERS = frozenset("一丨〇口工十二丁卜丫乂了")
"""Han characters that a letter, a digit or a mark looks like: these are read as that."""

_WITH_CHINESE = frozenset("，。、；：！？…—～")
"""Marks that go where the Han character before them goes; brackets may be around something else."""


class WithoutChinese:
    """Take the steps of Han characters from what a network gives, and bar the rest of Chinese.

    Args:
        characters: in class order, without the blank.
    """

    def __init__(self, characters: Sequence[str]) -> None:
        self._characters = ("", *characters)
        self._barred = np.array([c != "" and is_wide(c) for c in self._characters], np.bool_)

    @property
    def barred(self) -> NDArray[np.bool_]:
        """Which classes (C,) are not read."""
        return self._barred

    def without(self, log_probs: Floats, runs: Sequence[Run]) -> Floats:
        """Give the steps of Han characters to the blank.

        Args:
            log_probs: (T, C) of one line.
            runs: what is read there with Chinese.

        Returns:
            (T, C), with none of what is barred.
        """
        left = np.where(self._barred, np.float32(-np.inf), log_probs)
        gone = False
        for run in runs:
            character = self._characters[run.label]
            gone = (
                is_han(character)
                and run.probability >= MIN_SCORE
                and character not in _LIKE_OTHERS
                or gone
                and character in _WITH_CHINESE
            )
            if gone:
                left[run.start : run.stop] = -np.inf
                left[run.start : run.stop, 0] = 0.0
        return np.asarray(left, np.float32)

    def single_spaced(self, runs: Sequence[Run]) -> list[Run]:
        """Leave one space where what stood between two is gone."""
        spaces = [self._characters[run.label] == " " for run in runs]
        return [r for i, r in enumerate(runs) if not (i and spaces[i] and spaces[i - 1])]
