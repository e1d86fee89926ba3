"""At which sizes to look at a picture: once small to see how large the text is, once to find it.

A network at stride 16 finds lines of about 20 pixels best. An A4 scan and a photograph of five
words reach that at very different sizes, so the first look decides the second.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from common.arrays import Floats

MAX_ASPECT = 2.5
"""A picture longer than this many short sides is a strip, and judged by a part of this shape."""


FULL = 100
"""Strips in a first look from which a page is full of text. Where there are fewer, some may be too small to see."""


class Limits(NamedTuple):
    """Bounds of the sizes worked at, in pixels along the long side unless said otherwise."""

    look_side: int = 640
    """Of the first look."""
    usual_side: int = 1280
    """Of the second on a page full of text that is at least `least_height` high there."""
    max_side: int = 1600
    """Of the second."""
    least_height: float = 16.0
    """Pixels of height, not along the long side, from which lines of such a page are found as well as larger ones."""
    enlarge: float = 3.0
    """Most that a picture is enlarged."""
    max_pixels: int = 24_000_000
    """Of a whole resized picture, which bounds memory for very long ones."""


def span(size: tuple[int, int]) -> float:
    """Long side of a picture, or of one screenful of it where it is a long strip."""
    return min(float(max(size)), MAX_ASPECT * min(size))


def _bounded(scale: float, size: tuple[int, int], limits: Limits) -> float:
    most = min(limits.enlarge, math.sqrt(limits.max_pixels / (size[0] * size[1])))
    return min(scale, most)


def look_scale(size: tuple[int, int], limits: Limits) -> float:
    """Factor of the first look: shrink large pictures, enlarge tiny ones, leave the rest."""
    long = span(size)
    # A crop of a few characters shows them large enough only when enlarged.
    scale = min(max(1.0, limits.look_side / 2 / long), limits.look_side / long)
    return _bounded(scale, size, limits)


def working_scale(
    heights: Floats,
    size: tuple[int, int],
    look: float,
    text_height: float,
    limits: Limits,
    least_side: int = 0,
) -> float:
    """Factor of the second look.

    Args:
        heights: of the strips found in the first look, in pixels of that look; may be empty.
        size: (height, width) of the picture.
        look: factor of the first look.
        text_height: pixels that the text should have.
        limits: bounds.
        least_side: pixels that the long side should have at least, where the picture itself has as many.

    Returns:
        A factor near `look` when there is nothing to gain from a second look.
    """
    long = span(size)
    # The small text decides, short of outliers: too large is still found, too small is not.
    typical = float(np.percentile(heights, 35)) / look if len(heights) else 0.0
    wanted = text_height / typical if typical else limits.max_side / long
    least = max(look, min(1.0, least_side / long))
    most = limits.max_side / long if len(heights) else min(1.0, limits.max_side / long)
    if len(heights) >= FULL:
        most = min(most, max(limits.usual_side / long, limits.least_height / typical))
    return _bounded(max(least, min(wanted, most)), size, limits)
