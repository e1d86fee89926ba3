"""Provide backgrounds: photographs of a folder, or textures made by code, and paper."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from common.arrays import Image
from train.synth.effects.photometric import multiply, noise_field

MAX_SIDE = 1024
"""Photographs are kept at this size at most: a page needs no more, and memory is per worker."""

KEPT = 48
"""Decoded photographs kept at a time."""


def photograph_paths(folder: Path) -> list[Path]:
    """List the photographs directly in a folder, in an order that does not depend on the machine."""
    return [
        p for p in sorted(Path(folder).iterdir()) if p.suffix.lower() in {".jpg", ".jpeg", ".png"}
    ]


class Backgrounds:
    """Grounds for pages.

    Args:
        paths: photographs, in an order that does not depend on the machine.
    """

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self._paths = tuple(paths)
        self._kept: OrderedDict[int, Image] = OrderedDict()

    @classmethod
    def load(cls, folder: Path | None = None) -> Backgrounds:
        """List the photographs directly in `folder`; None makes all grounds by code.

        Raises:
            FileNotFoundError: the folder holds no .jpg, .jpeg or .png file.
        """
        if folder is None:
            return cls()
        paths = photograph_paths(folder)
        if not paths:
            raise FileNotFoundError(
                f"no .jpg or .png pictures in {folder}; expected photographs without text"
            )
        return cls(paths)

    def photo(self, rng: Generator, height: int, width: int) -> Image:
        """A part of a photograph at the size asked for; scenery where there are no photographs."""
        if not self._paths:
            return scenery(rng, height, width)
        picture = self._decoded(int(rng.integers(len(self._paths))))
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
        # A part at least a third as large as the result, so that enlarging leaves some detail.
        rows, columns = picture.shape[:2]
        fit = min(rows / height, columns / width)
        share = float(rng.uniform(min(fit, 0.5), fit))
        part_height, part_width = max(1, int(height * share)), max(1, int(width * share))
        top = int(rng.integers(rows - part_height + 1))
        left = int(rng.integers(columns - part_width + 1))
        part = picture[top : top + part_height, left : left + part_width]
        how = cv2.INTER_AREA if share > 1 else cv2.INTER_CUBIC
        return cv2.resize(part, (width, height), interpolation=how)

    def _decoded(self, number: int) -> Image:
        kept = self._kept.get(number)
        if kept is None:
            path = self._paths[number]
            data = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
            if data is None:
                raise ValueError(f"{path} is no picture; take it out of the folder of backgrounds")
            scale = min(1.0, MAX_SIDE / max(data.shape[:2]))
            if scale < 1:
                data = cv2.resize(data, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            kept = cv2.cvtColor(data, cv2.COLOR_BGR2RGB)
            self._kept[number] = kept
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(number)
        return kept


def color(rng: Generator, *, dark: bool | None = None, vivid: bool = False) -> tuple[int, int, int]:
    """A random color; `dark` or light where asked, saturated where `vivid`."""
    hue, saturation = (
        float(rng.random() * 180),
        float(rng.uniform(0.55, 1.0) if vivid else rng.random() ** 1.5),
    )
    value = float(rng.uniform(0.05, 1.0))
    if dark is not None:
        value = float(rng.uniform(0.05, 0.4) if dark else rng.uniform(0.8, 1.0))
        saturation *= 1.0 if dark else 0.4
    pixel = np.array([[[hue, 255 * saturation, 255 * value]]]).astype(np.uint8)
    red, green, blue = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue


def plain(height: int, width: int, fill: tuple[int, int, int]) -> Image:
    """One color."""
    image = np.empty((height, width, 3), np.uint8)
    # Row by row copies are several times faster than filling pixel by pixel.
    image[0] = fill
    image[1:] = image[0]
    return image


def gradient(
    height: int, width: int, first: tuple[int, int, int], last: tuple[int, int, int], angle: float
) -> Image:
    """From one color to another along a direction in radians."""
    small_y, small_x = np.mgrid[0:32, 0:32].astype(np.float32) / 31
    share = small_x * math.cos(angle) + small_y * math.sin(angle)
    share = ((share - share.min()) / max(float(np.ptp(share)), 1e-6))[..., None]
    small = (1 - share) * np.array(first) + share * np.array(last)
    return cv2.resize(small.astype(np.float32), (width, height)).astype(np.uint8)


def paper(rng: Generator, height: int, width: int) -> Image:
    """Nearly white, sometimes tinted, mostly flat; grain is left to `train.synth.effects.paper`."""
    white = 255 if rng.random() < 0.5 else int(rng.integers(225, 256))
    tint = rng.integers(0, 8, 3) if rng.random() < 0.3 else np.zeros(3, int)
    red, green, blue = (white - tint).tolist()
    return plain(height, width, (red, green, blue))


def blobs(rng: Generator, height: int, width: int) -> Image:
    """Soft patches of a few colors, with detail at several scales."""
    small = np.zeros((4, 4, 3), np.float32)
    base = np.array(color(rng), np.float32)
    small += base
    for side in (4, 9, 20, 48, 120):
        small = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
        small += rng.normal(0, 150 / side**0.6, (side, side, 1)) + rng.normal(
            0, 60 / side**0.6, (side, side, 3)
        )
    return cv2.resize(
        small.clip(0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )


def stripes(rng: Generator, height: int, width: int) -> Image:
    """Shutters, boards and bricks: parallel bands across, down or both."""
    image = plain(height, width, color(rng))
    pitch = int(rng.integers(8, 70))
    other = color(rng)
    upright = rng.random() < 0.4
    for place in range(0, max(height, width), pitch):
        thick = max(1, int(pitch * rng.uniform(0.08, 0.5)))
        if upright:
            image[:, place : place + thick] = other
        else:
            image[place : place + thick] = other
    if rng.random() < 0.4:
        for row, place in enumerate(range(0, height, pitch)):
            for x in range((row % 2) * pitch, width, 2 * pitch):
                image[place : place + pitch, x : x + 2] = other
    return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 2.0)))


def texture(rng: Generator, height: int, width: int) -> Image:
    """A wall, a table, cloth: one color with grain."""
    image = plain(height, width, color(rng))
    stretch = (int(rng.integers(1, 12)), int(rng.integers(1, 12)))
    grain = noise_field(height // stretch[0] + 1, width // stretch[1] + 1, 1, rng, coarse=True)[
        ..., 0
    ]
    grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
    depth = float(rng.uniform(0.05, 0.4))
    return multiply(image, cv2.convertScaleAbs(grain, alpha=depth, beta=128 * (1 - depth)))


def scenery(rng: Generator, height: int, width: int) -> Image:
    """A stand-in for a photograph: one of the grounds above, with a few shapes before it."""
    makers = (blobs, stripes, texture)
    image = makers[int(rng.integers(len(makers)))](rng, height, width)
    for _ in range(int(rng.integers(0, 9))):
        corners = rng.uniform(-0.1, 1.1, (int(rng.integers(3, 6)), 2)) * (width, height)
        cv2.fillPoly(image, [cv2.convexHull(corners.astype(np.int32))], color(rng), cv2.LINE_AA)
    return image
