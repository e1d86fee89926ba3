"""Read weak lines again upside down: a page may have blocks of both ways up.

Chinese on its head reads badly. Latin letters are others then (e and a, n and u, d and p), and a whole line of
them may score .94, which many upright lines do not reach. Of these the weakest are tried; where one is upside down,
all are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.characters import is_han
from common.roles import Reading
from ocr.line.characters import reads_vertically
from ocr.settings import Settings
from ocr.sheet import Models, Sheet
from ocr.special_settings import UpsideDown


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Read weak lines turned by 180 degrees; the step of the chain. Their boxes begin at the text's own top left."""
    own, margin = settings.upside_down, sheet.margin(settings)
    if sheet.single_line:
        return sheet
    horizontal = [
        i
        for i, (reading, quad) in enumerate(sheet.lines())
        if len(reading.text) >= own.min_characters and not reads_vertically(quad, margin)
    ]
    weak = [i for i in horizontal if sheet.readings[i].score < own.below_score]
    doubtful = _weakest_first(sheet.readings, horizontal, own)
    turned = _turned(sheet, models, weak + doubtful[: own.probes], own)
    if turned:
        turned |= _turned(sheet, models, doubtful[own.probes :], own)
    if not turned:
        return sheet
    readings, crops, quads = list(sheet.readings), list(sheet.crops), sheet.quads.copy()
    for i, reading in turned.items():
        readings[i] = reading
        crops[i] = np.ascontiguousarray(np.rot90(crops[i], 2))
        quads[i] = np.roll(quads[i], 2, axis=0)
    return sheet.having(readings=tuple(readings), crops=tuple(crops), quads=quads)


def _weakest_first(
    readings: Sequence[Reading], among: Sequence[int], settings: UpsideDown
) -> list[int]:
    """Lines of Latin letters that are not weak, yet may be upside down."""
    found = [
        i
        for i in among
        if settings.below_score <= readings[i].score < settings.latin_below_score
        and _is_latin(readings[i].text)
    ]
    return sorted(found, key=lambda i: readings[i].score)


def _turned(
    sheet: Sheet, models: Models, lines: Sequence[int], settings: UpsideDown
) -> dict[int, Reading]:
    """Readings of those lines that read better turned, by their numbers."""
    if not lines:
        return {}
    again = models.recognizer([np.ascontiguousarray(np.rot90(sheet.crops[i], 2)) for i in lines])
    return {
        i: reading
        for i, reading in zip(lines, again, strict=True)
        if _is_better(reading, sheet.readings[i], settings)
    }


def _is_latin(text: str) -> bool:
    """Whether a text is hardly of Han characters; one or two of them Latin letters on their head may look like."""
    return sum(map(is_han, text)) <= len(text) // 8


def _is_better(reading: Reading, before: Reading, settings: UpsideDown) -> bool:
    """Whether a line reads so much better turned that it is upside down; of a long one less is needed."""
    length = len(reading.text.strip())
    if (
        length >= settings.long_text
        and reading.score >= settings.long_score
        and reading.score >= before.score + settings.long_better_by
    ):
        return True
    least = max(settings.min_score, before.score + settings.better_by)
    return length >= settings.min_characters and reading.score >= least
