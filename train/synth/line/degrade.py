"""What cameras, scanners and codecs do to a line, on grey pictures about 10 to 60 pixels high."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Rng = np.random.Generator

_FAINTEST = 6.0
"""Grey levels of deviation below which nothing can be read; such damage is taken back."""


def damage(rng: Rng, picture: Grey, *, finest: float) -> NDArray[np.uint8]:
    """Return a damaged copy, uint8 of the same size; one line in five stays clean.

    `finest` is the height in pixels to which the line may be scaled down and still be read.
    """
    if rng.random() < 0.2:
        return np.clip(picture, 0, 255).astype(np.uint8)
    height = picture.shape[0]
    if rng.random() < 0.25:
        picture = _light(rng, picture)
    if rng.random() < 0.2:
        picture = _low_resolution(rng, picture, finest)
    if rng.random() < 0.35:
        sigma = float(rng.uniform(0.2, 1.0)) * height / 32
        picture = cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.15))
    elif rng.random() < 0.12:
        picture = _motion(rng, picture)
    if rng.random() < 0.06:
        picture = _binary(rng, picture)
    if rng.random() < 0.35:
        picture = picture + rng.normal(0, float(rng.uniform(1, 16)), picture.shape).astype(
            np.float32
        )
    if rng.random() < 0.05:
        specks = rng.random(picture.shape) < rng.uniform(0.002, 0.03)
        picture = np.where(specks, rng.choice([0.0, 255.0]), picture).astype(np.float32)
    return compress(rng, picture)


def scene_damage(rng: Rng, picture: Grey, *, finest: float) -> NDArray[np.uint8]:
    """Return a copy as a camera in the street takes it: far, out of focus, shaken, over-exposed."""
    height, before = picture.shape[0], picture
    if rng.random() < 0.25 and picture.mean() < 130:
        # Bright letters bleed into the dark about them.
        glow = cv2.GaussianBlur(picture, (0, 0), height * float(rng.uniform(0.03, 0.1)))
        picture = np.maximum(picture, np.minimum(255.0, glow * float(rng.uniform(1.0, 1.4))))
    if rng.random() < 0.4:
        picture = _light(rng, picture)
    if rng.random() < 0.35:
        mean = float(picture.mean())
        picture = mean + (picture - mean) * float(rng.uniform(0.25, 0.8))
    if rng.random() < 0.45:
        picture = _low_resolution(rng, picture, finest)
    if rng.random() < 0.5:
        sigma = float(rng.uniform(0.3, 2.1)) * height / 32
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    elif rng.random() < 0.35:
        picture = _motion(rng, picture)
    if rng.random() < 0.5:
        picture = picture + rng.normal(0, float(rng.uniform(1, 12)), picture.shape).astype(
            np.float32
        )
    if np.clip(cv2.blur(picture, (3, 3)), 0, 255).std() < _FAINTEST:
        picture = before
    return compress(rng, picture)


def compress(rng: Rng, picture: Grey) -> NDArray[np.uint8]:
    """Return a copy as uint8 that often went through JPEG."""
    out = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 90))]
        decoded = cv2.imdecode(cv2.imencode(".jpg", out, quality)[1], cv2.IMREAD_GRAYSCALE)
        out = np.asarray(decoded, np.uint8)
    return out


def _light(rng: Rng, picture: Grey) -> Grey:
    """Light that falls off along the line, and another gamma."""
    ends = rng.uniform(0.55, 1.1, 2)
    shade = np.linspace(ends[0], ends[1], picture.shape[1], dtype=np.float32)
    gamma = float(rng.uniform(0.6, 1.6))
    return 255.0 * np.power(np.clip(picture / 255.0, 0, 1), gamma).astype(np.float32) * shade


def _low_resolution(rng: Rng, picture: Grey, finest: float) -> Grey:
    """Scale down and up again, as small text in a larger picture or a screenshot of one."""
    height, width = picture.shape
    target = float(rng.uniform(finest, finest + 10))
    if target >= height:
        return picture
    small = (max(4, round(width * target / height)), round(target))
    down = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    up = [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST][
        int(rng.choice(3, p=[0.25, 0.65, 0.1]))
    ]
    return cv2.resize(down, (width, height), interpolation=up)


def _motion(rng: Rng, picture: Grey) -> Grey:
    length = max(2, round(picture.shape[0] * float(rng.uniform(0.06, 0.16))))
    kernel = np.zeros((length, length), np.float32)
    angle = float(rng.uniform(0, np.pi))
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 2 * length):
        kernel[round(middle + step * np.sin(angle)), round(middle + step * np.cos(angle))] = 1
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def _binary(rng: Rng, picture: Grey) -> Grey:
    """Black and white, as fax machines and old scans have it, with strokes that break or run together."""
    noisy = picture + rng.normal(0, float(rng.uniform(2, 25)), picture.shape).astype(np.float32)
    middle = (float(picture.max()) + float(picture.min())) / 2
    spread = float(picture.max()) - float(picture.min())
    return np.where(noisy > middle + spread * float(rng.uniform(-0.15, 0.2)), 255.0, 0.0).astype(
        np.float32
    )
