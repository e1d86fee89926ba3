"""Find round and oval red seals on a page, and remove their ink."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image
from common.roles import Reading
from ocr.page.grids import Mask
from ocr.special_settings import Seals

Outline: TypeAlias = NDArray[np.int32]
"""(N, 1, 2) pixels."""


class Seal(NamedTuple):
    """A round or oval seal.

    Attributes:
        x: Of its middle, in pixels of the page turned upright.
        y: Likewise.
        radius: Of its ring; half of the long axis of an oval one.
        flatness: The short axis by the long one; 1 for a round one.
        tilt: Of the long axis in degrees clockwise from level.
        texts: Pictures (H, W, 3) of its texts, dark on white: along the ring, in the middle of an oval one, below it.
        quads: (4, 2) where each is; of those that were read, once they are.
        readings: Of these.
    """

    x: float
    y: float
    radius: float
    flatness: float = 1.0
    tilt: float = 0.0
    texts: tuple[Image, ...] = ()
    quads: tuple[Floats, ...] = ()
    readings: tuple[Reading, ...] = ()

    def on_page(self, along: NDArray[Any], across: NDArray[Any]) -> tuple[Floats, Floats]:
        """Turn pixels from the middle along and across the long axis into x and y on the page."""
        cos, sin = math.cos(math.radians(self.tilt)), math.sin(math.radians(self.tilt))
        x = self.x + cos * along - sin * across
        y = self.y + sin * along + cos * across
        return np.asarray(x, np.float32), np.asarray(y, np.float32)


def redness(image: Image) -> Mask:
    """By how many levels (H, W) red is above green and blue, in a picture (H, W, 3)."""
    red, green, blue = cv2.split(image)
    return np.asarray(cv2.subtract(red, cv2.max(green, blue)), np.uint8)


def find_seals(image: Image, settings: Seals) -> list[Seal]:
    """Find rings of red ink with something in them.

    Args:
        image: (H, W, 3) uint8 RGB, upright.
        settings: Of this step.
    """
    scale = min(1.0, settings.search_side / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    ink = (redness(small) >= settings.min_red).astype(np.uint8)
    if not 0 < ink.mean() <= settings.max_red_share:
        return []
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    found, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    seals = []
    for outline in (np.asarray(each, np.int32) for each in found):
        seal = _round(outline, settings) or _oval(outline, settings)
        if seal is None or seal.radius < settings.min_radius * max(size):
            continue
        if _is_ring(ink, seal, settings):
            seals.append(
                seal._replace(x=seal.x / scale, y=seal.y / scale, radius=seal.radius / scale)
            )
    return seals


def _round(outline: Outline, settings: Seals) -> Seal | None:
    """The circle that an outline nearly fills, if any."""
    (x, y), radius = cv2.minEnclosingCircle(outline)
    area = cv2.contourArea(cv2.convexHull(outline))
    return Seal(x, y, radius) if area >= settings.min_roundness * math.pi * radius**2 else None


def _oval(outline: Outline, settings: Seals) -> Seal | None:
    """The ellipse that an outline nearly fills, if any: lying, not too flat."""
    hull = cv2.convexHull(outline)
    if len(hull) < 5:
        return None
    (x, y), axes, angle = cv2.fitEllipse(hull)
    short, long = sorted(axes)
    if not 0 < settings.min_flatness * long <= short:
        return None
    # OpenCV's angle is that of the first axis; a lying ellipse has its long one near level.
    tilt = (angle + 90 * (axes[1] > axes[0]) + 90) % 180 - 90
    share = cv2.contourArea(hull) / (math.pi / 4 * short * long)
    if abs(tilt) > settings.max_tilt or not settings.min_roundness <= share <= 1.1:
        return None
    return Seal(x, y, long / 2, short / long, tilt)


def _is_ring(ink: Mask, seal: Seal, settings: Seals) -> bool:
    """Whether ink runs around an ellipse, and fills little of it but not nothing."""
    turns = np.linspace(0, 2 * math.pi, 120, endpoint=False)[:, None]
    reach = np.linspace(0, 1.05, 40, endpoint=False)[None] * seal.radius
    x, y = seal.on_page(reach * np.cos(turns), reach * np.sin(turns) * seal.flatness)
    turned = cv2.remap(ink, x, y, cv2.INTER_NEAREST)
    edge, inner = turned[:, 34:], turned[:, :32]
    around = float(edge.any(axis=1).mean())
    return around >= settings.min_around and 0.02 <= float(inner.mean()) <= settings.max_fill


def without_seals(image: Image, seals: list[Seal], settings: Seals) -> Image:
    """A page whose seals are as light as its paper; dark text below them stays.

    In red light, so to speak: red ink is nearly as light as paper there.
    """
    page = image.copy()
    for seal in seals:
        reach = seal.radius * 1.05
        x0, y0 = max(0, int(seal.x - reach)), max(0, int(seal.y - reach))
        part = page[y0 : math.ceil(seal.y + reach), x0 : math.ceil(seal.x + reach)]
        red = part[:, :, 0]
        is_ink = redness(part) >= settings.min_red
        if not is_ink.any() or is_ink.all():
            continue
        paper, ink = float(np.median(red[~is_ink])), float(np.quantile(red[is_ink], 0.1))
        light = np.minimum(red * (paper / max(ink, 1.0)), paper).astype(np.uint8)
        inside = np.zeros(red.shape, np.uint8)
        middle = round(seal.x - x0), round(seal.y - y0)
        axes = math.ceil(reach), math.ceil(reach * seal.flatness)
        cv2.ellipse(inside, middle, axes, seal.tilt, 0, 360, 1, cv2.FILLED)
        near = cv2.dilate(is_ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        grown = near & (inside > 0)
        part[grown] = light[grown][:, None]
    return page
