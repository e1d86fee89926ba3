"""Hold the thresholds of the angle classifier that its weight files do not fix."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import StepSettings, setting


@dataclass(frozen=True)
class Patches(StepSettings):
    """Which patches of a page are looked at, and what they outweigh."""

    sides: tuple[int, ...] = setting(
        (1280, 640, 320),
        "Scales at which patches are cut: the side of a square page of as many pixels",
        1,
    )
    count: int = setting(8, "Patches of one page at most; more cost time", 1)
    outlier_probability: float = setting(
        0.02,
        "Probability that a patch says nothing of the page: it bounds what one can outweigh",
        0,
        1,
    )
    threshold: float = setting(0.6, "Score below which the page is said to be upright", 0, 1)
    spread: float = setting(
        0.9, "Distance of patches of one scale in their sides: less shows the same text again", 0.1
    )
    map_side: int = setting(
        640,
        "Scale at which patches are chosen, as in sides: strokes of 8-pixel text still show there",
        16,
    )
    soft_gradient: float = setting(
        24.0,
        "Gradient in grey levels a pixel that is half a stroke: less takes noise for strokes",
        0.1,
    )
    min_variance: float = setting(
        2e-4, "Variance of the map of strokes (0 to 1) in a patch below which it shows nothing", 0
    )
    line_heights: tuple[int, ...] = setting(
        (24, 48),
        "Heights in pixels of a line in the patches along it: more of the line, more of its strokes",
        1,
    )
    per_line: int = setting(2, "Patches along one line at one height at most; more cost time", 1)
