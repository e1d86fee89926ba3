"""Order the lines of an upright page as a person reads them.

The page's skew is taken out first. A page is then read in rows, left to right, unless a gutter
parts lines of running text into columns, which are read one after the other. Pages of vertical
writing go through the same steps turned by 90 degrees, which reads their columns right to left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Quads
from common.quads import VERTICAL_RATIO, weighted_median
from ocr.settings import Order, Settings
from ocr.sheet import Models, Sheet

Indices = NDArray[np.intp]


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Put the lines in reading order; the step of the chain."""
    return sheet.picked(reading_order(sheet.quads, settings.order))


def reading_order(quads: Quads, settings: Order) -> Indices:
    """Return the indices of the quads (M, 4, 2) in reading order, each once; none for none."""
    quads = np.asarray(quads, np.float32).reshape(-1, 4, 2)
    if len(quads) < 2:
        return np.arange(len(quads))
    boxes = level_boxes(quads, settings.direction_noise)
    return np.array(_order(boxes, np.arange(len(boxes)), settings), np.intp)


def level_boxes(quads: Quads, noise: float = Order.direction_noise) -> Boxes:
    """Boxes (M, 4) of an upright page's quads (M, 4, 2) on a page without skew whose lines run to the right.

    `noise` is what a line's ends are up and down by chance, as a share of its height.
    A page of vertical writing is turned, so that its columns become rows, the rightmost one the uppermost.
    """
    quads = np.asarray(quads, np.float32).reshape(-1, 4, 2)
    boxes = _bounds(_deskewed(quads, skew(quads, noise)))
    if _is_vertical(boxes):
        # A quarter turn counter-clockwise: columns from the right become rows from the top.
        x0, y0, x1, y1 = boxes.T
        boxes = np.stack([y0, -x1, y1, -x0], axis=1)
    return np.asarray(boxes, np.float32)


def skew(quads: Quads, noise: float = Order.direction_noise) -> float:
    """Radians by which the page's lines fall to the right, between -pi/4 and pi/4; 0 where that may be chance.

    On a picture of 4000 pixels, half a degree between a few short texts moves the last by more than its height.
    """
    along = (quads[:, 1] + quads[:, 2] - quads[:, 0] - quads[:, 3]) / 2
    down = (quads[:, 3] + quads[:, 2] - quads[:, 0] - quads[:, 1]) / 2
    lengths, heights = np.linalg.norm(along, axis=1), np.linalg.norm(down, axis=1)
    sides = np.where((lengths >= heights)[:, None], along, down)
    long, short = np.maximum(lengths, heights), np.minimum(lengths, heights)
    # The direction of a short line is mostly noise.
    weights = np.where(long >= 2 * short, long, 0)
    if weights.sum() <= 0:
        return 0.0
    angles = np.arctan2(sides[:, 1], sides[:, 0])
    fall = weighted_median((angles + np.pi / 4) % (np.pi / 2) - np.pi / 4, weights)
    chance = noise * np.linalg.norm(weights * short / np.maximum(long, 1e-6)) / weights.sum()
    return fall if abs(fall) > chance else 0.0


def _deskewed(quads: Quads, angle: float) -> Quads:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]], np.float32)
    return np.asarray(quads @ turn, np.float32)


def _bounds(quads: Quads) -> Boxes:
    """Boxes (M, 4) through the middles of the quads' sides, which a slight slant leaves narrow."""
    middles = (quads + np.roll(quads, -1, axis=1)) / 2
    return np.concatenate([middles.min(axis=1), middles.max(axis=1)], axis=1)


def _is_vertical(boxes: Boxes) -> bool:
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    columns = int((heights >= VERTICAL_RATIO * widths).sum())
    return columns > int((widths >= VERTICAL_RATIO * heights).sum())


def _order(boxes: Boxes, subset: Indices, settings: Order) -> list[int]:
    """Order a subset of the boxes: by columns where there are any, else by rows."""
    for gutter in _gutters(boxes[subset], settings):
        segments = _segments(boxes, subset, gutter, settings)
        in_columns = sum(len(lines) for columns, lines in segments if columns)
        if in_columns < settings.min_column_share * len(subset):
            continue
        result: list[int] = []
        for columns, lines in segments:
            parts = _sides(boxes, lines, gutter) if columns else (lines,)
            for part in parts:
                result += _order(boxes, part, settings)
        return result
    return _by_rows(boxes, subset, settings)


