"""Doubt what cannot be right, and take away what is no character: scores fall, digits are never invented.

An amount with two points (70.269.42) has a comma read as one. A small mark well before a line's text is a bullet that
the recognizer does not know; it reads a full stop or an apostrophe there, which no line begins with.
"""

from __future__ import annotations

import re

from common.quads import quad_size
from common.roles import Reading
from ocr.line.characters import reads_vertically
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

_TWO_POINTS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{3})+\.\d{1,2}(?![\d.])")
_STRAY = frozenset(".,'`。，‘’")


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Lower scores and drop stray bullets; the step of the chain."""
    margin = sheet.margin(settings)
    readings = []
    for reading, quad in sheet.lines():
        doubted = doubt_numbers(reading, settings)
        if not reads_vertically(quad, margin):
            height, width = quad_size(quad)
            doubted = without_bullet(doubted, width / max(height, 1e-6), settings)
        readings.append(doubted)
    return sheet.having(readings=tuple(readings))


def doubt_numbers(reading: Reading, settings: Settings) -> Reading:
    """Lower the score of a reading with an amount that has two points."""
    if not _TWO_POINTS.search(reading.text):
        return reading
    return reading._replace(score=min(reading.score, settings.doubt.number_score))


def without_bullet(reading: Reading, length: float, settings: Settings) -> Reading:
    """Take a stray mark from a line's beginning, where white parts it from the text.

    Args:
        reading: Of the line.
        length: Of the line in its heights.
        settings: Of all steps.
    """
    text, spans = reading.text, reading.char_spans
    if len(text) < 3 or text[0] not in _STRAY or len(spans) != len(text):
        return reading
    following = next(i for i in range(1, len(text) + 1) if i == len(text) or text[i] != " ")
    if following == len(text) or text[following] in _STRAY or text[following].isdigit():
        return reading
    distance = (sum(spans[following]) - sum(spans[0])) / 2 * length
    if distance < settings.doubt.bullet_gap:
        return reading
    scores = reading.char_scores[following:]
    return Reading(text[following:], sum(scores) / len(scores), scores, spans[following:])
