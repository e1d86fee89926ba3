"""Readings of lines in; the same, with the dots of their leaders counted in the picture.

A table of contents leads from a title to its page number by a row of dots. CTC counts alike characters poorly: two
of them need a column without any between them, and dots stand closer than that. They are counted as what they are in
the picture, specks of one size at one distance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image
from common.roles import Reading
from ocr.line.characters import reads_vertically
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

LEADER = re.compile(r"[.·…‥]+(?: *[.·…‥]+)*")
"""Dots as they are read, spaces among them."""

FEWEST = 8
"""Dots from which a row leads somewhere; fewer are counted well by the recognizer, or are no leader."""

LESS, MORE = 0.8, 2.0
"""Shares of the reading's dots within which a count is believed: CTC loses many and invents few; a row with a
blot in it falls in two, of which the longer is counted."""

_DOTS = {"…": 3, "‥": 2}
_FINER = 3  # times: dots may be two pixels wide and one apart; enlarged, they part
_SAME_SIZE = 2.5  # a dot's area against the usual one, either way
_SAME_STEP = 0.35  # a distance's difference from the usual one, in shares of it


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Count the dots of leaders; the step of the chain."""
    if sheet.single_line:
        return sheet
    margin = sheet.margin(settings)
    return sheet.having(
        readings=tuple(
            reading if reads_vertically(quad, margin) else count(reading, crop)
            for crop, (reading, quad) in zip(sheet.crops, sheet.lines(), strict=True)
        )
    )


def count(reading: Reading, crop: Image) -> Reading:
    """Count the dots of a reading's leaders.

    Args:
        reading: Of `crop`.
        crop: (H, W, 3) uint8, an upright line as it was cut out.

    Returns:
        The reading with as many dots as are seen; as it was where they cannot be told one from another.
    """
    text, spans = reading.text, reading.char_spans
    if len(spans) != len(text):
        return reading
    for found in reversed(list(LEADER.finditer(text))):
        first, last = found.span()
        read = sum(_DOTS.get(c, 1) for c in found.group() if c != " ")
        if read < FEWEST:
            continue
        middles = _dots(crop, *_reach(spans, first, last))
        if not max(FEWEST, LESS * read) <= len(middles) <= MORE * read:
            continue
        reading = _replaced(reading, first, last, middles)
    return reading


def _reach(spans: Sequence[tuple[float, float]], first: int, last: int) -> tuple[float, float]:
    """From where to where characters `first` to `last` may reach: to the middles of their neighbours."""
    start = sum(spans[first - 1]) / 2 if first else 0.0
    stop = sum(spans[last]) / 2 if last < len(spans) else 1.0
    return start, stop


def _replaced(reading: Reading, first: int, last: int, middles: Floats) -> Reading:
    """Put dots in the place of the characters `first` to `last`, as sure as those were in the mean."""
    sure = float(np.mean(reading.char_scores[first:last]))
    dot = reading.text[first]
    dot = "." if dot in _DOTS else dot
    scores = (*reading.char_scores[:first], *[sure] * len(middles), *reading.char_scores[last:])
    spans = (
        *reading.char_spans[:first],
        *((float(x), float(x)) for x in middles),
        *reading.char_spans[last:],
    )
    text = reading.text[:first] + dot * len(middles) + reading.text[last:]
    return Reading(text, reading.score, scores, spans)


def _dots(crop: Image, start: float, stop: float) -> Floats:
    """Middles, in shares of the crop's width, of the longest row of dots between two places."""
    height, width = crop.shape[:2]
    left, right = int(start * width), int(np.ceil(stop * width))
    if right - left < FEWEST:  # or less than nothing: attention may have looked back
        return np.zeros(0, np.float32)
    grey = cv2.cvtColor(crop[:, left:right], cv2.COLOR_RGB2GRAY)
    if np.median(grey) > (float(grey.min()) + float(grey.max())) / 2:
        grey = 255 - grey
    grey = cv2.resize(grey, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_CUBIC)
    _, ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    _, _, stats, centers = cv2.connectedComponentsWithStats(ink, connectivity=4)
    stats, centers = stats[1:], centers[1:]
    small = (stats[:, cv2.CC_STAT_HEIGHT] < _FINER * height / 3) & (
        stats[:, cv2.CC_STAT_WIDTH] < _FINER * height / 3
    )
    stats, centers = stats[small], centers[small]
    if len(stats) < FEWEST:
        return np.zeros(0, np.float32)
    area = stats[:, cv2.CC_STAT_AREA] / np.median(stats[:, cv2.CC_STAT_AREA])
    row = np.abs(centers[:, 1] - np.median(centers[:, 1])) < _FINER * height / 8
    alike = (area < _SAME_SIZE) & (area > 1 / _SAME_SIZE) & row
    places = np.sort(centers[alike, 0])
    return np.asarray((left + _longest(places) / _FINER) / width, np.float32)


def _longest(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the longest run of places that stand at the usual distance from each other."""
    if len(places) < 2:
        return places
    steps = np.diff(places)
    usual = np.median(steps)
    breaks = np.flatnonzero(np.abs(steps - usual) > _SAME_STEP * usual) + 1
    return max(np.split(places, breaks), key=len)
