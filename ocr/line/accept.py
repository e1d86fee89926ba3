"""Drop what the detector is unsure of and nobody can read, and rows of dots or dashes, which are rules."""

from __future__ import annotations

from ocr.settings import Accept, Settings
from ocr.sheet import Models, Sheet

RULE_MARKS = frozenset(".·…,'-–—_=~*")
"""What rules and frames of a page are read as."""


def drop_unlikely(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Drop lines that neither the detector nor the recognizer is sure of; a step of the chain."""
    own = settings.accept
    return sheet.picked(
        [
            i
            for i, (score, reading) in enumerate(zip(sheet.scores, sheet.readings, strict=True))
            if score >= own.min_detection_score or reading.score >= own.min_reading_score
        ]
    )


def drop_rules(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Drop lines that are rules; a step of the chain."""
    readings = enumerate(sheet.readings)
    return sheet.picked([i for i, each in readings if not is_rule(each.text, settings.accept)])


def is_rule(text: str, settings: Accept) -> bool:
    """Whether a line is a row of dots or dashes alone: a rule or a frame of the page, no text."""
    marks = [character for character in text if not character.isspace()]
    return len(marks) >= settings.min_rule and RULE_MARKS.issuperset(marks)
