"""What a line cannot say: one character twice in one place, two Chinese scripts, Chinese punctuation in English text.

A network decides step by step, so two shapes that look alike may both win beside each other, and each character picks
its script for itself. The line as a whole tells better, and where it has too little to tell, the lines read with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from common.arrays import Floats
from common.characters import is_han, is_wide
from recognition.ctc import Run

SAME_PLACE = 1.5
"""Steps between the middles of two characters, one of them as wide as high, up to which they are one seen twice."""

SAME_PLACE_VARIANTS = 3.0
"""The same for the full-width and half-width forms of one sign, which nobody writes beside each other."""

OTHER_SCRIPT = 5.0
"""Nats by which a character of the other script is less likely in a line of one script."""

CLEAR = 1.5
"""How many times as many characters of one script as of the other make a line one of that script."""

COMMON_CLEAR, COMMON_LEAST = 4, 8
"""The same for lines that are read together, and how many characters of one script there must be."""

OWN = 3
"""Characters of the other script that make a line in it, whatever the lines beside it say: a quotation, a name."""


LATIN = 20
"""Letters and digits for each Han character from which on lines that are read together are not Chinese."""

_PLAIN_MARKS = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {"。": ".", "、": ","}
)


class Consistency:
    """Takes back what contradicts the rest of a line.

    Args:
        characters: in class order, without the blank.
    """

    def __init__(self, characters: Sequence[str]) -> None:
        self._characters = ["", *characters]
        self._scripts = np.array([0, *(script(c) for c in characters)], np.int8)

    def __call__(
        self, log_probs: Floats, decode: Callable[[Floats], list[Run]], common: int = 0
    ) -> list[Run]:
        """Decode a line.

        Args:
            log_probs: (T, C), class 0 is the blank; left as they are.
            decode: finds the runs in such probabilities.
            common: script of the lines beside it, see `common_script`, for a line that does not tell its own.
        """
        runs = self.without_doubles(decode(log_probs))
        found = self._scripts[[run.label for run in runs]] if runs else self._scripts[:0]
        traditional, simplified = int((found > 0).sum()), int((found < 0).sum())
        own = common if common and _strays(traditional, simplified, common) else 0
        if not own and min(traditional, simplified):
            own = _clear(traditional, simplified, CLEAR)
        if not own:
            return runs
        other = self._scripts * own < 0
        again = decode(np.asarray(log_probs - OTHER_SCRIPT * other, np.float32))
        # What stays against the odds is as sure as it was.
        odds = float(np.exp(OTHER_SCRIPT))
        return self.without_doubles(
            [
                run._replace(probability=min(1.0, run.probability * odds))
                if other[run.label]
                else run
                for run in again
            ]
        )

    def without_doubles(self, runs: list[Run]) -> list[Run]:
        """Keep the surer of two neighbours that stand in one place."""
        kept: list[Run] = []
        for run in runs:
            if kept and self._is_double(kept[-1], run):
                if run.probability > kept[-1].probability:
                    kept[-1] = run
            else:
                kept.append(run)
        return kept

    def _is_double(self, first: Run, second: Run) -> bool:
        a, b = self._characters[first.label], self._characters[second.label]
        if a == b or " " in (a, b) or not is_wide(max(a, b)):
            return False
        apart = (second.start + second.stop - first.start - first.stop) / 2
        if apart <= SAME_PLACE:
            return True
        return apart <= SAME_PLACE_VARIANTS and _plain(a) == _plain(b)


def common_script(texts: Sequence[str]) -> tuple[int, list[int]]:
    """Tell in which script lines are written that belong together, as `script` does, and which of them stray from it.

    Lines stray that have characters of the other script, but too few to be in it. 0 where neither script prevails.
    """
    counts = [_count(text) for text in texts]
    traditional, simplified = sum(t for t, _ in counts), sum(s for _, s in counts)
    common = _clear(traditional, simplified, COMMON_CLEAR)
    if max(traditional, simplified) < COMMON_LEAST:
        common = 0
    return common, [i for i, (t, s) in enumerate(counts) if common and _strays(t, s, common)]


def plain_marks(texts: Sequence[str]) -> list[str]:
    """Write Chinese punctuation as English, sign for sign, in lines without Han characters of a page not in Chinese.

    Args:
        texts: of the lines of one page.
    """
    counts = [[is_wide(character) for character in text if character.isalnum()] for text in texts]
    if sum(map(len, counts)) < max(1, LATIN * sum(map(sum, counts))):
        return list(texts)
    return [
        text if any(wide) else text.translate(_PLAIN_MARKS)
        for text, wide in zip(texts, counts, strict=True)
    ]


def _count(text: str) -> tuple[int, int]:
    """Count the characters of each script: traditional, simplified."""
    scripts = [script(character) for character in text]
    return scripts.count(1), scripts.count(-1)


def _clear(traditional: int, simplified: int, times: float) -> int:
    """The script that has so many times the characters of the other; 0 for neither."""
    if traditional == simplified or max(traditional, simplified) < times * min(
        traditional, simplified
    ):
        return 0
    return 1 if traditional > simplified else -1


def _strays(traditional: int, simplified: int, common: int) -> bool:
    """Whether a line has characters of the script that is not common, but too few to be in it."""
    other = simplified if common > 0 else traditional
    return other > 0 and not (other >= OWN and _clear(traditional, simplified, CLEAR) == -common)


def _plain(character: str) -> str:
    return unicodedata.normalize("NFKC", character)


@cache
def script(character: str) -> int:
    """Tell whether a character is written in simplified Chinese alone (-1), in traditional alone (1) or in both (0).

    The national standards tell: GB 2312 has the simplified ones, Big5 the traditional ones.
    """
    if not is_han(character):
        return 0
    return int(_has(character, "big5")) - int(_has(character, "gb2312"))


def _has(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
