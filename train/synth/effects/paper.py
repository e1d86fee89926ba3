"""Degrade a page as paper, ink, copiers and scanners do: (image, quads, rng) to (image, quads).

None of these moves anything, so quads pass through unchanged. They expect dark ink on light paper.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import Generator

from common.arrays import Image, Quads
from train.synth.effects.geometric import text_height
from train.synth.effects.photometric import multiply, noise_field


def bleed_through(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """The back of the sheet shines through: the page mirrored, shifted, blurred and faint."""
    height, width = image.shape[:2]
    back = cv2.flip(image, 1)
    back = np.roll(
        back, (int(rng.integers(height)), int(rng.integers(width // 8 + 1))), axis=(0, 1)
    )
    back = cv2.GaussianBlur(back, (0, 0), float(rng.uniform(0.6, 2.0)))
    depth = float(rng.uniform(0.05, 0.22))
    faint = cv2.convertScaleAbs(back, alpha=depth, beta=255 * (1 - depth))
    return cv2.multiply(image, faint, scale=1 / 255), quads


def fold(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """One to three creases: a thin line with light on one side and shade on the other."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        upright = bool(rng.random() < 0.5)
        length = width if upright else height
        middle = float(rng.uniform(0.1, 0.9)) * length
        distance = (np.arange(length) + 0.5 - middle) / (length * float(rng.uniform(0.02, 0.1)))
        slope = np.sign(distance) * np.exp(-np.abs(distance)) * float(rng.uniform(-14, 14))
        crease = -float(rng.uniform(0, 30)) * np.exp(-((distance * 25) ** 2))
        profile = (128 + slope + crease).clip(0, 255).astype(np.uint8)
        profile = profile[None, :] if upright else profile[:, None]
        image = multiply(image, np.ascontiguousarray(np.broadcast_to(profile, (height, width))))
    return image, quads


