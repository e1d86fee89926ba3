"""Split lines where the picture shows a gap that no space between words has.

A detector of fine-scale proposals runs over the gap between a heading's number and its title, or between the cells of a
table. Whether such a gap parts a line is told by what stands beside it: Latin words of justified text part as far as
Chinese cells do, amounts of money stand in columns, and full-width punctuation brings an empty half square of its own.
In large Chinese lettering, on posters and signs, any space parts: Chinese has none between words, and what stands
beside it is another phrase.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image
from common.characters import is_wide
from common.quads import piece, quad_size
from common.roles import Reading
from ocr.line.characters import reads_vertically
from ocr.settings import Settings, Split
from ocr.sheet import Models, Sheet

_AMOUNT = re.compile(r"[-(]?[$€£¥]?\d[\d,]*\.\d\d[)-]?")
_TIMES = re.compile(r"\d*[xX×@*]")
_PHRASES = re.compile(r"(?<=[\u4e00-\u9fff]{2}) (?=[\u4e00-\u9fff]{2})")
_ORDINAL = re.compile(r"第[0-9一二三四五六七八九十百]+[章节節条條部篇课課回]$")


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Split the lines of a page at their gaps; the step of the chain."""
    if sheet.single_line:
        return sheet
    margin, side = sheet.margin(settings), min(sheet.image.shape[:2])
    quads, scores, readings = [], [], []
    for crop, score, (reading, quad) in zip(sheet.crops, sheet.scores, sheet.lines(), strict=True):
        whole = [(reading, quad)]
        parts = (
            split(reading, quad, crop, margin, settings.split, side)
            if reading.char_spans
            else whole
        )
        for part, place in parts:
            readings.append(part)
            quads.append(place)
            scores.append(score)
    return sheet.having(
        quads=np.array(quads, np.float32).reshape(-1, 4, 2),
        scores=np.array(scores, np.float32),
        readings=tuple(readings),
        crops=(),
        voted=frozenset(),
    )


def split(
    reading: Reading,
    quad: Floats,
    crop: Image,
    margin: float,
    settings: Split,
    side: float = math.inf,
) -> Iterator[tuple[Reading, Floats]]:
    """Part a reading at its gaps.

    Args:
        reading: Of `crop`.
        quad: (4, 2) the line.
        crop: (H, W, 3) uint8, the line as it was cut out.
        margin: Share of its short side by which the quad was grown on every side for that.
        settings: Of this step.
        side: Of the picture, the shorter one, in pixels: lettering is large or not beside it.

    Returns:
        The parts from the left and their quads; the reading and the quad themselves where there is no gap.
    """
    line = crop.shape[0] / (1 + 2 * margin)
    vertical = reads_vertically(quad, margin)
    cuts = [] if vertical else find(reading, crop, line, settings)
    if (
        not cuts
        and not vertical
        and min(quad_size(quad)) >= max(settings.lettering_share * side, settings.lettering_height)
    ):
        cuts = between_phrases(reading, line / crop.shape[1])
    if not cuts:
        yield reading, quad
        return
    height, width = quad_size(quad)
    grown = margin * min(height, width) / max(width, 1e-6)
    indices = [0, *(index for index, _, _ in cuts), len(reading.text)]
    starts = [0.0, *(stop for _, _, stop in cuts)]
    stops = [*(start for _, start, _ in cuts), 1.0]
    for first, last, start, stop in zip(indices[:-1], indices[1:], starts, stops, strict=True):
        # From shares of the crop to shares of the quad; the ends of the line are where they were.
        low, high = (min(max(x * (1 + 2 * grown) - grown, 0.0), 1.0) for x in (start, stop))
        # The part's crop as `place` will suppose it: its quad grown by the same margin.
        margins = margin * min(height, (high - low) * width) / max(width, 1e-6)
        begin = (low - margins + grown) / (1 + 2 * grown)
        length = (high - low + 2 * margins) / (1 + 2 * grown)
        yield _part(reading, first, last, begin, length), piece(quad, low, high)


def _part(reading: Reading, first: int, last: int, begin: float, length: float) -> Reading:
    """Characters `first` to `last` without the spaces about them; their crop is this share of the whole one."""
    text = reading.text[first:last]
    first += len(text) - len(text.lstrip())
    text = text.strip()
    last = first + len(text)
    scores = tuple(reading.char_scores[first:last])
    spans = tuple(
        (min(max((a - begin) / length, 0.0), 1.0), min(max((b - begin) / length, 0.0), 1.0))
        for a, b in reading.char_spans[first:last]
    )
    return Reading(text, sum(scores) / max(len(scores), 1), scores, spans)


