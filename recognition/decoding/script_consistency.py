"""Make a line consistent: no character twice in one place, one Chinese script, punctuation of its language.

A network decides step by step, so two shapes that look alike may both win beside each other, and each character picks
its script for itself. The line as a whole tells better, and where it has too little to tell, the lines read with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from common.arrays import Floats
from common.characters import is_han, is_wide
from common.settings import StepSettings, setting
from recognition.ctc import Run


@dataclass(frozen=True)
class ScriptSettings(StepSettings):
    """Say what contradicts the rest of a line."""

    same_place: float = setting(
        1.5,
        "Steps between the middles of two characters, one of them wide, up to which they are one",
        0,
    )
    same_place_variants: float = setting(
        3.0, "The same for the full- and half-width forms of one sign", 0
    )
    penalty: float = setting(
        5.0, "Nats by which the other script is less likely in a line of one script", 0
    )
    clear_ratio: float = setting(
        1.5, "Characters of one script for each of the other in a line of it", 1
    )
    common_ratio: float = setting(4.0, "The same for the lines of a page", 1)
    common_characters: int = setting(8, "Characters of one script that such a page has at least", 1)
    quoted_characters: int = setting(
        3, "Characters of the other script that make a line in it: a quotation", 1
    )
    latin_ratio: float = setting(
        20.0, "Letters and digits for each Han character of a page not in Chinese", 1
    )


_PLAIN_MARKS = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {"。": ".", "、": ","}
)


class Consistency:
    """Takes back what contradicts the rest of a line.

    Args:
        characters: in class order, without the blank.
        settings: of what contradicts.
    """

    def __init__(self, characters: Sequence[str], settings: ScriptSettings) -> None:
        self._settings = settings
        self._characters = ["", *characters]
        self._scripts = np.array([0, *(script(c) for c in characters)], np.int8)

    def __call__(
        self, log_probs: Floats, decode: Callable[[Floats], list[Run]], common: int = 0
    ) -> list[Run]:
        """Decode a line.

        Args:
            log_probs: (T, C), class 0 is the blank; left as they are.
            decode: finds the runs in such probabilities.
            common: script of the lines beside it, see `majority_script`, for a line that does not tell its own.
        """
        runs = self.without_doubles(decode(log_probs))
        found = self._scripts[[run.label for run in runs]] if runs else self._scripts[:0]
        traditional, simplified = int((found > 0).sum()), int((found < 0).sum())
        own = common if common and _strays(traditional, simplified, common, self._settings) else 0
        if not own and min(traditional, simplified):
            own = _clear(traditional, simplified, self._settings.clear_ratio)
        if not own:
            return runs
        other = self._scripts * own < 0
        again = decode(np.asarray(log_probs - self._settings.penalty * other, np.float32))
        # What stays against the odds is as sure as it was.
        odds = float(np.exp(self._settings.penalty))
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
        if apart <= self._settings.same_place:
            return True
        return apart <= self._settings.same_place_variants and _plain(a) == _plain(b)


def majority_script(texts: Sequence[str], settings: ScriptSettings) -> tuple[int, list[int]]:
    """Tell in which script lines are written that belong together, as `script` does, and which of them stray from it.

    Lines stray that have characters of the other script, but too few to be in it. 0 where neither script prevails.
    """
    counts = [_count(text) for text in texts]
    traditional, simplified = sum(t for t, _ in counts), sum(s for _, s in counts)
    common = _clear(traditional, simplified, settings.common_ratio)
    if max(traditional, simplified) < settings.common_characters:
        common = 0
    return common, [
        i for i, (t, s) in enumerate(counts) if common and _strays(t, s, common, settings)
    ]


def ascii_punctuation(texts: Sequence[str], settings: ScriptSettings) -> list[str]:
    """Write Chinese punctuation as English, sign for sign, in lines without Han characters of a page not in Chinese.

    Args:
        texts: of the lines of one page.
        settings: of which `latin_ratio` counts.
    """
    counts = [[is_wide(character) for character in text if character.isalnum()] for text in texts]
    if sum(map(len, counts)) < max(1, settings.latin_ratio * sum(map(sum, counts))):
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


def _strays(traditional: int, simplified: int, common: int, settings: ScriptSettings) -> bool:
    """Whether a line has characters of the script that is not common, but too few to be in it."""
    other = simplified if common > 0 else traditional
    return other > 0 and not (
        other >= settings.quoted_characters
        and _clear(traditional, simplified, settings.clear_ratio) == -common
    )


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
