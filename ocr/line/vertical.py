"""Columns of vertical writing: read again with their characters upright, and looked for where one was read badly.

A column comes to the recognizer turned on its side. So it can tell where the characters stand, but it knows characters
that stand upright better: cut apart there and set side by side, they make a line like any other. What Latin letters
there are in a tall box mostly lie on their side, and as often run up as down: titles of axes, names on spines.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from common.arrays import Floats, Image, Quads, Scores
from common.characters import WIDE_FROM
from common.image import rotate_ccw
from common.quads import covered, is_column, quad_size, rotate_quads
from common.roles import Detector, Reading, Recognizer

NARROW = 3.2
"""Height of a box in its widths below which it may be no column but a narrow character or two: 1, l, ||."""

SURE = 0.95
"""Score from which a column is not read upside down as well."""

POOR = 0.7
"""Score below which a reading is a bad one."""

THICK = 1.5
"""Width of a box that may hold several columns, in heights of the page's rows."""

SENSELESS = 0.7
"""Mean score of a page's lines, each counted by its area, below which they may cut across columns."""

LARGE = 0.3
"""Part of the page that a line may take before it is suspected to hold several columns, unless it is read surely."""

LEGIBLE = 0.6
"""Score from which what such a search has found is taken for text."""

BETTER = 1.6
"""How many times the characters that it replaces a column must bring, each counted by its score."""

_ROOM = 1.15
"""Height of an upright character's cell at most, in widths of the column: wider spacing is left out."""

_PITCH = (0.5, 3.0)
"""Distance of characters, in widths of the column, that can be one."""


class VerticalReading(NamedTuple):
    """What stands after a column was read again."""

    reading: Reading
    upwards: bool
    """The line runs up its box: the reading is of the crop turned upside down."""


def read_again(
    recognize: Recognizer,
    crops: Sequence[Image],
    readings: Sequence[Reading],
    tall: Sequence[bool],
) -> list[VerticalReading]:
    """Read the columns among lines with their characters upright, and as lines that run up; the surest reading stands.

    Short ones are also read as they stand, as no columns at all.

    Args:
        recognize: reads crops.
        crops: of lines, (H, W, 3) uint8 RGB; columns are turned counter-clockwise, so that they run to the right.
        readings: of these crops; those of columns tell where characters stand.
        tall: which of them are columns.
    """
    out: list[VerticalReading] = [VerticalReading(reading, upwards=False) for reading in readings]
    views: list[Image] = []
    known: list[
        tuple[int, Floats | int]
    ] = []  # where characters stand, or by how many quarters it was turned
    for i in np.flatnonzero(tall).tolist():
        middles = _middles(readings[i], crops[i])
        if len(middles) > 1:
            views.append(_side_by_side(crops[i], middles))
            known.append((i, middles))
        if readings[i].score < SURE:
            views.append(np.ascontiguousarray(np.rot90(crops[i], 2)))
            known.append((i, 2))
        if crops[i].shape[1] < NARROW * crops[i].shape[0]:
            views.append(np.ascontiguousarray(np.rot90(crops[i], -1)))
            known.append((i, -1))
    for (i, places), reading in zip(known, recognize(views) if views else [], strict=True):
        before = out[i].reading.score
        if reading.score < before or (isinstance(places, int) and reading.score == before):
            continue
        if not isinstance(places, int):
            length = crops[i].shape[1]
            out[i] = VerticalReading(_in_column(reading, places, length), upwards=False)
        elif places == -1:
            out[i] = VerticalReading(reading.without_places(), upwards=False)
        elif len(reading.text.strip()) > 1:
            out[i] = VerticalReading(reading, upwards=True)
    return out


def _middles(reading: Reading, crop: Image) -> Floats:
    """Where along a column its characters stand, in pixels, those between that were not read included.

    Empty where the reading cannot be right: characters much closer to each other than the column is wide.
    """
    across, length = crop.shape[:2]
    seen = np.sort(np.asarray(reading.char_spans, np.float32).reshape(-1, 2).mean(axis=1)) * length
    if len(seen) < 2:
        count = round(length / across)
        return np.asarray((np.arange(count) + 0.5) * length / max(count, 1), np.float32)
    pitch = float(np.median(np.diff(seen)))
    if not _PITCH[0] * across <= pitch <= _PITCH[1] * across:
        return np.zeros(0, np.float32)
    seen = seen[np.concatenate([[True], np.diff(seen) > 0.5 * pitch])]
    parts = [np.arange(seen[0] - pitch, 0.3 * pitch, -pitch)[::-1]]
    for start, stop in pairwise(seen.tolist()):
        parts.append(
            np.linspace(start, stop, max(1, round((stop - start) / pitch)), endpoint=False)
        )
    parts += [seen[-1:], np.arange(seen[-1] + pitch, length - 0.3 * pitch, pitch)]
    return np.asarray(np.concatenate(parts), np.float32)


