"""Paint strokes on a ground: plain, or with the edges, shadows and shades of designed lettering. In grey."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.line import shares

Grey = NDArray[np.float32]
Rng = np.random.Generator

_APART = 60.0
"""Grey levels between letters and the edge around them, at least."""

_ABOVE_TEXTURE = 3.0
"""Contrast of plain letters in deviations of what they are written on, at least."""

_BOLD_FROM = 32
"""Height in pixels from which Han characters keep their strokes apart when these are thickened."""


def write(rng: Rng, ground: Grey, alpha: Grey) -> Grey:
    """Write with a colour that stands out from the ground, now and then with an edge or a shadow.

    Args:
        rng: draws the paint.
        ground: (H, W) grey levels.
        alpha: (H, W), from 0 to 1: how much of each pixel is ink.
    """
    level = float(ground.mean())
    faint = rng.random() < 0.15
    contrast = float(rng.uniform(50, 90) if faint else 255 - 165 * rng.random() ** 1.7)
    contrast = max(contrast, _ABOVE_TEXTURE * float(cv2.meanStdDev(ground)[1].item()))
    darker = level - contrast if (level > 128) != (rng.random() < 0.08) else level + contrast
    colour = float(np.clip(darker, 0, 255))
    if abs(colour - level) < 35:
        colour = 0.0 if level > 128 else 255.0
    if rng.random() < 0.12:
        edge = 255.0 if colour < 128 else 0.0
        if rng.random() < 0.5:
            around = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
        else:
            shift = max(1, alpha.shape[0] // 40)
            around = np.roll(alpha, (shift, shift), axis=(0, 1))
        ground = _over(ground, around, edge)
    return _over(ground, alpha, colour)


def print_black(rng: Rng, ground: Grey, alpha: Grey) -> Grey:
    """Print in black, or in a dark grey or colour; the arguments are those of `write`."""
    level = 0.0 if rng.random() < 0.6 else float(rng.uniform(0, 110))
    return _over(ground, alpha, level)


def paint(rng: Rng, ground: Grey, alpha: Grey, height: int) -> Grey:
    """Paint as shops and posters do: an edge, two of them, a shadow, a block behind, a shade, a glow, a relief.

    What is around the letters keeps them apart from the ground, so they may be of the ground's own brightness.

    Args:
        rng: draws the paint.
        ground: (H, W) grey levels.
        alpha: (H, W), from 0 to 1: how much of each pixel is ink.
        height: of the letters, in pixels.
    """
    if height >= _BOLD_FROM and rng.random() < 0.35:
        alpha = np.asarray(cv2.dilate(alpha, np.ones((3, 3) if height > 40 else (2, 2), np.uint8)))
    level = float(ground.mean())
    colour = _beside(rng, level)
    if shares.happens(rng, "embossed"):
        return _embossed(rng, ground, alpha, height)
    if shares.happens(rng, "neon"):
        return _neon(rng, ground, alpha, height)
    draw = rng.random()
    if draw < 0.65:
        hollow = shares.happens(rng, "fill_as_ground")  # the edge is all there is
        colour = level if hollow else float(rng.uniform(0, 255))
        edge = _beside(rng, colour)
        if draw < 0.15:
            wider = _spread(alpha, _thickness(rng, height, 0.12) + 1)
            ground = _over(ground, wider, _beside(rng, edge))
        # An edge that is all there is must be seen.
        around = _spread(alpha, _thickness(rng, height, 0.075) + (hollow and height > 40))
        ground = _over(ground, around, edge)
        colour += float(rng.uniform(-25, 25)) if hollow else 0.0
    elif draw < 0.85:
        ground = _over(ground, _shadow(rng, alpha, height), _beside(rng, colour))
    else:
        glow = cv2.GaussianBlur(_spread(alpha, 1), (0, 0), height * float(rng.uniform(0.03, 0.1)))
        ground = _over(ground, np.minimum(1, 1.5 * glow), _beside(rng, colour))
    if rng.random() < 0.3:
        # Lighter above, darker below, or the other way round; the edge still stands out from both.
        fall = np.linspace(-1, 1, alpha.shape[0], dtype=np.float32)[:, None]
        return _over(ground, alpha, colour + fall * float(rng.uniform(-30, 30)))
    return _over(ground, alpha, colour)


def _embossed(rng: Rng, ground: Grey, alpha: Grey, height: int) -> Grey:
    """Raise letters out of a plate, or sink them into it: one side of each stroke is lit, the other in shade."""
    away = max(1, height // 30)
    across, down = (away, away) if rng.random() < 0.5 else (-away, away)
    relief = _moved(alpha, -across, -down) - _moved(alpha, across, down)
    lit = float(rng.uniform(45, 120)) * (1 if rng.random() < 0.6 else -1)
    return ground + lit * relief + float(rng.uniform(-30, 30)) * alpha


def _neon(rng: Rng, ground: Grey, alpha: Grey, height: int) -> Grey:
    """Bend glowing tubes along the edges of letters, or fill these with light, in the dark."""
    tube = alpha
    if height >= _BOLD_FROM and rng.random() < 0.6:
        tube = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    night = ground * min(1.0, float(rng.uniform(30, 90)) / max(float(ground.mean()), 1.0))
    lit = float(rng.uniform(170, 255))
    for spread, strength in ((0.2, 0.5), (0.06, 0.9)):
        glow = cv2.GaussianBlur(tube, (0, 0), height * spread * float(rng.uniform(0.6, 1.2)))
        night = night + np.minimum(1, 2 * glow) * strength * 0.5 * np.maximum(lit - night, 0)
    # In the middle of a tube every colour is nearly white.
    return _over(night, tube, min(255.0, lit + 40))


def _beside(rng: Rng, level: float) -> float:
    """Draw a grey level that is at least `_APART` from another."""
    below, above = max(0.0, level - _APART), max(0.0, 255 - level - _APART)
    draw = float(rng.uniform(0, below + above))
    # Black and white are what designers take first.
    if rng.random() < 0.4:
        return 0.0 if level > 128 else 255.0
    return draw if draw < below else level + _APART + draw - below


def _thickness(rng: Rng, height: int, most: float) -> int:
    return max(1, round(height * float(rng.uniform(0.02, most))))


def _spread(alpha: Grey, pixels: int) -> Grey:
    side = 2 * pixels + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(alpha, kernel), np.float32)


def _shadow(rng: Rng, alpha: Grey, height: int) -> Grey:
    """Return the shadow of letters: a copy moved aside, soft or not, or the side of a block in between."""
    across, down = (round(height * float(rng.uniform(-0.12, 0.12))) for _ in range(2))
    steps = max(abs(across), abs(down))
    if rng.random() < 0.4 and steps:
        copies = [_moved(alpha, across * i // steps, down * i // steps) for i in range(steps + 1)]
        return np.asarray(np.maximum.reduce(copies), np.float32)
    moved = _moved(alpha, across or 1, down or 1)
    if rng.random() < 0.5:
        moved = cv2.GaussianBlur(moved, (0, 0), height * float(rng.uniform(0.01, 0.06)))
    return np.asarray(moved, np.float32)


def _moved(alpha: Grey, across: int, down: int) -> Grey:
    return np.asarray(np.roll(alpha, (down, across), axis=(0, 1)), np.float32)


def _over(ground: Grey, alpha: Grey, level: float | Grey) -> Grey:
    return ground * (1 - alpha) + level * alpha
