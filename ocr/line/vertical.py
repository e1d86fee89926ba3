"""Read tall crops again: columns of vertical writing with their characters set upright, lines that run up, and digits.

A column comes to the recognizer turned on its side. So it can tell where the characters stand, but it knows characters
that stand upright better: cut apart there and set side by side, they make a line like any other. What Latin letters
there are in a tall box mostly lie on their side, and as often run up as down: titles of axes, names on spines.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from common.arrays import Floats, Image
from common.roles import Reading, Recognizer
from ocr.column_settings import Vertical
from ocr.line.characters import reads_vertically
from ocr.settings import Settings
from ocr.sheet import Models, Sheet


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Read tall crops again; the step of the chain. The box of a line that runs up begins at its lower end."""
    margin = sheet.margin(settings)
    tall = [
        bool(reading.char_spans) and reads_vertically(quad, margin)
        for reading, quad in sheet.lines()
    ]
    again = read_again(models.recognizer, sheet.crops, sheet.readings, tall, settings.vertical)
    upwards = np.array([each.upwards for each in again], np.bool_)[:, None, None]
    return sheet.having(
        readings=tuple(each.reading for each in again),
        quads=np.where(upwards, np.roll(sheet.quads, 2, axis=1), sheet.quads),
    )


class VerticalReading(NamedTuple):
    """Hold the reading that stands after a column was read again."""

    reading: Reading
    upwards: bool
    """The line runs up its box: the reading is of the crop turned upside down."""


def read_again(
    recognize: Recognizer,
    crops: Sequence[Image],
    readings: Sequence[Reading],
    tall: Sequence[bool],
    settings: Vertical,
) -> list[VerticalReading]:
    """Read the columns among lines with their characters upright, and as lines that run up; the surest reading stands.

    Short ones are also read as they stand, as no columns at all.

    Args:
        recognize: reads crops.
        crops: of lines, (H, W, 3) uint8 RGB; columns are turned counter-clockwise, so that they run to the right.
        readings: of these crops; those of columns tell where characters stand.
        tall: which of them are columns.
        settings: of this step.
    """
    out: list[VerticalReading] = [VerticalReading(reading, upwards=False) for reading in readings]
    views: list[Image] = []
    known: list[
        tuple[int, Floats | int]
    ] = []  # where characters stand, or by how many quarters it was turned
    for i in np.flatnonzero(tall).tolist():
        middles = _middles(readings[i], crops[i], settings)
        if len(middles) > 1:
            views.append(_side_by_side(crops[i], middles, settings))
            known.append((i, middles))
        if readings[i].score < settings.accept_score:
            views.append(np.ascontiguousarray(np.rot90(crops[i], 2)))
            known.append((i, 2))
        if crops[i].shape[1] < settings.max_glyph_aspect * crops[i].shape[0]:
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


def _middles(reading: Reading, crop: Image, settings: Vertical) -> Floats:
    """Where along a column its characters stand, in pixels, those between that were not read included.

    Empty where the reading cannot be right: characters much closer to each other than the column is wide.
    """
    across, length = crop.shape[:2]
    seen = np.sort(np.asarray(reading.char_spans, np.float32).reshape(-1, 2).mean(axis=1)) * length
    if len(seen) < 2:
        count = round(length / across)
        return np.asarray((np.arange(count) + 0.5) * length / max(count, 1), np.float32)
    pitch = float(np.median(np.diff(seen)))
    if not settings.min_pitch * across <= pitch <= settings.max_pitch * across:
        return np.zeros(0, np.float32)
    seen = seen[np.concatenate([[True], np.diff(seen) > 0.5 * pitch])]
    parts = [np.arange(seen[0] - pitch, 0.3 * pitch, -pitch)[::-1]]
    for start, stop in pairwise(seen.tolist()):
        parts.append(
            np.linspace(start, stop, max(1, round((stop - start) / pitch)), endpoint=False)
        )
    parts += [seen[-1:], np.arange(seen[-1] + pitch, length - 0.3 * pitch, pitch)]
    return np.asarray(np.concatenate(parts), np.float32)


def _side_by_side(crop: Image, middles: Floats, settings: Vertical) -> Image:
    """Turn the cells about these middles upright and put them beside each other."""
    across, length = crop.shape[:2]
    tall = max(1, round(min(float(np.median(np.diff(middles))), settings.max_cell * across)))
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
