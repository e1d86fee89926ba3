"""Tell bullets of lists that were read as letters by their shape, and remove them, since nobody knows which they were.

A solid square or disc well before a line's text is no letter, however surely it was read as one (▪ as m).
"""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Floats, Image
from common.quads import crop, quad_size
from common.roles import Reading
from ocr.special_settings import Plausibility

BULLETS = frozenset("•·●○■□◆◇▪►▲△★☆✓√✔‣◦-–—*+")
"""Marks that stay: they were read as what begins an item."""


def second_character(reading: Reading, length: float, settings: Plausibility) -> int | None:
    """The first character of the text behind a mark that white parts from it; None where there is none such.

    Args:
        reading: Of a line.
        length: Of the line in its heights.
        settings: Of the step.
    """
    text, spans = reading.text, reading.char_spans
    if len(text) < 3 or len(spans) != len(text):
        return None
    following = next((i for i in range(1, len(text)) if text[i] != " "), None)
    if following is None:
        return None
    distance = (sum(spans[following]) - sum(spans[0])) / 2 * length
    return following if distance >= settings.bullet_gap else None


def without_first(reading: Reading, following: int) -> Reading:
    """A reading from one of its characters on."""
    scores = reading.char_scores[following:]
    score = sum(scores) / max(len(scores), 1)
    return Reading(reading.text[following:], score, scores, reading.char_spans[following:])


def without_solid_mark(
    reading: Reading, image: Image, quad: Floats, margin: float, settings: Plausibility
) -> Reading:
    """Take a character from a line's beginning that is a solid mark on the picture.

    A mark that the recognizer passed over is no reason to take the character behind it.

    Args:
        reading: Of the line.
        image: (H, W, 3) uint8 RGB.
        quad: (4, 2) the line on it.
        margin: Share of its height by which it was grown on every side before it was read.
        settings: Of the step.
    """
    height, width = quad_size(quad)
    length = width / max(height, 1e-6)
    following = second_character(reading, length, settings)
    if following is None or reading.text[0] in BULLETS:
        return reading
    end = end_of_solid(crop(image, quad), settings)
    if end is None:
        return reading
    grown = margin / max(length, 1e-6)
    middle = sum(reading.char_spans[0]) / 2 * (1 + 2 * grown) - grown
    return without_first(reading, following) if middle <= end else reading


def end_of_solid(line: Image, settings: Plausibility) -> float | None:
    """Find a small solid mark with white behind it, before anything else in a crop (H, W, 3) of a line.

    Returns:
        The middle of that white as a share of the crop's width; None where no such mark is.
    """
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    ink = dark if dark.mean() <= 0.5 else 1 - dark
    rows = np.flatnonzero(ink.any(axis=1))
    columns = np.flatnonzero(ink.any(axis=0))
    steps = np.flatnonzero(np.diff(columns) > 1)
    if not len(steps):
        return None
    left, right = int(columns[0]), int(columns[steps[0]]) + 1
    white = int(columns[steps[0] + 1]) - right
    height = int(rows[-1] - rows[0] + 1)
    own = np.flatnonzero(ink[:, left:right].any(axis=1))
    top, bottom = int(own[0]), int(own[-1]) + 1
    high, wide = bottom - top, right - left
    fill = float(ink[top:bottom, left:right].mean())
    is_mark = (
        fill >= settings.bullet_fill
        and min(high, wide) >= settings.bullet_aspect * max(high, wide)
        and settings.min_bullet * height <= high <= settings.max_bullet * height
        and white >= settings.bullet_white * height
    )
    return (right + white / 2) / ink.shape[1] if is_mark else None
