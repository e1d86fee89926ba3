"""Bring texts into the forms in which the field compares them, and count similarity and spaces of lines.

A figure means nothing without the form in which texts were compared: it moves Chinese scores by points.
`train.evaluate --normalize` takes the names of `FORMS`.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

from common.edit_distance import edit_distance
from train.evaluate.page_metrics import Form, normalize
from train.synth.corpus.opencc_scripts import converter

_FULL_TO_HALF = {0x3000: 0x20} | {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def plain(text: str) -> str:
    """Keep a text as it stands: NFC, white space of any kind as one blank, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def ctr(text: str) -> str:
    """Bring a text into the form of the Chinese text recognition benchmark (Yu et al. 2021).

    Full width to half width, traditional to simplified, lower case; white space is kept. The benchmark's own code
    converts with zhconv, this with OpenCC (t2s): the two differ in a few words.

    Raises:
        ModuleNotFoundError: OpenCC is not installed.
    """
    return converter("t2s")(text.translate(_FULL_TO_HALF)).lower()


def alphanumeric(text: str) -> str:
    """Keep ASCII letters, as lower case, and digits: what English word benchmarks compare (DTRB)."""
    return "".join(char for char in text.lower() if char.isascii() and char.isalnum())


FORMS: dict[str, Form] = {
    "unified": normalize,
    "plain": plain,
    "ctr": ctr,
    "alphanumeric": alphanumeric,
}
"""Name to form: `unified` is that of `train.evaluate.page_metrics`, in which this project states its figures."""


def similarity(a: str, b: str) -> float:
    """Return 1 - edit distance / length of the longer, as the texts stand; 1 for two empty texts."""
    return 1 - edit_distance(a, b) / max(len(a), len(b), 1)


def count_spaces(truth: str, reading: str) -> tuple[int, int, int]:
    """Count the spaces between Latin words of one line.

    A space counts where the nearest letter or digit on neither side is of East Asian width: between Chinese characters
    a space is a matter of taste. It is right where the truth has one between the same characters, misread ones
    included as long as one of the two neighbours can be told.

    Returns:
        (right, true, read): spaces that both have, that the truth has, that were read.
    """
    true_chars, true_gaps = _split(truth)
    read_chars, read_gaps = _split(reading)
    place = _align(true_chars, read_chars)
    found = set()
    for gap in read_gaps:
        if place[gap] is not None:
            found.add(place[gap])
        elif (before := place[gap - 1]) is not None:
            found.add(before + 1)
    return len(found & true_gaps), len(true_gaps), len(read_gaps)


def _split(text: str) -> tuple[str, set[int]]:
    """Return the characters without spaces, and before which of them a counted space stands."""
    words = [word for word in (normalize(part) for part in text.split()) if word]
    chars, gaps = "".join(words), set()
    end = 0
    for word in words[:-1]:
        end += len(word)
        if not (_is_wide(reversed(chars[:end])) or _is_wide(chars[end:])):
            gaps.add(end)
    return chars, gaps


def _is_wide(chars: Iterable[str]) -> bool:
    """Whether the first letter or digit is of East Asian width."""
    first = next((char for char in chars if char.isalnum()), " ")
    return unicodedata.east_asian_width(first) in ("W", "F")


def _align(truth: str, reading: str) -> list[int | None]:
    """Say for each character of the reading which one of the truth it stands for; None: for none."""
    place: list[int | None] = [None] * len(reading)
    matcher = difflib.SequenceMatcher(None, truth, reading, autojunk=False)
    for how, a0, a1, b0, b1 in matcher.get_opcodes():
        if how == "equal" or (how == "replace" and a1 - a0 == b1 - b0):
            place[b0:b1] = range(a0, a1)
    return place
