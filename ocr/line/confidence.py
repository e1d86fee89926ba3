"""Score each line by the probability that it was read exactly, in place of the mean over its characters."""

from __future__ import annotations

from common.roles import Reading
from ocr.settings import Settings
from ocr.sheet import Models, Sheet
from recognition.confidence import Confidence


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Score the lines; the step of the chain. A recognizer without fitted coefficients keeps its own scores."""
    if models.confidence is None:
        return sheet
    return sheet.having(
        readings=tuple(scored(reading, models.confidence) for reading in sheet.readings)
    )


def scored(reading: Reading, confidence: Confidence) -> Reading:
    """Return a reading with the probability of its text; where its characters have no scores, each has the line's."""
    if not reading.text:
        return reading
    known = len(reading.char_scores) == len(reading.text)
    scores = reading.char_scores if known else (reading.score,) * len(reading.text)
    return reading._replace(score=confidence(reading.text, scores))
