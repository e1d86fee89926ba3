"""Vary the strokes of a drawn line: heavier, lighter, slanted or uneven, lettering that no face at hand has."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.typesetting.draw_line import TextMask

Mask = NDArray[np.uint8]
Rng = np.random.Generator

_SWAY = 0.045
"""Deviation of a bent stroke from its place, in heights of the line; more and strokes of Han characters touch."""


def restyle(rng: Rng, drawn: TextMask, *, vertical: bool, lettered: bool = False) -> TextMask:
    """Slant, bend, thicken, thin or hollow the strokes; most lines stay as they are.

    Args:
        rng: draws what is done.
        drawn: the line; its characters stay in their places.
        vertical: a column: it is not slanted.
        lettered: of signs and posters, which are slanted and bent more often, and further.
    """
    if rng.random() < (0.2 if lettered else 0.06) and not vertical:
        drawn = slanted(drawn, float(rng.uniform(-0.1, 0.45 if lettered else 0.3)))
    mask = drawn.mask
    if lettered and rng.random() < 0.25:
        mask = bent(rng, mask)
    draw, height = rng.random(), mask.shape[0]
    if draw < 0.08 and height > 14:
        mask = cv2.dilate(mask, np.ones((2, 2), np.uint8))
    elif draw < 0.12 and height > 24:
        mask = cv2.erode(mask, np.ones((2, 2), np.uint8))
    elif draw < 0.14 and height > 30:
        mask = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return replace(drawn, mask=np.asarray(mask, np.uint8))


def slanted(drawn: TextMask, shear: float) -> TextMask:
    """Move the top to the right by `shear` heights against the bottom; the line gets as much wider."""
    height, width = drawn.mask.shape
    room = int(np.ceil(abs(shear) * height / 2))
    matrix = np.array([[1, -shear, shear * (height - 1) / 2 + room], [0, 1, 0]], np.float32)
    mask = cv2.warpAffine(drawn.mask, matrix, (width + 2 * room, height), flags=cv2.INTER_LINEAR)
    return TextMask(np.asarray(mask, np.uint8), drawn.text, drawn.centers + room, drawn.widths)


def bent(rng: Rng, mask: Mask) -> Mask:
    """Push strokes smoothly out of their places, as a brush or a hand with a knife does."""
    height, width = mask.shape
    # Two knots a character: strokes bend, and characters stay where they are.
    knots = (4, max(4, round(2.5 * width / height)))
    places = np.indices((height, width), np.float32)[::-1]
    moved = []
    for place in places:
        coarse = rng.normal(0, _SWAY * height * float(rng.uniform(0.3, 1)), knots)
        sway = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        moved.append(place + sway)
    return np.asarray(cv2.remap(mask, moved[0], moved[1], cv2.INTER_LINEAR), np.uint8)


def worn(rng: Rng, mask: Mask) -> Mask:
    """Return print of a tired machine: rows of uneven strength, rows or columns that are missing, pale patches."""
    height, width = mask.shape
    out = mask.astype(np.float32)
    if rng.random() < 0.6:
        out *= rng.uniform(0.45, 1.0, (height, 1)).astype(np.float32)
    if rng.random() < 0.5 and height >= 16:  # a dead element of a thermal head leaves a white row
        for row in rng.integers(2, height - 2, int(rng.integers(1, 1 + height // 14))):
            out[row] *= float(rng.uniform(0.0, 0.5))
    if rng.random() < 0.6:
        coarse = rng.uniform(0.35, 1.25, (3, max(2, width // height)))
        patches = cv2.resize(
            coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        out *= np.clip(patches, 0.25, 1.0)
    return np.asarray(out, np.uint8)
