"""Search a page for columns of vertical writing where its rows read badly, and put them in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from common.arrays import Floats, Image, Quads, Scores
from common.characters import is_wide
from common.image import rotate_ccw
from common.quads import boxes_to_quads, coverage, is_column, quad_size, rotate_quads
from common.roles import Detector, Reading
from ocr.column_settings import Columns
from ocr.layout.reading_order import reading_order
from ocr.settings import Settings
from ocr.sheet import Models, Sheet, joined

Line = tuple[Reading, Floats]
"""A reading and its quad (4, 2)."""


def apply(
    sheet: Sheet, models: Models, settings: Settings, read: Callable[[Sheet], Sheet]
) -> Sheet:
    """Search for columns where rows read badly; the step of the chain.

    Args:
        sheet: a page that was read.
        models: of which the detector is asked.
        settings: of all steps.
        read: reads the lines of a page.
    """
    lines = list(sheet.lines())
    height, width = sheet.upright_size()
    if sheet.single_line or not should_search(lines, height * width, settings.columns):
        return sheet
    quads, scores = find(sheet.image, models.detector)
    found = read(sheet.having(quads=quads, scores=scores, readings=()))
    kept, taken = merge(lines, list(found.lines()), settings.columns)
    merged = joined([sheet.picked(kept), found.picked(taken)], sheet)
    return merged.picked(reading_order(merged.quads, settings.order))


def should_search(read: Sequence[Line], area: float, settings: Columns) -> bool:
    """Whether read lines tell of columns that may have been missed.

    That is so where one was found, as a column seldom comes alone, where a tall box was read badly that is thick
    beside the rows of the page (it may be two), where hardly anything on the page makes sense, where one line
    fills much of it, or where there are but single Chinese characters.

    Args:
        read: readings, each with its quad (4, 2).
        area: of the page in pixels.
        settings: of this step.
    """
    sizes = np.array([quad_size(quad) for _, quad in read], np.float32).reshape(-1, 2)
    scores, areas = np.array([reading.score for reading, _ in read]), sizes.prod(axis=1)
    if float((scores * areas).sum()) < settings.max_page_score * float(areas.sum()):
        return True
    if ((areas > settings.large_share * area) & (scores < settings.accept_score)).any():
        return True
    if _are_pieces(read, settings):
        return True
    tall = np.array([is_column(*size) for size in sizes.tolist()], np.bool_)
    row = float(np.median(sizes[~tall, 0])) if (~tall).any() else 0.0
    for i in np.flatnonzero(tall).tolist():
        reading = read[i][0]
        if sum(map(is_wide, reading.text)) > 1:
            return True
        if reading.score < settings.poor_score and sizes[i, 1] >= settings.min_thickness * row:
            return True
    return False


def find(image: Image, detect: Detector) -> tuple[Quads, Scores]:
    """Look for columns on an upright page: for rows on the page turned on its side.

    Args:
        image: (H, W, 3) uint8 RGB.
        detect: finds the rows of a picture.

    Returns:
        Quads (M, 4, 2), first the corner where a column begins at the upper left, and scores (M,).
    """
    turned = rotate_ccw(image, 90)
    quads, scores = detect(turned)
    back = rotate_quads(quads, 270, (turned.shape[0], turned.shape[1]))
    quads = np.roll(back, 1, axis=1)
    tall = np.array([is_column(*quad_size(quad)) for quad in quads], np.bool_)
    return quads[tall], np.asarray(scores)[tall]


def merge(
    lines: Sequence[Line], columns: Sequence[Line], settings: Columns
) -> tuple[list[int], list[int]]:
    """Put columns in the place of what was read of them before, where they bring more.

    Args:
        lines: of a page.
        columns: that were found there.
        settings: of this step.

    Returns:
        Indices of the lines that stay, and of the columns that join them.
    """
    taken: list[int] = []
    quads = np.array([quad for _, quad in lines], np.float32).reshape(-1, 4, 2)
    inside = np.zeros(len(lines), np.float32)
    for index in sorted(range(len(columns)), key=lambda i: -_evidence(columns[i][0])):
        reading, quad = columns[index]
        if reading.score < settings.min_score or len(reading.text.strip()) < 2:
            continue
        others = np.array([columns[i][1] for i in taken], np.float32).reshape(-1, 4, 2)
        if (coverage(quad[None], others) > settings.max_overlap).any():
            continue
        shares = coverage(quads, quad[None])[:, 0]
        replaced = [lines[i] for i in np.flatnonzero(shares > settings.max_replaced).tolist()]
        gain = settings.min_piece_gain if _are_pieces(replaced, settings) else settings.min_gain
        if _evidence(reading) > gain * _evidence_inside(lines, quads, quad):
            taken.append(index)
            inside += shares
    across = _columns_under(quads, [columns[i][1] for i in taken], settings)
    kept = []
    for i, ((reading, quad), share) in enumerate(zip(lines, inside, strict=True)):
        is_poor = reading.score < settings.poor_score or is_column(*quad_size(quad))
        if across[i] < 2 and share <= (
            settings.max_replaced_poor if is_poor else settings.max_replaced
        ):
            kept.append(i)
    return kept, taken


def _are_pieces(lines: Sequence[Line], settings: Columns) -> bool:
    """Whether lines are pieces of a column: parts of it, or single Chinese characters, three of them at least."""
    pieces = [
        (text, quad)
        for reading, quad in lines
        if any(map(str.isalnum, text := reading.text.strip()))
    ]
    parts = [
        any(map(is_wide, text)) and len(text) > 1 and is_column(*quad_size(quad))
        for text, quad in pieces
    ]
    single = [len(text) == 1 for text, _ in pieces]
    # A character alone is easily taken for a letter, or for a digit: most are not.
    letters = sum(not is_wide(text[0]) for text, _ in pieces)
    return (
        (len(pieces) > 2 or (len(pieces) > 1 and any(parts)))
        and all(part or one for part, one in zip(parts, single, strict=True))
        and letters <= settings.max_letters * len(pieces)
    )


def _evidence_inside(lines: Sequence[Line], quads: Quads, column: Floats) -> float:
    """Evidence of what was read inside a column (4, 2) in lines (M, 4, 2), where these lie on one another only once."""
    shares = coverage(quads, column[None])[:, 0]
    low = np.maximum(quads.min(axis=1), column.min(axis=0))
    inside = boxes_to_quads(np.hstack([low, np.minimum(quads.max(axis=1), column.max(axis=0))]))
    order = sorted(np.flatnonzero(shares > 0).tolist(), key=lambda i: -_evidence(lines[i][0]))
    total = 0.0
    for number, i in enumerate(order):
        seen = coverage(inside[i : i + 1], inside[order[:number]])
        total += float(shares[i]) * (1 - float(seen.max(initial=0.0))) * _evidence(lines[i][0])
    return total


def _columns_under(quads: Quads, columns: Sequence[Floats], settings: Columns) -> list[int]:
    """For each line, how many columns it covers the most of: one that covers several is none."""
    by = coverage(np.array(columns, np.float32).reshape(-1, 4, 2), quads)
    return [int(count) for count in (by > settings.max_replaced).sum(axis=0)]


def _evidence(reading: Reading) -> float:
    """Characters of a reading, each counted by its score."""
    return reading.score * len(reading.text.strip())
