"""Distort letters: written by an unsteady hand, with a dry brush, or weathered on a wall."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.typesetting.draw_line import TextMask

Mask = NDArray[np.uint8]
Grey = NDArray[np.float32]
Rng = np.random.Generator

_SHIFT, _SCALE = 0.07, 0.12
"""Deviations of a character's height above the line and of its size, in heights of the line."""

_LARGEST = 1.1
"""Size of a character against those of the face at most."""


def unsteady(rng: Rng, drawn: TextMask) -> TextMask:
    """Move characters off the line and make them larger or smaller, each by itself, as hands without ruled paper do.

    What lies between two characters is bent, so strokes that join them stay joined. The line gets higher.
    """
    height, width = drawn.mask.shape
    most = 3 * _SHIFT * height
    room = int(np.ceil(most + (_LARGEST - 1) / 2 * height)) + 1
    mask = np.pad(drawn.mask, ((room, room), (0, 0)))
    middle = (mask.shape[0] - 1) / 2
    strength = float(rng.uniform(0.4, 1.0))
    columns, count = np.arange(width), len(drawn.centers)
    shifts, scales = (
        np.interp(columns, drawn.centers, rng.normal(0, strength * deviation, count))
        for deviation in (_SHIFT * height, _SCALE)
    )
    # Further up, down or out, letters would leave the room that was made for them.
    shifts = np.clip(shifts, -most, most)
    rows = np.arange(mask.shape[0], dtype=np.float32)[:, None] - np.float32(middle)
    down = rows / np.clip(1 + scales, 0.7, _LARGEST) + middle - shifts
    across = np.broadcast_to(columns.astype(np.float32), down.shape)
    moved = cv2.remap(mask, np.ascontiguousarray(across), down.astype(np.float32), cv2.INTER_LINEAR)
    return replace(drawn, mask=np.asarray(moved, np.uint8))


def brushed(rng: Rng, mask: Mask) -> Mask:
    """Leave streaks without ink in the strokes, all along one direction, as a brush does that is nearly dry."""
    height = mask.shape[0]
    length = max(5, round(height * float(rng.uniform(0.4, 1.0)))) | 1
    noise = rng.normal(0, 1, mask.shape).astype(np.float32)
    streaks = cv2.filter2D(noise, -1, _streak(length, float(rng.uniform(-0.6, 0.6))))
    return _kept(rng, mask, streaks, (0.7, 0.92))


def weathered(rng: Rng, mask: Mask) -> Mask:
    """Take flakes off the strokes, small and large ones, as of old paint, stencils and worn stamps."""
    height, width = mask.shape
    flakes = np.zeros(mask.shape, np.float32)
    for share, weight in ((0.05, 0.6), (0.2, 1.0)):
        knots = max(2, round(1 / share)), max(2, round(width / height / share))
        coarse = rng.normal(0, weight, knots).astype(np.float32)
        flakes += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return _kept(rng, mask, flakes, (0.78, 0.95))


def _streak(length: int, slope: float) -> Grey:
    """A line through the middle of a square, whose sum is 1."""
    kernel = np.zeros((length, length), np.float32)
    half = length // 2
    rise = round(half * slope)
    cv2.line(kernel, (0, half + rise), (length - 1, half - rise), 1.0)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _kept(rng: Rng, mask: Mask, pattern: Grey, shares: tuple[float, float]) -> Mask:
    """Keep a share of the ink, where the pattern is lowest; edges of what goes are soft."""
    ink = pattern[mask > 127]
    if ink.size < 16:
        return mask
    level = float(np.quantile(ink, float(rng.uniform(*shares))))
    soft = max(float(ink.std()) * 0.15, 1e-6)
    kept = np.clip((level - pattern) / soft + 0.5, 0, 1)
    return np.asarray(mask * kept, np.uint8)