def _side_by_side(crop: Image, middles: Floats) -> Image:
    """Turn the cells about these middles upright and put them beside each other."""
    across, length = crop.shape[:2]
    tall = max(1, round(min(float(np.median(np.diff(middles))), _ROOM * across)))
    strip = np.pad(np.rot90(crop, -1), ((tall, tall), (0, 0), (0, 0)), mode="edge")
    starts = np.rint(middles - tall / 2).astype(int).clip(-tall, length) + tall
    return np.ascontiguousarray(np.hstack([strip[start : start + tall] for start in starts]))


def _in_column(reading: Reading, middles: Floats, length: int) -> Reading:
    """Bring places in cells that stand side by side back into the column."""
    pitch, count = float(np.median(np.diff(middles))), len(middles)
    spans = []
    for span in reading.char_spans:
        where = np.asarray(span) * count
        cell = int(np.clip(where.mean(), 0, count - 1))
        start, stop = (middles[cell] + (where - cell - 0.5) * pitch) / length
        spans.append((float(np.clip(start, 0, 1)), float(np.clip(stop, 0, 1))))
    return Reading(reading.text, reading.score, reading.char_scores, tuple(spans))


def are_likely(read: Sequence[tuple[Reading, Floats]], area: float) -> bool:
    """Whether read lines tell of columns that may have been missed.

    That is so where one was found, as a column seldom comes alone, where a tall box was read badly that is thick
    beside the rows of the page (it may be two), where hardly anything on the page makes sense, or where one line
    fills much of it.

    Args:
        read: readings, each with its quad (4, 2).
        area: of the page in pixels.
    """
    sizes = np.array([quad_size(quad) for _, quad in read], np.float32).reshape(-1, 2)
    scores, areas = np.array([reading.score for reading, _ in read]), sizes.prod(axis=1)
    if float((scores * areas).sum()) < SENSELESS * float(areas.sum()):
        return True
    if ((areas > LARGE * area) & (scores < SURE)).any():
        return True
    tall = np.array([is_column(*size) for size in sizes.tolist()], np.bool_)
    row = float(np.median(sizes[~tall, 0])) if (~tall).any() else 0.0
    for i in np.flatnonzero(tall).tolist():
        reading = read[i][0]
        if sum(character >= WIDE_FROM for character in reading.text) > 1:
            return True
        if reading.score < POOR and sizes[i, 1] >= THICK * row:
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


def merged(
    lines: Sequence[tuple[Reading, Floats]], columns: Sequence[tuple[Reading, Floats]]
) -> list[tuple[Reading, Floats]]:
    """Put columns in the place of what was read of them before, where they bring more.

    Args:
        lines: readings and quads (4, 2) of a page.
        columns: likewise, of what a search for columns has found there.
    """
    taken: list[tuple[Reading, Floats]] = []
    quads = np.array([quad for _, quad in lines], np.float32).reshape(-1, 4, 2)
    inside = np.zeros(len(lines), np.float32)
    for reading, quad in sorted(columns, key=lambda found: -_worth(found[0])):
        if reading.score < LEGIBLE or len(reading.text.strip()) < 2:
            continue
        if taken and (covered(quad[None], np.stack([other for _, other in taken])) > 0.3).any():
            continue
        shares = covered(quads, quad[None])[:, 0]
        before = sum(s * _worth(line) for s, (line, _) in zip(shares, lines, strict=True))
        if _worth(reading) > BETTER * before:
            taken.append((reading, quad))
            inside += shares
    kept = [
        (reading, quad)
        for (reading, quad), share in zip(lines, inside, strict=True)
        if share <= (0.2 if reading.score < POOR or is_column(*quad_size(quad)) else 0.5)
    ]
    return kept + taken


def _worth(reading: Reading) -> float:
    return reading.score * len(reading.text.strip())
