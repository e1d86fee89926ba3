"""Bend words along an arc or a wave, as seals, badges and shop fronts have them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from train.synth.typesetting.draw_line import TextMask

Rng = np.random.Generator

_LONGEST = 10.0
"""Heights of a line that is bent: the crop of a longer one would leave its letters too small."""


def curved(rng: Rng, drawn: TextMask) -> TextMask:
    """Bend a line along an arc or, one time in four, a wave; its middle row turns by up to 60 or 30 degrees.

    Raises:
        ValueError: the line is too long.
    """
    height, width = drawn.mask.shape
    if width > _LONGEST * height:
        raise ValueError(f"{drawn.text!r} is too long to be bent")
    if rng.random() < 0.25:
        return waved(
            drawn, float(rng.uniform(8, 30)), float(rng.uniform(0.5, 1.5)), float(rng.random())
        )
    most = 60 if width < 6 * height else 40
    return arched(drawn, float(rng.uniform(20, 2 * most)), up=bool(rng.random() < 0.7))


def arched(drawn: TextMask, degrees: float, *, up: bool) -> TextMask:
    """Bend a line along a circle, over whose `degrees` it reaches; `up` raises its middle over its ends."""
    mask = drawn.mask if up else drawn.mask[::-1, ::-1]
    height, width = mask.shape
    turn = np.radians(degrees)
    radius = width / turn
    outer, inner = radius + height / 2, max(radius - height / 2, 1.0)
    half = outer * np.sin(min(turn / 2, np.pi / 2)) + 1
    low = inner * np.cos(turn / 2)
    rows, columns = int(np.ceil(outer - low)) + 1, int(np.ceil(2 * half))
    x = np.arange(columns, dtype=np.float32)[None] + 0.5 - columns / 2
    y = outer - np.arange(rows, dtype=np.float32)[:, None] - 0.5
    along = np.arctan2(x, y) * np.float32(radius) + np.float32(width / 2 - 0.5)
    down = np.float32(outer - 0.5) - np.sqrt(x * x + y * y)
    maps = np.asarray(along, np.float32), np.asarray(down, np.float32)
    bent = np.asarray(cv2.remap(mask, *maps, cv2.INTER_LINEAR), np.uint8)
    angles = (drawn.centers - width / 2) / radius
    centers = columns / 2 + radius * np.sin(angles)
    widths = drawn.widths * np.cos(angles)
    return replace(
        drawn,
        mask=bent if up else bent[::-1, ::-1],
        centers=np.asarray(centers, np.float32),
        widths=np.asarray(widths, np.float32),
    )


def waved(drawn: TextMask, degrees: float, waves: float, phase: float) -> TextMask:
    """Move the columns of a line up and down: `waves` periods of a sine that is `degrees` steep at most."""
    height, width = drawn.mask.shape
    pace = 2 * np.pi * waves / width
    reach = min(float(np.tan(np.radians(degrees))) / pace, 0.9 * height)
    x = np.arange(width, dtype=np.float32)
    room = int(np.ceil(reach))
    shift = (reach * np.sin(x * pace + 2 * np.pi * phase)).astype(np.float32)
    rows = np.arange(height + 2 * room, dtype=np.float32)[:, None] - room - shift[None]
    mask = cv2.remap(drawn.mask, np.broadcast_to(x, rows.shape).copy(), rows, cv2.INTER_LINEAR)
    return replace(drawn, mask=np.asarray(mask, np.uint8))
