"""Read weak lines again upside down: a page may have blocks of both ways up."""

from __future__ import annotations

import numpy as np

from common.roles import Reading
from ocr.line.characters import reads_vertically
from ocr.settings import Settings
from ocr.sheet import Models, Sheet


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Read weak lines turned by 180 degrees; the step of the chain. Their boxes begin at the text's own top left."""
    own, margin = settings.upside_down, sheet.margin(settings)
    weak = [
        i
        for i, (reading, quad) in enumerate(sheet.lines())
        if reading.score < own.below_score
        and len(reading.text) >= own.min_characters
        and not reads_vertically(quad, margin)
    ]
    if sheet.single_line or not weak:
        return sheet
    again = models.recognizer([np.ascontiguousarray(np.rot90(sheet.crops[i], 2)) for i in weak])
    readings, crops, quads = list(sheet.readings), list(sheet.crops), sheet.quads.copy()
    for i, reading in zip(weak, again, strict=True):
        if not _is_better(reading, readings[i], settings):
            continue
        readings[i] = reading
        crops[i] = np.ascontiguousarray(np.rot90(crops[i], 2))
        quads[i] = np.roll(quads[i], 2, axis=0)
    return sheet.having(readings=tuple(readings), crops=tuple(crops), quads=quads)


def _is_better(reading: Reading, before: Reading, settings: Settings) -> bool:
    own = settings.upside_down
    return len(reading.text.strip()) >= own.min_characters and reading.score >= max(
        own.min_score, before.score + own.better_by
    )
