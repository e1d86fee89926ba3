"""Degrade rendered pictures: effects map (image, quads, rng) to (image, quads).

Strengths that could make text unreadable are bounded by the height of the text on the page, taken
from the quads. Pictures stay uint8 throughout: OpenCV's saturating arithmetic is several times
faster than floats, and a page must cost tens of milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from common.arrays import Image, Quads
from train.synth.effects.geometric import scale, text_height

Effect: TypeAlias = Callable[[Image, Quads, Generator], tuple[Image, Quads]]
"""One kind of damage."""

NOISE_SIDE = 512
NOISE_DEVIATION = 32.0
MIN_READABLE_HEIGHT = 11.0
"""Below about eleven pixels the strokes of Chinese characters merge; low resolution stops there."""


def apply(
    effects: Sequence[Effect], image: Image, quads: Quads, rng: Generator
) -> tuple[Image, Quads]:
    """Run effects one after the other."""
    for effect in effects:
        image, quads = effect(image, quads, rng)
    return image, quads


def sometimes(chance: float, effect: Effect) -> Effect:
    """Turn an effect into one that happens with probability `chance`."""

    def maybe(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
        return effect(image, quads, rng) if rng.random() < chance else (image, quads)

    return maybe


def one_of(*effects: Effect) -> Effect:
    """An effect that is one of several, equally likely."""

    def choose(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
        return effects[int(rng.integers(len(effects)))](image, quads, rng)

    return choose


def low_resolution(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Shrink, at most until text is barely readable, and mostly enlarge again."""
    least = min(1.0, MIN_READABLE_HEIGHT / max(text_height(quads), 1.0))
    factor = float(rng.uniform(least, 0.5 + 0.5 * least))
    if factor > 0.95:
        return image, quads
    small, small_quads = scale(image, quads, factor)
    if rng.random() < 0.25:
        return small, small_quads
    how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[
        int(rng.choice(3, p=[0.5, 0.4, 0.1]))
    ]
    size = (image.shape[1], image.shape[0])
    return cv2.resize(small, size, interpolation=how), quads


def multiply(image: Image, field: NDArray[np.uint8]) -> Image:
    """Multiply by a field (H, W) or (H, W, 3) in which 128 is one."""
    if field.ndim == 2:
        field = cv2.cvtColor(field, cv2.COLOR_GRAY2RGB)
    return cv2.multiply(image, field, scale=1 / 128)


