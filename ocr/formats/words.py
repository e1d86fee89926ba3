"""Split a line into words with their boxes, and write text and boxes as the formats have them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ocr.line.characters import characters_of
from ocr.result import Box, Character, TextLine

# White space of any kind, which within a line is a space, and what XML 1.0 cannot hold.
_SPACES = re.compile(r"[\t\n\r\v\f\x1c-\x1f\x85\u2028\u2029]")
_NO_XML = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Word:
    """A stretch of a line without spaces: of Han characters, which have none between them, maybe the whole line.

    Args:
        text: As plain text.
        score: Mean of its characters'.
        box: In pixels of the picture as shown.
        characters: Its characters, places as shares of the line.
        start: Where it begins, share of the line.
        stop: Where it ends.
    """

    text: str
    score: float
    box: Box
    characters: tuple[Character, ...]
    start: float
    stop: float


def split_words(line: TextLine) -> list[Word]:
    """The words of a line, in their order; none where it is all spaces."""
    words: list[Word] = []
    current: list[Character] = []
    for character in (*characters_of(line), Character(" ", 0, 1, 1)):
        if plain_text(character.text).strip():
            current.append(character)
        elif current:
            words.append(_word(line, tuple(current)))
            current = []
    return words


def _word(line: TextLine, characters: tuple[Character, ...]) -> Word:
    start, stop = characters[0].start, characters[-1].stop
    return Word(
        plain_text("".join(character.text for character in characters)),
        sum(character.score for character in characters) / len(characters),
        line.part(start, stop),
        characters,
        start,
        stop,
    )


def plain_text(text: str) -> str:
    """Text that any format and XML 1.0 can hold: breaks and tabs as spaces, controls as U+FFFD."""
    return _NO_XML.sub("\ufffd", _SPACES.sub(" ", text))


def bounds(boxes: Iterable[Box]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the smallest upright rectangle of whole pixels around boxes, 0 for none."""
    corners = [corner for box in boxes for corner in box]
    if not corners:
        return 0, 0, 0, 0
    xs, ys = zip(*corners, strict=True)
    return (
        max(0, math.floor(min(xs))),
        max(0, math.floor(min(ys))),
        max(0, math.ceil(max(xs))),
        max(0, math.ceil(max(ys))),
    )