def creases(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Crumpled paper: facets of slightly different brightness, edges between them."""
    height, width = image.shape[:2]
    small = np.full((96, 96), 128, np.float32)
    rows, columns = np.mgrid[0:96, 0:96].astype(np.float32)
    for _ in range(int(rng.integers(4, 12))):
        angle, offset = rng.uniform(0, math.pi), rng.uniform(20, 76)
        distance = columns * math.cos(angle) + rows * math.sin(angle) - offset
        slope = np.sign(distance) * np.exp(-np.abs(distance) / rng.uniform(4, 25))
        small += slope.astype(np.float32) * float(rng.uniform(-8, 8))
    field = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return multiply(image, field.clip(0, 255).astype(np.uint8)), quads


def yellowing(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Old or colored paper: white becomes cream, gray, pink or bluish; ink stays dark."""
    tints = (
        (1.0, 0.96, 0.84),
        (0.97, 0.93, 0.82),
        (0.93, 0.93, 0.92),
        (1.0, 0.92, 0.9),
        (0.9, 0.95, 1.0),
    )
    tint = np.array(tints[int(rng.integers(len(tints)))]) ** float(rng.uniform(0.3, 2.0))
    table = np.arange(256)[:, None] * tint[None, :]
    return cv2.LUT(image, table.astype(np.uint8).reshape(1, 256, 3)), quads


def paper_texture(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """The grain of paper at two scales."""
    height, width = image.shape[:2]
    depth = float(rng.uniform(0.01, 0.08))
    fine = noise_field(height, width, 1, rng, coarse=True)[..., 0]
    wide = noise_field(height // 6 + 1, width // 6 + 1, 1, rng, coarse=True)[..., 0]
    wide = cv2.resize(wide, (width, height), interpolation=cv2.INTER_CUBIC)
    field = cv2.addWeighted(fine, depth, wide, depth, 128 * (1 - 2 * depth))
    return multiply(image, field), quads


def stains(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Coffee, grease or water: a few blurred brownish blots and rings."""
    height, width = image.shape[:2]
    small = np.full((96, 96, 3), 128, np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        shade = float(rng.uniform(0.7, 0.97))
        color = (int(128 * shade), int(128 * shade**1.4), int(128 * shade**2.2))
        middle = (int(rng.integers(96)), int(rng.integers(96)))
        axes = (int(rng.integers(3, 22)), int(rng.integers(3, 22)))
        thick = -1 if rng.random() < 0.6 else int(rng.integers(1, 3))
        cv2.ellipse(small, middle, axes, float(rng.uniform(0, 180)), 0, 360, color, thick)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.8, 3)))
    field = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return multiply(image, field), quads


def thicken_ink(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Ink that has spread: dark strokes grow by a fraction of a pixel to a pixel."""
    return _thickness(image, quads, rng, grow=True)


def thin_ink(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Worn print: dark strokes shrink."""
    return _thickness(image, quads, rng, grow=False)


def _thickness(image: Image, quads: Quads, rng: Generator, *, grow: bool) -> tuple[Image, Quads]:
    height = text_height(quads)
    if height < 14:
        return image, quads
    shape = (2, 2) if height < 30 or rng.random() < 0.5 else (3, 3)
    kernel = np.ones(shape, np.uint8)
    changed = cv2.erode(image, kernel) if grow else cv2.dilate(image, kernel)
    # The full step is strong on small text: mix it with what was.
    most = min(1.0, (height - 8) / (16 if grow else 28))
    weight = float(rng.uniform(0.2, 1.0)) * most
    return cv2.addWeighted(changed, weight, image, 1 - weight, 0), quads


def break_strokes(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Ink that did not take: small light gaps in the strokes."""
    height, width = image.shape[:2]
    shrink = float(rng.uniform(1.0, 2.5))
    field = noise_field(int(height / shrink) + 1, int(width / shrink) + 1, 1, rng, coarse=True)[
        ..., 0
    ]
    field = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    level = 128 + 32 * float(rng.uniform(1.2, 2.4))
    gaps = cv2.convertScaleAbs(cv2.subtract(field, level), alpha=float(rng.uniform(6, 14)))
    return cv2.max(image, cv2.cvtColor(gaps, cv2.COLOR_GRAY2RGB)), quads


def binarize(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """A one-bit scan or fax: grain, then a threshold; edges fray and thin strokes may break.

    A page of which lines would be lost stays as it is: what labels say is there to see.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(gray[::4, ::4], [1, 60])
    if high - low < 20:
        return image, quads
    weight = float(rng.uniform(0, 0.5)) * (high - low) / 255
    field = noise_field(*gray.shape, 1, rng, coarse=True)[..., 0]
    gray = cv2.addWeighted(gray, 1.0, field, weight, -128 * weight)
    level = low + (high - low) * float(rng.uniform(0.42, 0.72))
    _, black = cv2.threshold(gray, level, 255, cv2.THRESH_BINARY)
    corners = np.stack([quads.min(axis=1), quads.max(axis=1)], axis=1).astype(int).clip(0)
    crops = [black[top:bottom, left:right] for (left, top), (right, bottom) in corners.tolist()]
    if any(not 0.05 < (crop == 0).mean() < 0.9 for crop in crops if crop.size):
        return image, quads
    return cv2.cvtColor(black, cv2.COLOR_GRAY2RGB), quads


def scanner_dirt(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Black edges, dust specks, hairs and streaks of a copier."""
    height, width = image.shape[:2]
    image = image.copy()
    dark = int(rng.integers(0, 90))
    for _ in range(int(rng.integers(0, 3))):
        side, depth = int(rng.integers(4)), max(1, int(rng.uniform(0.002, 0.02) * width))
        corners = ((0, 0, width, depth), (width - depth, 0, width, height))
        corners += ((0, height - depth, width, height), (0, 0, depth, height))
        x0, y0, x1, y1 = corners[side]
        image[y0:y1, x0:x1] = dark
    specks = int(rng.integers(0, 160))
    places = rng.integers((width, height), size=(specks, 2))
    radii = rng.integers(0, 2, size=specks)
    for place, radius in zip(places.tolist(), radii.tolist(), strict=True):
        cv2.circle(image, place, radius, (dark, dark, dark), -1)
    if rng.random() < 0.25:
        x = int(rng.integers(width))
        cv2.line(image, (x, 0), (x + int(rng.integers(-6, 7)), height), (150, 150, 150), 1)
    return image, quads


def halftone(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """The dots of a cheap print or a copier's gray: a grating added before a soft threshold."""
    height, width = image.shape[:2]
    pitch = float(rng.uniform(2.5, 5))
    rows = np.sin(np.arange(height) * (2 * math.pi / pitch))
    columns = np.sin(np.arange(width) * (2 * math.pi / pitch))
    screen = (rows[:, None] * columns[None, :] * float(rng.uniform(6, 22)) + 128).astype(np.uint8)
    screen = cv2.cvtColor(screen, cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, 1.0, screen, 1.0, -128), quads
