"""Hold the thresholds of special cases: lines upside down, implausible readings, seals. `ocr.settings` has them."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import StepSettings, setting


@dataclass(frozen=True)
class UpsideDown(StepSettings):
    """Lines upside down among upright ones are read turned by 180 degrees: a page may have blocks of both ways up."""

    below_score: float = setting(
        0.75, "Score of a reading below which it is tried; more costs", 0, 1
    )
    min_score: float = setting(0.8, "Score of the turned reading at least", 0, 1)
    better_by: float = setting(0.15, "By how much that is higher at least", 0, 1)
    min_characters: int = setting(4, "Characters of the turned reading at least", 1)
    latin_below_score: float = setting(
        0.95, "Score of a Latin line below which some are tried, the weakest first", 0, 1
    )
    probes: int = setting(2, "How many; all, where one of any kind is upside down", 0)
    long_text: int = setting(12, "Characters from which a line is long", 1)
    long_score: float = setting(0.95, "Score of a long one's turned reading at least", 0, 1)
    long_better_by: float = setting(0.05, "By how much that is higher at least", 0, 1)


@dataclass(frozen=True)
class Plausibility(StepSettings):
    """Implausible readings, as amounts with two points, get a low score; their text stays."""

    number_score: float = setting(0.5, "Score of an amount with two points at most", 0, 1)
    bullet_gap: float = setting(
        0.75, "Distance of a leading mark from the text, in heights, from which it is a bullet", 0
    )
    bullet_fill: float = setting(
        0.7,
        "Share of its box that the ink of a solid bullet takes: a large disc's has pi / 4",
        0,
        1,
    )
    bullet_aspect: float = setting(0.75, "Shorter side of a solid bullet by its longer one", 0, 1)
    min_bullet: float = setting(0.15, "Height of a solid bullet in that of its line at least", 0)
    max_bullet: float = setting(0.65, "The same at most: letters are higher", 0)
    bullet_white: float = setting(0.2, "White behind a solid bullet in heights at least", 0)


@dataclass(frozen=True)
class Seals(StepSettings):
    """Round and oval red seals are taken off the page before its lines are read, and read by themselves."""

    search_side: int = setting(640, "Long side in pixels at which rings are searched for", 64)
    min_red: int = setting(45, "Levels by which red ink is above green and blue", 1, 255)
    max_red_share: float = setting(0.2, "Share of the page in red up to which it may be ink", 0, 1)
    min_radius: float = setting(0.035, "Radius of a seal by the page's longer side at least", 0, 1)
    min_roundness: float = setting(
        0.85, "Share of its circle or ellipse that its outline takes at least", 0, 1
    )
    min_flatness: float = setting(
        0.5, "Short axis of an oval seal by the long one at least: a flatter one is a frame", 0, 1
    )
    max_tilt: float = setting(35.0, "Degrees by which its long axis is off level at most", 0, 90)
    min_around: float = setting(0.7, "Share of its rim that is inked at least", 0, 1)
    max_fill: float = setting(
        0.6, "Share of its inside that is inked at most: else it is a disc", 0, 1
    )
    ring_begin: float = setting(
        0.08, "Where a ring's text begins from the rim inwards, by half of the short axis", 0, 1
    )
    ring_end: float = setting(0.48, "Where it ends", 0, 1)
    min_score: float = setting(0.5, "Score of a reading from which it is a seal's text", 0, 1)
    max_score: float = setting(0.5, "Score that its text is given at most", 0, 1)