def uneven_light(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Brighter here, darker there: a smooth field from a handful of random values."""
    height, width = image.shape[:2]
    depth = float(rng.uniform(0.05, 0.35))
    knots = 128 * (1 - depth * rng.random((int(rng.integers(2, 5)), int(rng.integers(2, 5)))))
    field = cv2.resize(knots.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    return multiply(image, field), quads


def shadow(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """The shadow of a hand or a phone: a soft-edged darker polygon entering from outside."""
    height, width = image.shape[:2]
    small = np.full((64, 64), 128, np.uint8)
    middle = rng.uniform(0, 64, 2)
    angles = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(3, 7))))
    radii = rng.uniform(15, 60, len(angles))
    corners = middle + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]
    cv2.fillPoly(small, [corners.astype(np.int32)], int(128 * rng.uniform(0.45, 0.85)))
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.8, 6)))
    field = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return multiply(image, field), quads


def glare(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """A lamp mirrored on glossy paper or a screen: a soft bright spot that washes contrast out."""
    height, width = image.shape[:2]
    small = np.zeros((64, 64), np.uint8)
    middle = (int(rng.integers(64)), int(rng.integers(64)))
    axes = (int(rng.integers(4, 18)), int(rng.integers(4, 18)))
    cv2.ellipse(
        small, middle, axes, float(rng.uniform(0, 180)), 0, 360, int(rng.integers(50, 150)), -1
    )
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(4, 9)))
    field = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.add(image, cv2.cvtColor(field, cv2.COLOR_GRAY2RGB)), quads


def gaussian_blur(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Soft edges, up to what text of the page's height survives."""
    sigma = float(rng.uniform(0.3, 1.0)) * min(3.0, 0.055 * text_height(quads))
    return cv2.GaussianBlur(image, (0, 0), max(0.2, sigma)), quads


def motion_blur(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """A moved camera: averaging along a short line."""
    length = float(rng.uniform(0.05, 0.2)) * min(60.0, text_height(quads))
    side = 2 * math.ceil(max(length, 1.0) / 2) + 1
    kernel = np.zeros((side, side), np.float32)
    angle = float(rng.uniform(0, math.pi))
    reach = np.array([math.cos(angle), math.sin(angle)]) * length / 2
    for share in np.linspace(-1, 1, 4 * side):
        x, y = np.rint(side // 2 + reach * share).astype(int)
        kernel[y, x] += 1
    return cv2.filter2D(image, -1, kernel / kernel.sum()), quads


def defocus(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """A lens out of focus: averaging over a disc."""
    radius = max(0.6, float(rng.uniform(0.03, 0.09)) * min(40.0, text_height(quads)))
    reach = math.ceil(radius)
    grid = np.arange(-reach, reach + 1)
    distance = np.hypot(grid[:, None], grid[None, :])
    kernel = np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)
    return cv2.filter2D(image, -1, kernel / kernel.sum()), quads


def jpeg(image: Image, quads: Quads, rng: Generator, *, least: int = 30) -> tuple[Image, Quads]:
    """Save and load as JPEG of quality `least` to 95."""
    quality = int(rng.integers(least, 96))
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR), quads


@lru_cache(maxsize=4)
def noise_tile(channels: int, *, coarse: bool = False) -> NDArray[np.uint8]:
    """Fixed noise about 128: fresh noise for each page would cost more than all the rest."""
    rng = np.random.default_rng([20160914, channels, int(coarse)])
    tile = rng.standard_normal((NOISE_SIDE, NOISE_SIDE, channels)).astype(np.float32)
    if coarse:
        around = np.pad(tile, ((4, 4), (4, 4), (0, 0)), mode="wrap")
        tile = cv2.GaussianBlur(around, (0, 0), 1.0).reshape(around.shape)[4:-4, 4:-4]
        tile = tile / tile.std()
    return np.clip(128 + NOISE_DEVIATION * tile, 0, 255).astype(np.uint8)


def noise_field(
    height: int, width: int, channels: int, rng: Generator, *, coarse: bool = False
) -> NDArray[np.uint8]:
    """Noise about 128 with deviation 32, (height, width, channels), from a random place."""
    tile = np.roll(
        noise_tile(channels, coarse=coarse), rng.integers(NOISE_SIDE, size=2), axis=(0, 1)
    )
    if rng.random() < 0.5:
        tile = tile[::-1, ::-1]
    repeats = (-(-height // NOISE_SIDE), -(-width // NOISE_SIDE), 1)
    return np.ascontiguousarray(np.tile(tile, repeats)[:height, :width])


def gaussian_noise(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Sensor noise, fine or coarse, gray or colored, deviation 2 to 16."""
    channels = 1 if rng.random() < 0.5 else 3
    field = noise_field(*image.shape[:2], channels, rng, coarse=bool(rng.random() < 0.4))
    if channels == 1:
        field = cv2.cvtColor(field, cv2.COLOR_GRAY2RGB)
    weight = float(rng.uniform(2, 16)) / NOISE_DEVIATION
    return cv2.addWeighted(image, 1.0, field, weight, -128 * weight), quads


def salt_noise(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Single white and black pixels."""
    height, width = image.shape[:2]
    count = int(height * width * rng.uniform(0.0003, 0.006))
    damaged = image.copy()
    places = rng.integers(height * width, size=count)
    damaged.reshape(-1, 3)[places] = np.where(rng.random((count, 1)) < 0.5, 0, 255)
    return damaged, quads


def speckle_noise(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Noise in proportion to brightness."""
    field = noise_field(*image.shape[:2], 1, rng, coarse=True)[..., 0]
    weight = float(rng.uniform(0.1, 0.6))
    field = cv2.convertScaleAbs(field, alpha=weight, beta=128 * (1 - weight))
    return multiply(image, field), quads


def moire(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Bands of a photographed screen: crossed sine gratings, a little different in each color."""
    height, width = image.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    field = np.full((height, width, 3), 128, np.float32)
    depth = float(rng.uniform(4, 16))
    for _ in range(int(rng.integers(1, 3))):
        wave = 2 * math.pi / rng.uniform(3, 40)
        angle = float(rng.uniform(0, math.pi))
        for channel in range(3):
            phase = float(rng.uniform(0, 0.8))
            across = columns * (wave * math.cos(angle)) + phase
            down = rows * (wave * math.sin(angle))
            # sin(a + b) from vectors: no trigonometry per pixel.
            field[..., channel] += depth * (
                np.sin(across) * np.cos(down) + np.cos(across) * np.sin(down)
            )
    return multiply(image, field.clip(0, 255).astype(np.uint8)), quads


def contrast(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Wash out or deepen: gain, offset and gamma of the whole picture."""
    values = np.arange(256, dtype=np.float64) / 255
    gain, gamma = rng.uniform(0.45, 1.0), math.exp(rng.uniform(-0.4, 0.4))
    offset = rng.uniform(0, 1 - gain)
    table = 255 * (offset + gain * values**gamma)
    return cv2.LUT(image, table.clip(0, 255).astype(np.uint8)), quads


def color_cast(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """The tint of lamps and white balance: each channel scaled by itself."""
    gains = rng.uniform(0.8, 1.0, 3)
    gains /= gains.max()
    table = np.arange(256)[:, None] * gains[None, :]
    return cv2.LUT(image, table.astype(np.uint8).reshape(1, 256, 3)), quads


def invert(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Light on dark instead of dark on light."""
    return cv2.bitwise_not(image), quads
