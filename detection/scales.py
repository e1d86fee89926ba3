"""Choose the scales of a picture: a coarse pass shows how large the text is, a second one finds it.

A network of one stride finds lines of some heights best. An A4 scan and a photograph of five words reach them at very
different sizes, so the coarse pass decides the scale of the second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from common.arrays import Floats, Quads
from common.settings import StepSettings, setting

SAMPLE_LENGTH = 16.0
"""Pixels of a line's length for which its height counts once, as `detection.method.Lines` has it."""


@dataclass(frozen=True)
class ScaleSettings(StepSettings):
    """Bound the scales worked at. Lengths in pixels of the resized picture."""

    text_height: float = setting(24.0, "Height that the text should have in the second pass", 1)
    min_text_height: float = setting(
        16.0, "Height from which lines of a full page are found as well as larger ones", 1
    )
    coarse_side: int = setting(640, "Long side of the coarse pass", 16)
    usual_side: int = setting(
        1280,
        "Greatest long side of the second pass for a full page whose text is high enough there",
        16,
    )
    max_side: int = setting(1600, "The same for any other picture; more finds smaller text", 16)
    full_page: int = setting(
        100,
        "Samples of height in the coarse pass from which a page is full: fewer may be too small",
        0,
    )
    same_scale: float = setting(
        1.2, "A second pass less than so many times as large as the coarse one is left out", 1
    )
    another_scale: float = setting(
        1.5,
        "A third pass is made where the second shows text so small that it should be so many times as large",
        1,
    )
    lettering_height: float = setting(
        48.0,
        "Height of a line in the coarse pass from which one at half its size sees it better",
        1,
    )
    large_height: float = setting(
        120.0, "Height of a line in the second pass from which the coarse one sees it better", 1
    )
    fragment_coverage: float = setting(
        0.5, "Share of a fine pass's line inside a large one from which it is its fragment", 0, 1
    )
    fragment_thickness: float = setting(
        0.5, "The same of its height: small print inside large lettering stays", 0, 1
    )
    block_coverage: float = setting(
        0.15,
        "Share of a large line that thinner ones of a fine pass cover from which it is a block of lines",
        0,
        1,
    )
    max_aspect: float = setting(
        2.5, "Short sides from which a strip is judged by a part of this shape", 1
    )
    max_enlargement: float = setting(3.0, "Factor at most", 1)
    max_pixels: int = setting(
        24_000_000, "Pixels of a resized picture, which bounds memory for very long ones", 1024
    )
    height_percentile: float = setting(
        35.0,
        "Percentile of the heights that decides: too large is still found, too small is not",
        0,
        100,
    )


def span(size: tuple[int, int], max_aspect: float = ScaleSettings.max_aspect) -> float:
    """Return the long side of a picture, or of one screenful of it where it is a long strip."""
    return min(float(max(size)), max_aspect * min(size))


def _bounded(scale: float, size: tuple[int, int], settings: ScaleSettings) -> float:
    by_pixels = math.sqrt(settings.max_pixels / (size[0] * size[1]))
    return min(scale, settings.max_enlargement, by_pixels)


def coarse_scale(size: tuple[int, int], settings: ScaleSettings) -> float:
    """Return the factor of the coarse pass: shrink large pictures, enlarge tiny ones, leave the rest."""
    long = span(size, settings.max_aspect)
    # A crop of a few characters shows them large enough only when enlarged.
    scale = min(max(1.0, settings.coarse_side / 2 / long), settings.coarse_side / long)
    return _bounded(scale, size, settings)


def working_scale(
    heights: Floats,
    size: tuple[int, int],
    coarse: float,
    settings: ScaleSettings,
    min_side: int = 0,
) -> float:
    """Return the factor of the second pass; near `coarse` when there is nothing to gain from one.

    Args:
        heights: of the text found in the coarse pass, in pixels of that pass; may be empty.
        size: (height, width) of the picture.
        coarse: factor of the coarse pass.
        settings: bounds.
        min_side: pixels that the long side should have at least, where the picture itself has as many.
    """
    long = span(size, settings.max_aspect)
    # The small text decides, short of outliers: too large is still found, too small is not.
    typical = (
        float(np.percentile(heights, settings.height_percentile)) / coarse if len(heights) else 0.0
    )
    wanted = settings.text_height / typical if typical else settings.max_side / long
    least = max(coarse, min(1.0, min_side / long))
    most = settings.max_side / long if len(heights) else min(1.0, settings.max_side / long)
    if len(heights) >= settings.full_page:
        most = min(most, max(settings.usual_side / long, settings.min_text_height / typical))
    return _bounded(max(least, min(wanted, most)), size, settings)


def scale_for(quads: Quads, size: tuple[int, int], settings: ScaleSettings) -> float:
    """Return about the factor at which lines were found that are (M, 4, 2) on a picture of (height, width)."""
    coarse = coarse_scale(size, settings)
    heights = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1) * coarse
    lengths = np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1) * coarse
    samples = np.maximum(lengths / SAMPLE_LENGTH, 1).astype(np.intp)
    return working_scale(np.repeat(heights, samples).astype(np.float32), size, coarse, settings)
