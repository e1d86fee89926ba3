"""Hold the thresholds by which text proposals become lines."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import StepSettings, setting


@dataclass(frozen=True)
class LineSettings(StepSettings):
    """Which proposals make a line, and how straight it is; gaps in heights of the line."""

    gap_ratio: float = setting(1.0, "Widest gap inside a line, in heights; a wider one divides", 0)
    max_reach: int = setting(
        12, "Cells of 16 pixels that a gap may span at most: bounds time on huge lettering", 2
    )
    min_overlap: float = setting(
        0.55, "Vertical overlap of neighbours, by the smaller height", 0, 1
    )
    min_size: float = setting(0.55, "Ratio of the heights of neighbours at least", 0, 1)
    merge_ratio: float = setting(
        0.8, "Widest gap, in heights, between lines that are joined last", 0
    )
    merge_offset: float = setting(
        0.3, "Vertical distance of their middle lines where they meet, in heights at most", 0
    )
    slope_noise: float = setting(
        0.5,
        "How hard short lines lean on the page's slope: error of an edge in heights over that of a slope",
        0,
    )
    taper_noise: float = setting(
        2.0, "The same for the growth of a line's height, which perspective makes small", 0
    )
    max_slope: float = setting(
        1.0, "Steepest line, 1 is 45 degrees: beyond, proposals no longer describe text", 0
    )
    min_slope_proposals: int = setting(
        4,
        "Proposals of a line that has a say in the page's slope: the ends of shorter ones jump",
        2,
    )
    max_page_slope: float = setting(
        0.5, "Steepest page, beyond which short lines do not follow it", 0
    )
