"""Lines written by hand: strokes of Han characters along their middle lines, as some writer draws them."""

from __future__ import annotations

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
class Writer:
    """How somebody writes.

    Attributes:
        pen: width of a stroke in ems.
        slant: how far tops lean to the right, in heights.
        pitch: advance of a Han character in ems.
        haste: from 0 to 1: corners are cut, strokes shortened and moved, ends run on to the next stroke.
        joined: chance that the pen stays on the paper between two strokes.
        taper: how much thinner a stroke ends, from 0 to 1.
        sway: deviation of characters from their line and size, in ems.
    """

    pen: float
    slant: float
    pitch: float
    haste: float
    joined: float
    taper: float
    sway: float

    @classmethod
    def draw(cls, rng: Rng) -> Writer:
        """Draw somebody: most write clearly, some run on."""
        haste = float(rng.random()) ** 1.5
        return cls(
            pen=float(np.exp(rng.uniform(np.log(0.028), np.log(0.09)))),
            slant=float(np.clip(rng.normal(0.05, 0.1), -0.2, 0.35)),
            pitch=float(rng.uniform(0.78, 1.25) if rng.random() < 0.85 else rng.uniform(1.25, 2.0)),
            haste=haste,
            joined=0.5 * haste if rng.random() < 0.7 else 0.0,
            taper=float(rng.uniform(0, 0.7)),
            sway=float(rng.uniform(0.0, 0.05)),
        )


def written(rng: Rng, data: StrokeData, text: str, writer: Writer) -> TextMask:
    """Write a text.

    Raises:
        LookupError: a character has no known strokes.
    """
    strokes: list[Points] = []
    centers, widths, x = [], [], 0.0
    up = 0.0
    for character in text:
        if character == " ":
            advance = 0.5
        else:
            shape, advance = _shape(data, character, writer)
            up = 0.7 * up + float(rng.normal(0, writer.sway))
            scale = 1 + float(rng.normal(0, 1.5 * writer.sway))
            lines = _hurried(rng, shape, writer)
            strokes += [line * scale + np.array([x, up], np.float32) for line in lines]
        centers.append(x + min(advance, 1.0) / 2)
        widths.append(advance)
        x += advance
    if not strokes:
        raise ValueError(f"{text!r} leaves no ink")
    mask, left = _inked(strokes, writer)
    places = (np.array(centers, np.float32)) * _SIZE - left
    return TextMask(mask, text, places, np.array(widths, np.float32) * _SIZE)


def _shape(data: StrokeData, character: str, writer: Writer) -> tuple[list[Points], float]:
    """Return the strokes of a character, and its advance in ems."""
    if character in _FIGURES:
        advance, lines = _FIGURES[character]
        wide = 0.8 + 0.2 * writer.pitch
        pairs = [[pair.split(",") for pair in line.split()] for line in lines.split("|")]
        return [np.array(line, np.float32) / 100 for line in pairs], advance * wide
    return data.of(character), writer.pitch


def _hurried(rng: Rng, lines: Sequence[Points], writer: Writer) -> list[Points]:
    """Move strokes and their points, cut corners, and now and then run on from one stroke into the next."""
    out: list[Points] = []
    away = 0.012 + 0.03 * writer.haste
    turn = rng.normal(0, 0.015 + 0.05 * writer.haste, len(lines))
    for line, angle in zip(lines, turn, strict=True):
        middle = line.mean(0)
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, sin], [-sin, cos]], np.float32)
        moved = (line - middle) @ matrix * (1 + rng.normal(0, 0.08 * writer.haste)) + middle
        moved = moved + rng.normal(0, away, 2) + rng.normal(0, 0.4 * away, line.shape)
        smooth = _rounded(moved.astype(np.float32), 1 + int(writer.haste > 0.4))
        if out and rng.random() < writer.joined and np.hypot(*(out[-1][-1] - smooth[0])) < 0.45:
            out[-1] = np.concatenate([out[-1], smooth])
        else:
            out.append(smooth)
    return out


def _rounded(line: Points, times: int) -> Points:
    """Cut corners (Chaikin 1974); the ends stay."""
    for _ in range(times if len(line) > 2 else 0):
        first, second = line[:-1], line[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], 1)
        line = np.concatenate([line[:1], cut.reshape(-1, 2), line[-1:]])
    return line


def _inked(strokes: Sequence[Points], writer: Writer) -> tuple[NDArray[np.uint8], float]:
    """Draw strokes; return the ink and the column, from the line's start, at which it begins."""
    every = np.concatenate(strokes)
    lean = np.array([[1, 0], [-writer.slant, 1]], np.float32)  # rows run down
    low, high = (every @ lean).min(0), (every @ lean).max(0)
    thick = max(1, round(writer.pen * _SIZE))
    room = thick + 2
    size = np.ceil((high - low) * _SIZE).astype(int) + 2 * room
    mask = np.zeros((int(size[1]), int(size[0])), np.uint8)
    pixels = [
        np.rint(((line @ lean - low) * _SIZE + room) * 2**_SHIFT).astype(np.int32)
        for line in strokes
    ]
    cv2.polylines(
        mask,
        [line[: 1 + 2 * len(line) // 3] for line in pixels],
        False,
        255,
        thick,
        cv2.LINE_AA,
        _SHIFT,
    )
    thin = max(1, round(thick * (1 - writer.taper)))
    cv2.polylines(
        mask, [line[len(line) // 2 :] for line in pixels], False, 255, thin, cv2.LINE_AA, _SHIFT
    )
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    left = float(low[0]) * _SIZE - room + int(columns[0]) + writer.slant * 0.5 * _SIZE
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], left
