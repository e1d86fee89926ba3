"""Find round red seals on a page, remove their ink, and unroll their text to level lines."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from common.arrays import Floats, Image
from common.quads import boxes_to_quads
from common.roles import Reading
from ocr.page.grids import Mask
from ocr.special_settings import Seals


class Seal(NamedTuple):
    """A round seal.

    Attributes:
        x: Of its middle, in pixels of the page turned upright.
        y: Likewise.
        radius: Of its ring.
        texts: Pictures (H, W, 3) of its texts, dark on white: what runs along the ring, what stands below the middle.
        quads: (4, 2) where each is; of those that were read, once they are.
        readings: Of these.
    """

    x: float
    y: float
    radius: float
    texts: tuple[Image, ...] = ()
    quads: tuple[Floats, ...] = ()
    readings: tuple[Reading, ...] = ()


def redness(image: Image) -> Mask:
    """By how many levels (H, W) red is above green and blue, in a picture (H, W, 3)."""
    red, green, blue = cv2.split(image)
    return np.asarray(cv2.subtract(red, cv2.max(green, blue)), np.uint8)


def find_seals(image: Image, settings: Seals) -> list[Seal]:
    """Find rings of red ink with something in them, and cut out their texts.

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
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    seals = []
    for outline in outlines:
        (x, y), radius = cv2.minEnclosingCircle(outline)
        if radius < settings.min_radius * max(size):
            continue
        if cv2.contourArea(cv2.convexHull(outline)) < settings.min_roundness * math.pi * radius**2:
            continue
        if _is_ring(ink, x, y, radius, settings):
            seals.append(_with_texts(image, Seal(x / scale, y / scale, radius / scale)))
    return seals


def _is_ring(ink: Mask, x: float, y: float, radius: float, settings: Seals) -> bool:
    """Whether ink runs around a circle, and fills little of it but not nothing."""
    turned = cv2.warpPolar(ink, (40, 120), (x, y), radius * 1.05, cv2.INTER_NEAREST)
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
        cv2.circle(
            inside, (round(seal.x - x0), round(seal.y - y0)), math.ceil(reach), 1, cv2.FILLED
        )
        near = cv2.dilate(is_ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        grown = near & (inside > 0)
        part[grown] = light[grown][:, None]
    return page


def _with_texts(image: Image, seal: Seal) -> Seal:
    """Cut out what a seal says: along its ring, unrolled from below on the left, and below its middle."""
    red = redness(image)
    dark = np.asarray(255 - np.minimum(red.astype(np.float32) * 2, 255), np.uint8)
    x, y, radius = seal.x, seal.y, seal.radius
    rows = max(16, round(radius))
    size = rows, round(2 * math.pi * 0.75 * radius)
    around = np.asarray(cv2.warpPolar(dark, size, (x, y), radius, cv2.INTER_LINEAR), np.uint8)
    # One row an angle, clockwise from the right: turned so that it begins below, and the rim is above.
    strip = np.roll(around, -len(around) // 4, axis=0).T[::-1]
    skipped = len(around) // 10
    ring = _inked(strip[round(0.08 * rows) : round(0.48 * rows), skipped:-skipped])
    left, right = max(0, round(x - radius / 2)), round(x + radius / 2)
    top = max(0, round(y + 0.3 * radius))
    below = _inked(dark[top : round(y + 0.82 * radius), left:right])
    texts, quads = [], []
    if ring is not None:
        texts.append(ring[0])
        quads.append(
            boxes_to_quads(
                np.array([[x - radius, y - radius, x + radius, y + radius]], np.float32)
            )[0]
        )
    if below is not None:
        texts.append(below[0])
        x0, y0, x1, y1 = below[1]
        box = [left + x0, top + y0, left + x1, top + y1]
        quads.append(boxes_to_quads(np.array([box], np.float32))[0])
    return seal._replace(texts=tuple(texts), quads=tuple(quads))


def _inked(grey: Mask) -> tuple[Image, tuple[int, int, int, int]] | None:
    """The highest run of rows with ink, from its first to its last column, with a margin; and its box."""
    ink = grey < 160
    steps = np.diff(np.concatenate([[0], (ink.sum(axis=1) > 1).astype(np.int8), [0]]))
    runs = list(
        zip(np.flatnonzero(steps > 0).tolist(), np.flatnonzero(steps < 0).tolist(), strict=True)
    )
    if not runs:
        return None
    top, bottom = max(runs, key=lambda run: run[1] - run[0])
    columns = np.flatnonzero(ink[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    if bottom - top < 8 or right - left < bottom - top:
        return None
    part = np.pad(grey[top:bottom, left:right], max(2, (bottom - top) // 10), constant_values=255)
    return np.ascontiguousarray(np.repeat(part[:, :, None], 3, axis=2)), (left, top, right, bottom)
