"""Hold the thresholds of lines in doubt; `ocr.settings.Settings` has them as `turned` and `doubt`."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import StepSettings, setting


@dataclass(frozen=True)
class Turned(StepSettings):
    """Lines on their head among upright ones are read turned: a page may have blocks of both ways up."""

    below_score: float = setting(
        0.75, "Score of a reading below which it is tried; more costs", 0, 1
    )
    min_score: float = setting(0.8, "Score of the turned reading at least", 0, 1)
    better_by: float = setting(0.15, "By how much that is higher at least", 0, 1)
    min_characters: int = setting(4, "Characters of the turned reading at least", 1)


@dataclass(frozen=True)
class Doubt(StepSettings):
    """Readings that cannot be right get a low score; what they say stays."""

    number_score: float = setting(0.5, "Score of an amount with two points at most", 0, 1)
    bullet_gap: float = setting(
        0.75, "Distance of a leading point from the text, in heights, from which it is a bullet", 0
    )
