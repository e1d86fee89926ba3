"""Write lines by hand: strokes of Han characters along their middle lines, as some writer draws them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.fonts.stroke_data import StrokeData
from train.synth.typesetting.draw_line import TextMask

Points = NDArray[np.float32]
Rng = np.random.Generator

_SIZE = 56
"""Pixels per em of the drawing; a crop is about half as high."""

_SHIFT = 4  # fractional bits of points

_REACH = 0.45
"""Ems over which a pen runs on to the next stroke, at most."""

# Figures and marks in ems of a square, x from 0, y down; each with its advance in ems.
_FIGURES: dict[str, tuple[float, str]] = {
    **{
        "0": (0.5, "25,16 10,28 6,52 17,80 33,80 44,50 38,24 25,16"),
        "1": (0.4, "12,28 22,16 22,82"),
    },
    **{
        "2": (0.5, "8,30 16,18 34,18 40,34 24,58 6,82 44,80"),
        "3": (0.5, "8,20 26,16 40,28 20,46 42,62 28,82 8,76"),
    },
    **{
        "4": (0.5, "30,16 4,60 46,58|32,38 30,84"),
        "5": (0.5, "12,18 10,44 30,42 42,58 28,80 6,78|12,18 42,16"),
    },
    **{"6": (0.5, "34,16 14,38 8,64 22,82 40,70 30,50 10,60"), "7": (0.5, "6,20 42,18 22,84")},
    **{
        "8": (0.5, "38,26 26,16 12,28 36,62 26,82 10,70 40,28"),
        "9": (0.5, "40,32 26,16 10,32 22,46 40,32 34,84"),
    },
    **{
        "，": (0.6, "14,72 20,74 16,86 8,92"),
        ",": (0.35, "12,72 17,74 14,86 8,92"),
        "、": (0.6, "10,70 20,82"),
    },
    **{
        "。": (0.6, "14,72 8,78 14,85 21,79 14,72"),
        ".": (0.3, "12,78 14,81"),
        "：": (0.5, "16,42 17,46|16,74 17,78"),
    },
    **{
        ":": (0.35, "14,42 15,46|14,74 15,78"),
        "！": (0.5, "16,14 15,62|15,78 16,82"),
        "-": (0.45, "6,52 36,51"),
    },
    **{
        "？": (0.6, "8,26 20,14 34,24 20,44 19,60|19,78 20,82"),
        "(": (0.35, "24,10 10,34 10,64 24,90"),
    },
    **{
        ")": (0.35, "8,10 22,34 22,64 8,90"),
        "（": (0.5, "34,10 20,34 20,64 34,90"),
        "=": (0.5, "6,42 40,41|6,60 40,59"),
    },
    **{
        "）": (0.5, "8,10 22,34 22,64 8,90"),
        "+": (0.5, "6,52 42,51|24,32 24,72"),
        "/": (0.4, "34,12 4,86"),
    },
    **{
        "×": (0.5, "8,36 38,68|38,36 8,68"),
        "%": (0.7, "50,16 10,84|14,20 6,30 14,40 22,30 14,20|48,60 40,70 48,80 56,70 48,60"),
    },
    **{
        "；": (0.5, "16,42 17,46|16,72 20,74 16,86 10,92"),
        "“": (0.5, "14,14 8,24|28,14 22,24"),
        "”": (0.5, "14,14 8,24|28,14 22,24"),
    },
}


@dataclass(frozen=True)
class Handwriting:
    """How somebody writes.

    Attributes:
        pen: width of a stroke in ems.
        slant: how far tops lean to the right, in heights.
        pitch: advance of a Han character in ems.
        haste: from 0 to 1: corners are cut, strokes shortened and moved, ends run on to the next stroke.
        joined: chance that the pen stays on the paper between two strokes.
        taper: how much thinner a stroke ends, from 0 to 1.
        sway: deviation of characters from their line and size, in ems.
        wide: width of a character by its height.
        squared: one character to a square of the paper, figures and marks too.
    """

    pen: float
    slant: float
    pitch: float
    haste: float
    joined: float
    taper: float
    sway: float
    wide: float = 1.0
    squared: bool = False

    @classmethod
    def draw(cls, rng: Rng, *, squared: bool = False) -> Handwriting:
        """Draw somebody: some write clearly, most run on."""
        haste = float(rng.random())
        return cls(
            pen=float(np.exp(rng.uniform(np.log(0.028), np.log(0.09)))),
            slant=float(np.clip(rng.normal(0.05, 0.1), -0.2, 0.35)),
            pitch=float(rng.uniform(0.78, 1.25) if rng.random() < 0.85 else rng.uniform(1.25, 2.0)),
            haste=haste,
            joined=0.7 * haste if rng.random() < 0.8 else 0.0,
            taper=float(rng.uniform(0, 0.7)),
            sway=float(rng.uniform(0.0, 0.05)),
            wide=float(np.exp(rng.uniform(np.log(0.75), np.log(1.15)))),
            squared=squared,
        )


def written(rng: Rng, data: StrokeData, text: str, writer: Handwriting) -> TextMask:
    """Write a text.

    Raises:
        LookupError: a character has no known strokes.
        ValueError: nothing of the text leaves ink.
    """
    shapes = [_shape(data, character, writer) for character in text]
    advances = writer.wide * np.array([advance for _, _, advance in shapes], np.float32)
    starts = np.cumsum(advances) - advances
    if not any(len(points) for points, _, _ in shapes):
        raise ValueError(f"{text!r} leaves no ink")
    sizes = [len(points) for points, _, _ in shapes]
    points = np.concatenate([points for points, _, _ in shapes]) * (writer.wide, 1)
    lengths = np.concatenate([lengths for _, lengths, _ in shapes])
    points = _moved(rng, points, lengths, writer)
    # Each character strays from the line a little less than the one before it, and on from there.
    wander = rng.normal(0, writer.sway, len(text))
    for i in range(1, len(text)):
        wander[i] += 0.7 * wander[i - 1]
    scales = 1 + rng.normal(0, 1.5 * writer.sway, len(text))
    places = np.stack([starts, wander], 1)
    points = points * np.repeat(scales, sizes)[:, None] + np.repeat(places, sizes, axis=0)
    strokes = np.repeat(np.arange(len(lengths)), lengths)
    for _ in range(1 + int(writer.haste > 0.4)):
        points, strokes = _rounded(points, strokes)
    mask, left = _inked(points, _joined(rng, points, strokes, writer), writer)
    centers = (starts + np.minimum(advances, writer.wide) / 2) * _SIZE - left
    return TextMask(mask, text, np.asarray(centers, np.float32), advances * _SIZE)


def _shape(
    data: StrokeData, character: str, writer: Handwriting
) -> tuple[Points, NDArray[np.int32], float]:
    """Return the points of a character in ems, how many each stroke has, and its advance."""
    if character in _FIGURES or character == " ":
        points, lengths, advance = _figure(character)
        if writer.squared:
            return points + (0.5 - advance / 2, 0), lengths, writer.pitch
        return points, lengths, advance * (0.8 + 0.2 * writer.pitch)
    return *data.of(character), writer.pitch


@functools.cache
def _figure(character: str) -> tuple[Points, NDArray[np.int32], float]:
    """Return a figure or mark as `_shape` does."""
    advance, drawn = _FIGURES.get(character, (0.5, ""))
    lines = [[pair.split(",") for pair in line.split()] for line in drawn.split("|") if line]
    points = np.array([pair for line in lines for pair in line], np.float32).reshape(-1, 2) / 100
    return points, np.array([len(line) for line in lines], np.int32), advance


def _moved(rng: Rng, points: Points, lengths: NDArray[np.int32], writer: Handwriting) -> Points:
    """Turn, shorten and shift each stroke about its middle, and move its points."""
    count, away = len(lengths), 0.012 + 0.03 * writer.haste
    first = np.cumsum(lengths) - lengths
    middles = np.add.reduceat(points, first, axis=0) / lengths[:, None]
    angle = rng.normal(0, 0.015 + 0.05 * writer.haste, count)
    scale = 1 + rng.normal(0, 0.08 * writer.haste, count)
    cos, sin = (np.repeat(each * scale, lengths) for each in (np.cos(angle), np.sin(angle)))
    around = np.repeat(middles, lengths, axis=0)
    x, y = (points - around).T
    turned = np.stack([cos * x - sin * y, sin * x + cos * y], 1)
    shifts = np.repeat(rng.normal(0, away, (count, 2)), lengths, axis=0)
    noise = rng.normal(0, 0.4 * away, points.shape)
    return np.asarray(around + turned + shifts + noise, np.float32)


def _rounded(points: Points, strokes: NDArray[np.int64]) -> tuple[Points, NDArray[np.int64]]:
    """Cut the corners of strokes (Chaikin 1974), whose numbers go along with the points; ends stay."""
    before, after = points[:-1], points[1:]
    slots = np.empty((len(points), 4, 2), np.float32)
    slots[:, 0] = slots[:, 3] = points
    slots[:-1, 1] = 0.75 * before + 0.25 * after
    slots[:-1, 2] = 0.25 * before + 0.75 * after
    goes_on = strokes[:-1] == strokes[1:]
    used = np.zeros((len(points), 4), np.bool_)
    used[:-1, 1] = used[:-1, 2] = goes_on
    used[1:, 0], used[:-1, 3] = ~goes_on, ~goes_on
    used[0, 0] = used[-1, 3] = True
    return slots[used], np.repeat(strokes, used.sum(1))


def _joined(
    rng: Rng, points: Points, strokes: NDArray[np.int64], writer: Handwriting
) -> list[tuple[int, int]]:
    """Return the first and last point, and one more, of what is drawn in one go: a stroke, or several."""
    ends = np.flatnonzero(np.diff(strokes)) + 1
    near = np.hypot(*(points[ends] - points[ends - 1]).T) < _REACH
    lifted = ends[~(near & (rng.random(len(ends)) < writer.joined))].tolist()
    return list(zip([0, *lifted], [*lifted, len(points)], strict=True))


def _inked(
    points: Points, strokes: Sequence[tuple[int, int]], writer: Handwriting
) -> tuple[NDArray[np.uint8], float]:
    """Draw strokes; return the ink and the column, from the line's start, at which it begins."""
    lean = np.array([[1, 0], [-writer.slant, 1]], np.float32)  # rows run down
    leaning = points @ lean
    low, high = leaning.min(0), leaning.max(0)
    thick = max(1, round(writer.pen * _SIZE))
    room = thick + 2
    width, height = (np.ceil((high - low) * _SIZE).astype(int) + 2 * room).tolist()
    mask = np.zeros((height, width), np.uint8)
    pixels = np.rint(((leaning - low) * _SIZE + room) * 2**_SHIFT).astype(np.int32)
    heads = [pixels[first : first + 1 + 2 * (last - first) // 3] for first, last in strokes]
    tails = [pixels[(first + last) // 2 : last] for first, last in strokes]
    thin = max(1, round(thick * (1 - writer.taper)))
    for lines, pen in ((heads, thick), (tails, thin)):
        cv2.polylines(mask, lines, False, 255, pen, cv2.LINE_AA, _SHIFT)
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    left = float(low[0]) * _SIZE - room + int(columns[0]) + writer.slant * 0.5 * _SIZE
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], left
