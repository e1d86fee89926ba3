"""Degrade a line as cameras, scanners and codecs do, on grey pictures about 10 to 60 pixels high."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.preprocess import HEIGHT
from train.synth.line import shares

Grey = NDArray[np.float32]
Rng = np.random.Generator

_FAINTEST = 2.5
"""Grey levels of deviation, noise smoothed away, below which nothing can be read."""

_ALIKE, _ALIKE_HAN = 0.76, 0.83
"""Correlation of strokes before and after damage, at least: looked at in a sheet ordered by it."""

_GRAIN = 0.5
"""Noise in deviations of what is seen, at most: under more of it nothing can be read."""


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


def scan_damage(rng: Rng, picture: Grey, *, finest: float) -> NDArray[np.uint8]:
    """Return a copy as scanners and drawn PDF pages have it: small or soft at times, hardly noisy.

    The arguments are those of `damage`.
    """
    if rng.random() < 0.3:
        picture = _low_resolution(rng, picture, finest)
    if rng.random() < 0.25:
        sigma = float(rng.uniform(0.2, 0.7)) * picture.shape[0] / 32
        picture = cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.15))
    if rng.random() < 0.1:
        picture = _binary(rng, picture)
    elif rng.random() < 0.15:
        noise = rng.normal(0, float(rng.uniform(1, 6)), picture.shape)
        picture = picture + noise.astype(np.float32)
    return compress(rng, picture)


def scene_damage(rng: Rng, picture: Grey, *, finest: float) -> NDArray[np.uint8]:
    """Return a copy as a camera in the street takes it: far, out of focus, shaken, over-exposed."""
    height = picture.shape[0]
    if rng.random() < 0.25 and picture.mean() < 130:
        # Bright letters bleed into the dark about them.
        glow = cv2.GaussianBlur(picture, (0, 0), height * float(rng.uniform(0.03, 0.1)))
        picture = np.maximum(picture, np.minimum(255.0, glow * float(rng.uniform(1.0, 1.4))))
    if rng.random() < 0.3:
        picture = _light(rng, picture)
    if rng.random() < 0.18:
        mean = float(picture.mean())
        picture = mean + (picture - mean) * float(rng.uniform(0.3, 0.85))
    if rng.random() < 0.3:
        picture = _low_resolution(rng, picture, finest)
    if rng.random() < 0.4:
        sigma = float(rng.uniform(0.2, 1.0 if rng.random() < 0.7 else 2.0)) * height / 32
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    elif rng.random() < 0.15:
        picture = _motion(rng, picture)
    if rng.random() < 0.45:
        grain = min(float(rng.uniform(1, 9)), _GRAIN * float(cv2.meanStdDev(picture)[1].item()))
        picture = picture + rng.normal(0, grain, picture.shape).astype(np.float32)
    return compress(rng, picture)


def legible(clean: Grey, damaged: NDArray[np.uint8], *, han: bool) -> bool:
    """Say whether the strokes are still there to be read after some damage.

    At the recognizer's height, what is finer than a stroke smoothed away and light that falls off taken out, the two
    are compared by their correlation. Han characters have more strokes to lose.

    Args:
        clean: (H, W) the line before.
        damaged: the line after, of any size.
        han: it has Han characters.
    """
    size = max(16, round(clean.shape[1] * HEIGHT / clean.shape[0])), HEIGHT
    before, after = _strokes(np.clip(clean, 0, 255), size), _strokes(damaged, size)
    spread = float(cv2.norm(after)) / (size[0] * size[1]) ** 0.5
    alike = float(cv2.sumElems(before * after)[0])
    needed = (_ALIKE_HAN if han else _ALIKE) * float(cv2.norm(before) * cv2.norm(after))
    return spread >= _FAINTEST and alike >= needed


def _strokes(picture: NDArray[np.generic], size: tuple[int, int]) -> Grey:
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small = cv2.blur(small, (3, 3))
    return np.asarray(small - cv2.blur(small, (15, 15)), np.float32)


def far_pixels(rng: Rng, *, han: bool) -> float:
    """Return the height in pixels of a line, of Han characters or none, that is hardly large enough to be read."""
    least = 11.0 if han else 8.5
    return float(rng.uniform(least, least + 6))


def far_damage(rng: Rng, picture: Grey, *, pixels: float) -> NDArray[np.uint8]:
    """Return a copy as cameras see what is far: `pixels` high, faint, out of focus or shaken, in blocks of JPEG.

    Half of the copies stay as small as that, the others are enlarged, as by who cut them out.
    """
    height, width = picture.shape
    scale = min(1.0, pixels / height)
    size = max(8, round(width * scale)), max(6, round(height * scale))
    if rng.random() < 0.25:
        picture = _motion(rng, picture)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.6:
        small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.3, 0.75)))
    if rng.random() < 0.6:
        small = fainter(rng, small, 24.0, 80.0)
    if rng.random() < 0.5:
        grain = float(rng.uniform(0.5, 0.06 * float(np.ptp(small)) + 0.6))
        small = small + rng.normal(0, grain, small.shape).astype(np.float32)
    out = np.clip(small, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        out = _jpeg(out, int(rng.integers(20, 70)))
    if rng.random() < 0.5:
        factor = float(rng.uniform(1.5, 3.0))
        out = cv2.resize(out, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(out, np.uint8)


def fainter(rng: Rng, picture: Grey, least: float, most: float) -> Grey:
    """Return a copy whose darkest and lightest tenths are between `least` and `most` grey levels apart, at most."""
    low, high = np.percentile(picture[::2, ::2], [3, 97])
    wanted = float(rng.uniform(least, most))
    if high - low <= wanted:
        return picture
    factor = wanted / float(high - low)
    level = float(rng.uniform(low, high - wanted))
    return np.asarray(level + (picture - low) * factor, np.float32)


def lasting_damage(rng: Rng, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a copy as it may have been before or after all else: faint, or compressed more than is good for it."""
    if shares.happens(rng, "faint"):
        grey = fainter(rng, picture.astype(np.float32), 12.0, 40.0)
        picture = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    if shares.happens(rng, "squashed") and picture.shape[0] >= 20:
        picture = _jpeg(picture, int(rng.integers(6, 25)))
    return picture


def compress(rng: Rng, picture: Grey) -> NDArray[np.uint8]:
    """Return a copy as uint8 that often went through JPEG."""
    out = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        out = _jpeg(out, int(rng.integers(15, 90)))
    return out


def _jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


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
