"""Drop what the detector is unsure of and nobody can read, and rows of dots or dashes, which are rules."""

from __future__ import annotations

from dataclasses import replace

from common.roles import Reading
from ocr.settings import Accept, Settings
from ocr.sheet import Models, Sheet

RULE_MARKS = frozenset(".·…,'-–—_=~*")
"""What rules and frames of a page are read as."""


def drop_unlikely(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Drop lines that neither the detector nor the recognizer is sure of; a step of the chain."""
    if sheet.single_line:
        return sheet  # that there is a line, the caller says
    readings = enumerate(zip(sheet.scores.tolist(), sheet.readings, strict=True))
    return sheet.picked([i for i, each in readings if is_likely(*each, settings.accept)])


def is_likely(score: float, reading: Reading, settings: Accept) -> bool:
    """Whether a detector with this score, or a recognizer with this reading, is sure of a line."""
    return score >= settings.min_detection_score or reading.score >= settings.min_reading_score


def readable_alone(settings: Accept) -> Accept:
    """The settings for reading certain characters alone: that there is text does not say that it is of these."""
    return replace(settings, min_detection_score=2.0)  # more than any


def drop_rules(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Drop lines that are rules; a step of the chain."""
    readings = enumerate(sheet.readings)
    return sheet.picked([i for i, each in readings if not is_rule(each.text, settings.accept)])


def is_rule(text: str, settings: Accept) -> bool:
    """Whether a line is a row of dots or dashes alone: a rule or a frame of the page, no text."""
    marks = [character for character in text if not character.isspace()]
    return len(marks) >= settings.min_rule and RULE_MARKS.issuperset(marks)
