"""Cut out what a seal says: along its ring, unrolled to a level line, in the middle of an oval one, and below that."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from common.arrays import Floats, Image
from ocr.page.grids import Mask
from ocr.page.seal_shapes import Seal, redness
from ocr.special_settings import Seals


class _Box(NamedTuple):
    """A part of a seal along its axes, in pixels from its middle."""

    x0: float
    y0: float
    x1: float
    y1: float


def with_texts(image: Image, seal: Seal, settings: Seals) -> Seal:
    """Cut out the texts of a seal on a page (H, W, 3), dark on white."""
    red = redness(image)
    dark = np.asarray(255 - np.minimum(red.astype(np.float32) * 2, 255), np.uint8)
    a, b = seal.radius, seal.radius * seal.flatness
    found = []
    ring = _inked(_ring(dark, seal, settings))
    if ring is not None:
        found.append((ring[0], _quad(seal, _Box(-a, -b, a, b))))
    boxes = [_Box(-0.5 * a, 0.3 * b, 0.5 * a, 0.82 * b)]
    if seal.flatness < 1:  # a number, where a round one has a star
        boxes.insert(0, _Box(-0.62 * a, -0.28 * b, 0.62 * a, 0.3 * b))
    for box in boxes:
        text = _inked(_level(dark, seal, box))
        if text is not None:
            left, top, right, bottom = text[1]
            own = _Box(box.x0 + left, box.y0 + top, box.x0 + right, box.y0 + bottom)
            found.append((text[0], _quad(seal, own)))
    return seal._replace(
        texts=tuple(text for text, _ in found), quads=tuple(quad for _, quad in found)
    )


def _ring(dark: Mask, seal: Seal, settings: Seals) -> Mask:
    """The ring's text, clockwise from below, without what is below: its characters stand on the rim's normals."""
    a, b = seal.radius, seal.radius * seal.flatness
    begin, end = settings.ring_begin * b, settings.ring_end * b
    turns = np.linspace(0.5 * math.pi, 2.5 * math.pi, 720)
    rim = np.stack([a * np.cos(turns), b * np.sin(turns)])
    normals = np.stack([np.cos(turns) / a, np.sin(turns) / b])
    normals /= np.linalg.norm(normals, axis=0)
    middles = rim - (begin + end) / 2 * normals
    lengths = np.linalg.norm(np.diff(middles), axis=0).cumsum()
    columns = np.linspace(0.1, 0.9, round(0.8 * lengths[-1])) * lengths[-1]
    at = np.interp(columns, np.concatenate([[0], lengths]), np.arange(len(turns)))
    rim, normals = (
        np.stack([np.interp(at, np.arange(len(turns)), each) for each in both])
        for both in (rim, normals)
    )
    depth = np.arange(round(begin), max(round(end), 8))[:, None]
    x, y = seal.on_page(*(rim[i][None] - depth * normals[i][None] for i in range(2)))
    return np.asarray(cv2.remap(dark, x, y, cv2.INTER_LINEAR, borderValue=(255.0,)), np.uint8)


def _level(dark: Mask, seal: Seal, box: _Box) -> Mask:
    """A part of a seal, upright."""
    along = np.arange(box.x0, box.x1, dtype=np.float32)[None]
    across = np.arange(box.y0, box.y1, dtype=np.float32)[:, None]
    x, y = seal.on_page(along + 0 * across, across + 0 * along)
    return np.asarray(cv2.remap(dark, x, y, cv2.INTER_LINEAR, borderValue=(255.0,)), np.uint8)


def _quad(seal: Seal, box: _Box) -> Floats:
    """A box as a quad (4, 2) on the page."""
    along = np.array([box.x0, box.x1, box.x1, box.x0], np.float32)
    across = np.array([box.y0, box.y0, box.y1, box.y1], np.float32)
    return np.stack(seal.on_page(along, across), axis=1)


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
