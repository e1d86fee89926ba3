"""Lower the score of implausible readings, and remove what is no character: digits are never invented.

An amount with two points (70.269.42) has a comma read as one. A small mark well before a line's text is a bullet that
the recognizer does not know; it reads a full stop or an apostrophe there, which no line begins with. A comma at
the end of a Chinese line is the Chinese one.
"""

from __future__ import annotations

import re

from common.characters import is_han
from common.quads import quad_size
from common.roles import Reading
from ocr.line.bullets import second_character, without_first, without_solid_mark
from ocr.line.characters import reads_vertically
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

_TWO_POINTS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{3})+\.\d{1,2}(?![\d.])")
_LATIN_WORDS = re.compile(r"[A-Za-z0-9]+")
_STRAY = frozenset(".,'`。，‘’")


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Lower scores and drop stray bullets; the step of the chain."""
    margin = sheet.margin(settings)
    readings = []
    for reading, quad in sheet.lines():
        checked = with_full_comma(lower_amounts_of_two_points(reading, settings))
        if not reads_vertically(quad, margin):
            height, width = quad_size(quad)
            length = width / max(height, 1e-6)
            bare = without_bullet(checked, length, settings)
            # One mark a line: behind one that was taken away stands the text.
            if bare is checked:
                own = settings.plausibility
                bare = without_solid_mark(checked, sheet.image, quad, margin, own)
            checked = bare
        readings.append(checked)
    return sheet.having(readings=tuple(readings))


def lower_amounts_of_two_points(reading: Reading, settings: Settings) -> Reading:
    """Lower the score of a reading with an amount that has two points."""
    if not _TWO_POINTS.search(reading.text):
        return reading
    return reading._replace(score=min(reading.score, settings.plausibility.number_score))


def without_bullet(reading: Reading, length: float, settings: Settings) -> Reading:
    """Take a stray mark from a line's beginning, where white parts it from the text.

    Args:
        reading: Of the line.
        length: Of the line in its heights.
        settings: Of all steps.
    """
    following = second_character(reading, length, settings.plausibility)
    if following is None or reading.text[0] not in _STRAY:
        return reading
    if reading.text[following] in _STRAY or reading.text[following].isdigit():
        return reading
    return without_first(reading, following)


def with_full_comma(reading: Reading) -> Reading:
    """Write the comma that ends a Chinese line in full width: of its empty half nothing is left in the crop."""
    text = reading.text
    if text[-1:] != "," or not is_han(text[-2:-1]):
        return reading
    if sum(map(is_han, text)) < len(_LATIN_WORDS.findall(text)):
        return reading
    return reading._replace(text=text[:-1] + "，")
