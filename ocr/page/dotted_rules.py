"""Find dotted and dashed rules: rows of small marks one close after the other, horizontal or vertical."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.page.grids import Mask
from ocr.table_settings import Tables


def with_dotted_rules(ink: Mask, rules: Mask, settings: Tables) -> Mask:
    """Add straight rows of dots or dashes to rules, drawn solid; of an area that dots shade, its edges.

    Characters are no marks, for they are thicker than a rule; their stems are longer than dots. So of text nothing
    stays but leaders and the like.

    Args:
        ink: (H, W) of the picture.
        rules: (H, W) the solid ones on it.
        settings: Of this step.

    Returns:
        (H, W); the rules themselves where there are no dotted ones.
    """
    side = max(ink.shape)
    thick = max(settings.max_dot, round(settings.max_dot_share * side))
    length = max(settings.min_rule, round(settings.min_rule_share * side))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=4)
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    dashes = high <= thick  # however long: of dots in two rows many touch
    dashes[0] = False  # the ground
    if not dashes.any() or not _are_rows(
        stats[dashes], thick, settings.min_dotted_share * ink.shape[1], settings
    ):
        return rules
    dots = (wide <= thick) & ((high <= 2 * thick) | (high >= length))
    drawn = dots.astype(np.uint8)[labels]
    shaded = _shaded(drawn, thick, length)
    level = _joined(dashes.astype(np.uint8)[labels], 0, thick, length)
    level = _grown(level & (1 - shaded))
    # Dots of level rules make no upright ones with those of characters between them.
    upright = _joined(drawn & (1 - level), 1, thick, 2 * length)
    both = rules | level | _grown(upright)
    # Marks that touch both a level and an upright rule are in neither.
    gap = np.ones((1, 3 * thick | 1), np.uint8)
    return np.asarray(cv2.morphologyEx(both, cv2.MORPH_CLOSE, gap), np.uint8)


def _are_rows(marks: NDArray[np.int32], thick: int, length: float, settings: Tables) -> bool:
    """Whether rows of marks, of OpenCV's statistics, run on over such a length: so little is to be done for most pages.

    Single small marks in rows, of which text and photographs are full, are not enough.
    """
    left, top, wide = (
        marks[:, column] for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH)
    )
    band = top // thick
    order = np.lexsort((left, band))
    band, left, right = band[order], left[order], (left + wide)[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (band[1:] != band[:-1]) | (left[1:] - right[:-1] > 3 * thick)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(order)) - 1
    long = right[last] - left[first] >= length
    return len(np.unique(band[first[long]])) > settings.min_bands


def _joined(marks: Mask, axis: int, thick: int, length: int) -> Mask:
    """Rows of marks along an axis (0 is level) without the white between them, of this length at least."""

    def kernel(along: int, across: int) -> Mask:
        shape = (across | 1, along | 1) if axis == 0 else (along | 1, across | 1)
        return np.ones(shape, np.uint8)  # odd sizes, which keep what is at the picture's edge

    joined = cv2.morphologyEx(marks, cv2.MORPH_CLOSE, kernel(3 * thick + 1, 1))
    joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, kernel(1, thick))
    lines = cv2.morphologyEx(joined, cv2.MORPH_OPEN, kernel(length, 1))
    # Where a mark is missing, or touches a character, a rule goes on.
    return np.asarray(cv2.morphologyEx(lines, cv2.MORPH_CLOSE, kernel(length, 1)), np.uint8)


def _shaded(dots: Mask, thick: int, length: int) -> Mask:
    """The inner parts of areas that dots fill, with the characters on them."""
    square = np.ones((2 * thick + 1, 2 * thick + 1), np.uint8)
    areas = cv2.morphologyEx(dots, cv2.MORPH_CLOSE, square)
    areas = cv2.morphologyEx(areas, cv2.MORPH_OPEN, square)
    areas = cv2.morphologyEx(areas, cv2.MORPH_CLOSE, np.ones((1, 3 * length | 1), np.uint8))
    outlines, _ = cv2.findContours(areas, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(areas, outlines, -1, 1, cv2.FILLED)
    return np.asarray(cv2.erode(areas, square), np.uint8)


def _grown(rules: Mask) -> Mask:
    """Rules as wide as those of `find_rules`."""
    return np.asarray(cv2.dilate(rules, np.ones((3, 3), np.uint8)), np.uint8)