def _gutters(boxes: Boxes, settings: Order) -> list[float]:
    """Positions x with enough lines on both sides, those that cross the fewest lines first."""
    if len(boxes) < 2 * settings.min_column_rows:
        return []
    places = np.unique(boxes[:, 2])
    nearest = np.array([_next_start(boxes, x) for x in places], np.float32)
    places = np.unique((places + nearest) / 2)
    x0, x1 = boxes[None, :, 0], boxes[None, :, 2]
    left = (x1 <= places[:, None]).sum(axis=1)
    right = (x0 >= places[:, None]).sum(axis=1)
    crossing = len(boxes) - left - right
    usable = np.minimum(left, right) >= np.maximum(settings.min_column_rows, crossing // 2)
    # Places that part the lines alike are one gutter.
    usable[1:] &= (np.diff(left) != 0) | (np.diff(right) != 0)
    ranked = np.lexsort((-np.minimum(left, right), crossing))
    return [float(places[i]) for i in ranked if usable[i]][: settings.max_gutters]


def _next_start(boxes: Boxes, x: float) -> float:
    """The nearest left edge at or right of x, or x itself."""
    starts = boxes[boxes[:, 0] >= x, 0]
    return float(starts.min()) if len(starts) else x


def _segments(
    boxes: Boxes, subset: Indices, gutter: float, settings: Order
) -> list[tuple[bool, Indices]]:
    """Cut a subset from top to bottom into (whether columns part at the gutter, lines)."""
    middles = boxes[subset, 1] + boxes[subset, 3]
    ranked = subset[np.lexsort((boxes[subset, 0], middles))]
    crossing = (boxes[ranked, 0] < gutter) & (boxes[ranked, 2] > gutter)
    pieces: list[tuple[bool, Indices]] = []
    start = 0
    for stop in [*np.flatnonzero(crossing).tolist(), len(ranked)]:
        band = ranked[start:stop]
        whole = _are_columns(boxes, band, gutter, settings)
        for piece in [band] if whole else _split_at_gaps(boxes, band):
            pieces.append((_are_columns(boxes, piece, gutter, settings), piece))
        pieces.append((False, ranked[stop : stop + 1]))
        start = stop + 1
    merged: list[tuple[bool, Indices]] = []
    for columns, lines in pieces:
        if not len(lines):
            continue
        if merged and merged[-1][0] == columns:
            lines = np.concatenate([merged.pop()[1], lines])
        merged.append((columns, lines))
    return merged


def _split_at_gaps(boxes: Boxes, ranked: Indices) -> list[Indices]:
    """Cut lines, sorted from the top, where a gap as high as a line goes across all of them."""
    if not len(ranked):
        return []
    tops, bottoms = boxes[ranked, 1], boxes[ranked, 3]
    line = float(np.median(bottoms - tops))
    reached = np.maximum.accumulate(bottoms)
    following = np.minimum.accumulate(tops[::-1])[::-1]
    return np.split(ranked, np.flatnonzero(following[1:] - reached[:-1] >= line) + 1)


def _sides(boxes: Boxes, lines: Indices, gutter: float) -> tuple[Indices, Indices]:
    is_left = boxes[lines, 2] <= gutter
    return lines[is_left], lines[~is_left]


def _are_columns(boxes: Boxes, lines: Indices, gutter: float, settings: Order) -> bool:
    """Whether lines beside a gutter are columns of text rather than cells of common rows."""
    left, right = _sides(boxes, lines, gutter)
    if min(len(left), len(right)) < settings.min_column_rows:
        return False
    line = float(np.median(boxes[lines, 3] - boxes[lines, 1]))
    if boxes[right, 0].min() - boxes[left, 2].max() < settings.min_gutter * line:
        return False
    sides = [_without_numbers(boxes[side], line, settings) for side in (left, right)]
    running = [_is_running_text(side, line, settings) for side in sides]
    return all(running) or (any(running) and _are_apart(sides, line, settings))


def _without_numbers(boxes: Boxes, line: float, settings: Order) -> Boxes:
    """The boxes of a column without the numbers of its lines in its left margin."""
    widths = boxes[:, 2] - boxes[:, 0]
    is_text = widths >= settings.min_column_width * line
    if not is_text.any():
        return boxes
    # A few lines may hang out, or be joined with their number by the detector.
    edge = float(np.quantile(boxes[is_text, 0], 0.1))
    is_kept = (widths > settings.max_number_width * line) | (boxes[:, 2] > edge)
    return np.asarray(boxes[is_kept], np.float32)


def _are_apart(sides: Sequence[Boxes], line: float, settings: Order) -> bool:
    """Whether two sides, one of them running text, are as long and wide as columns and keep no common rows.

    So is a column with a table or a picture's labels in it, beside a column of text.
    """
    middles = []
    for boxes in sides:
        numbers = _row_numbers(boxes, settings)
        middles.append(np.bincount(numbers, boxes[:, 1] + boxes[:, 3]) / 2 / np.bincount(numbers))
    few, many = sorted(middles, key=len)
    narrow, wide = sorted(np.ptp(boxes[:, [0, 2]]) for boxes in sides)
    if len(few) < settings.min_column_rows or 2 * len(few) < len(many) or 2 * narrow < wide:
        return False
    distances = np.abs(few[:, None] - many).min(axis=1)
    return bool((distances <= settings.level * line).mean() <= settings.max_common_rows)


def _is_running_text(boxes: Boxes, line: float, settings: Order) -> bool:
    """Whether rows are as wide as their column and have no holes, as wrapped text has none."""
    numbers = _row_numbers(boxes, settings)
    count = int(numbers.max()) + 1
    if count < settings.min_column_rows:
        return False
    starts, ends = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(starts, numbers, boxes[:, 0])
    np.maximum.at(ends, numbers, boxes[:, 2])
    inked = np.bincount(numbers, boxes[:, 2] - boxes[:, 0])
    extents = np.maximum(ends - starts, 1e-6)
    return bool(
        np.median(extents)
        >= max(settings.min_column_width * line, settings.min_fill * (ends.max() - starts.min()))
        and np.quantile(inked / extents, 0.2) >= settings.min_coverage
    )


def _by_rows(boxes: Boxes, subset: Indices, settings: Order) -> list[int]:
    """A subset in rows from the top, each from left to right; before or after them columns at the side of several."""
    # In one order whatever order the boxes came in, so that ties fall alike.
    subset = subset[np.lexsort(tuple(boxes[subset].T))]
    found = {i: _beside(boxes, i, subset, settings) for i in subset.tolist()}
    aside = {i: rows for i, rows in found.items() if rows is not None}
    within = np.array([i for i in found if i not in aside], np.intp)
    numbers = _row_numbers(boxes[within], settings)
    middles = boxes[within, 1] + boxes[within, 3]
    row_middles = np.bincount(numbers, middles) / np.bincount(numbers)
    columns = boxes[within, 0] + boxes[within, 2]
    # Two rows may have one height; their numbers keep them apart.
    ranked = np.lexsort((columns, numbers, row_middles[numbers]))
    breaks = np.flatnonzero(np.diff(numbers[ranked])) + 1
    rows = np.split(within[ranked], breaks)
    order = [index for row in rows for index in _couplets_reversed(boxes, row.tolist(), settings)]
    for index in sorted(aside, key=lambda i: -boxes[i, 0]):
        left, lines = aside[index]
        places = [order.index(line) for line in lines]
        order.insert(min(places) if left else max(places) + 1, index)
    return order


def _beside(
    boxes: Boxes, index: int, subset: Indices, settings: Order
) -> tuple[bool, list[int]] | None:
    """Whether a tall box stands at the left of several rows, not at their right, and these; None if at neither."""
    x0, y0, x1, y1 = boxes[index]
    if y1 - y0 < settings.couplet_ratio * (x1 - x0):
        return None
    widths, heights = (boxes[subset, 2:] - boxes[subset, :2]).T
    middles = (boxes[subset, 1] + boxes[subset, 3]) / 2
    rows = subset[(widths > heights) & (middles > y0) & (middles < y1)]
    levels = (boxes[rows, 1] + boxes[rows, 3]) / 2
    if len(rows) < 2 or np.ptp(levels) < np.median(boxes[rows, 3] - boxes[rows, 1]):
        return None
    if x1 <= boxes[rows, 0].min():
        return True, rows.tolist()
    return (False, rows.tolist()) if x0 >= boxes[rows, 2].max() else None


def _row_numbers(boxes: Boxes, settings: Order) -> Indices:
    """For each box the number, from 0, of the row it is in."""
    follower = _followers(boxes, settings).tolist()
    numbers = np.full(len(boxes), -1, np.intp)
    starts = sorted(set(range(len(boxes))) - set(follower))
    for number, start in enumerate(starts):
        current = start
        while current >= 0:
            numbers[current] = number
            current = follower[current]
    return numbers


def _followers(boxes: Boxes, settings: Order) -> Indices:
    """For each box the next one in its row, or -1; each box follows at most one."""
    x0, y0, x1, y1 = (boxes[:, i] for i in range(4))
    heights = np.maximum(y1 - y0, 1e-6)
    middles = (x0 + x1) / 2
    shared = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    same_row = shared >= settings.row_overlap * np.minimum(heights[:, None], heights)
    ahead = middles - middles[:, None]
    # Boxes one above the other overlap in x; beside each other they hardly do.
    beside = ahead > np.minimum((x1 - x0)[:, None], x1 - x0) / 2
    distance = np.where(same_row & beside, ahead, np.inf)
    nearest_right, nearest_left = distance.argmin(axis=1), distance.argmin(axis=0)
    own = np.arange(len(boxes))
    mutual = np.isfinite(distance[own, nearest_right]) & (nearest_left[nearest_right] == own)
    return np.where(mutual, nearest_right, -1).astype(np.intp)


def _couplets_reversed(boxes: Boxes, row: list[int], settings: Order) -> list[int]:
    """The row with each run of vertical lines in it read from the right."""
    widths, heights = (boxes[row, 2:] - boxes[row, :2]).T
    vertical = heights >= settings.couplet_ratio * widths
    if not vertical.any():
        return row
    result: list[int] = []
    run: list[int] = []
    for index, is_vertical in zip(row, vertical, strict=True):
        if is_vertical:
            run.insert(0, index)
        else:
            result, run = [*result, *run, index], []
    return [*result, *run]
