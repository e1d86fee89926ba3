"""Place the characters of a line: the part of it that each takes, by where a recognizer saw them in a crop.

CTC says in which few columns a character was noticed, not how wide it is. Neighbours part where their usual widths
say: between a wide and a narrow character closer to the narrow one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from common.arrays import Floats
from common.characters import is_wide
from common.quads import is_column, quad_size
from common.roles import Reading
from ocr.result import Character, Page, TextLine

# Advance widths in shares of the type size, rounded averages over common Latin faces.
_NARROW, _SLIM, _USUAL, _CAPITAL, _BROAD = 0.28, 0.36, 0.53, 0.68, 0.86
_WIDTHS = (
    dict.fromkeys("ijlI|!.,:;'`·", _NARROW)
    | dict.fromkeys('ftr()[]{}-" ', _SLIM)
    | dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&", _CAPITAL)
    | dict.fromkeys("mwMW@%", _BROAD)
)


def reads_vertically(quad: Floats, margin: float) -> bool:
    """Whether `common.quads.crop` turns this quad (4, 2), grown by a margin as for `place`, on its side."""
    height, width = quad_size(quad)
    grown = 2 * margin * min(height, width)
    return is_column(height + grown, width + grown)


def place(reading: Reading, quad: Floats, margin: float) -> tuple[Character, ...]:
    """Give each character of a reading its part of the line.

    Args:
        reading: Of the crop that was cut out around the quad.
        quad: (4, 2) the line.
        margin: Share of its short side by which the quad was grown on every side before it was cut out.

    Returns:
        As many as the text has characters, neighbours touch; none where nobody knows where they stand.
    """
    if not reading.char_spans:
        return ()
    height, width = quad_size(quad)
    length = max(height if reads_vertically(quad, margin) else width, 1e-6)
    grown = margin * min(height, width) / length
    parts = np.clip(cells(reading.text, reading.char_spans) * (1 + 2 * grown) - grown, 0, 1)
    return tuple(
        Character(text, float(score), float(start), float(stop))
        for text, score, (start, stop) in zip(reading.text, reading.char_scores, parts, strict=True)
    )


def cells(text: str, spans: Sequence[tuple[float, float]]) -> Floats:
    """From where to where each character reaches.

    Args:
        text: Of n characters.
        spans: Where each was noticed, shares of the crop's width, in order.

    Returns:
        (n, 2) shares of the crop's width, each stop the next start; a single character takes the whole crop.

    Raises:
        ValueError: Not as many spans as characters.
    """
    if len(spans) != len(text):
        raise ValueError(f"{len(spans)} spans for {len(text)} characters, expected one for each")
    if len(text) < 2:
        return np.array([[0, 1]] * len(text), np.float32).reshape(-1, 2)
    middles = np.maximum.accumulate(np.asarray(spans, np.float32).mean(axis=1))
    widths = np.array([_usual_width(character) for character in text], np.float32)
    gaps = np.diff(middles)
    shared = widths[:-1] + widths[1:]
    inner = middles[:-1] + gaps * widths[:-1] / shared
    # The size of the type: how far apart neighbours stand against how far apart they usually do.
    size = float(np.median(2 * gaps / shared))
    first = min(middles[0] - size * widths[0] / 2, inner[0])
    last = max(middles[-1] + size * widths[-1] / 2, inner[-1])
    edges = np.clip(np.concatenate([[first], inner, [last]]), 0, 1)
    return np.asarray(np.stack([edges[:-1], edges[1:]], axis=1), np.float32)


def _usual_width(character: str) -> float:
    return 1.0 if is_wide(character) else _WIDTHS.get(character, _USUAL)


def characters_of(line: TextLine) -> tuple[Character, ...]:
    """The characters of a line, their places guessed from their usual widths where nobody knows them."""
    return line.characters or spread(line.text, line.score)


def with_characters(page: Page) -> Page:
    """A page whose lines all have their characters."""
    return replace(
        page, lines=tuple(replace(line, characters=characters_of(line)) for line in page.lines)
    )


def spread(text: str, score: float) -> tuple[Character, ...]:
    """Give the characters of a text of which only the whole is known their usual parts of a line.

    Args:
        text: May be empty.
        score: Of each.
    """
    edges = np.cumsum([0.0, *(_usual_width(character) for character in text)])
    edges = edges / max(float(edges[-1]), 1e-6)
    return tuple(
        Character(character, score, float(edges[i]), float(edges[i + 1]))
        for i, character in enumerate(text)
    )