def find(
    reading: Reading, crop: Image, height: float, settings: Split
) -> list[tuple[int, float, float]]:
    """Find the gaps that part a line of `height` pixels in its crop.

    Returns:
        For each gap the character that it stands before, and from where to where it reaches in shares of the crop.
    """
    text, spans = reading.text, reading.char_spans
    if len(text) < 2 or len(spans) != len(text):
        return []
    width = crop.shape[1]
    middles = np.asarray(spans, np.float64).mean(axis=1)
    seen = np.array([not c.isspace() for c in text])
    # Most lines are done here: the middles of their characters stand too close together.
    if (
        np.diff(middles[seen], prepend=0).max() * width
        < min(settings.han_gap, settings.amount_gap) * height
    ):
        return []
    cuts = []
    least = min(settings.han_gap, settings.punctuated_gap, settings.amount_gap, settings.number_gap)
    for start, stop in _empty(crop, settings):
        if stop - start < least * height:
            continue
        inside = (middles * width > start) & (middles * width < stop)
        if (inside & seen).any():
            continue  # what was read there is ink: a bar of one color, say
        index = int(np.searchsorted(middles, (start + stop) / 2 / width))
        needed = _needed(text, index, settings)
        if needed is not None and stop - start >= needed * height:
            cuts.append((index, start / width, stop / width))
    return cuts


def between_phrases(reading: Reading, height: float) -> list[tuple[int, float, float]]:
    """Find the spaces between Chinese phrases in a line; `height` and what is returned as by `find`, in shares.

    The number of a chapter stays with its title.
    """
    text, cuts = reading.text, []
    for space in _PHRASES.finditer(text):
        if _ORDINAL.search(text[: space.start()]):
            continue
        left, right = (sum(reading.char_spans[i]) / 2 for i in (space.start() - 1, space.end()))
        # Han characters fill squares: half of one is on either side of its middle.
        start, stop = left + height / 2, right - height / 2
        middle = (left + right) / 2
        cuts.append((space.start(), min(start, middle), max(stop, middle)))
    return cuts


def _needed(text: str, index: int, settings: Split) -> float | None:
    """Gap in line heights before a character from which on it parts the line; None for never."""
    left, right = text[:index].split(), text[index:].split()
    if not left or not right:
        return None
    if any(map(is_wide, text)):
        beside = _is_wide_mark(left[-1][-1]) or _is_wide_mark(right[0][0])
        return settings.punctuated_gap if beside else settings.han_gap
    amount = _AMOUNT.fullmatch(left[-1]) or _AMOUNT.fullmatch(right[0])
    if amount and not _TIMES.fullmatch(left[-1]):
        return settings.amount_gap
    numbers = not any(c.isalpha() for c in left[-1] + right[0])
    return settings.number_gap if numbers else None


def _is_wide_mark(character: str) -> bool:
    return is_wide(character) and unicodedata.category(character)[0] in "PS"


def _empty(crop: Image, settings: Split) -> Sequence[tuple[int, int]]:
    """(from, to) of the runs of columns without ink, those at the ends left out."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    edge = int(settings.trim * len(grey))
    grey = grey[edge : max(len(grey) - edge, edge + 1)]
    low, ground, high = _shares(grey, (0.01, 0.5, 0.99))
    spread: NDArray[np.uint8] = grey.max(axis=0) - grey.min(axis=0)
    flat = spread < max(settings.max_spread, settings.max_spread_share * (high - low))
    # An upright stroke as high as the line is even too, but no ground: ink covers less than half of a line.
    flat &= np.abs(grey[len(grey) // 2] - ground) <= max(
        settings.max_spread, settings.max_ground_share * (high - low)
    )
    steps = np.diff(flat.astype(np.int8), prepend=0, append=0)
    runs = zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=True)
    return [(int(a), int(b)) for a, b in runs if a > 0 and b < crop.shape[1]]


def _shares(grey: NDArray[Any], shares: Sequence[float]) -> list[float]:
    """Levels below which these shares of the pixels are: `np.quantile` by counting, ten times as fast."""
    below = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    ranks = np.asarray(shares) * (grey.size - 1)
    first, second = (
        np.searchsorted(below, rank, side="right") for rank in (np.floor(ranks), np.ceil(ranks))
    )
    return list((first + (ranks - np.floor(ranks)) * (second - first)).tolist())
