"""STN-OCR: a localizer says where words are, each is cut out and read; nobody told it where words were.

Bartz et al. 2017, "STN-OCR: A single Neural Network for Text Detection and Text Recognition". README.md says where this
differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from common.arrays import Floats, Image, Network, Quads, Scores
from common.quads import boxes_to_quads, crop
from common.roles import Reading, Spotted
from detection.preprocess import normalize
from recognition.preprocess import UPSCALE_BELOW_HEIGHT
from recognition.recognizer import Recognizer

SIDE = 192
"""Pixels of the square that the localizer sees."""

REGIONS = 4
"""Words that are found at most."""

COLUMNS = 128
"""Columns at which a region is sampled in training, whatever its shape, at the recognizer's height."""


def squared(image: Image) -> tuple[Image, float]:
    """Shrink or enlarge a picture (H, W, 3) into the localizer's square, its border repeated beside it.

    Returns:
        (SIDE, SIDE, 3), with the picture at the upper left, and pixels of it in one of the picture.
    """
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, size, interpolation=how)
    below, beside = SIDE - size[1], SIDE - size[0]
    padded = cv2.copyMakeBorder(resized, 0, below, 0, beside, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8), scale


def boxes(regions: Floats) -> Floats:
    """Return the boxes (R, 4) in pixels of the square of regions (R, 4).

    A region is an affine map without rotation and shear: the middle x and y and the half sides, from -1 to 1.
    """
    middle, half = regions[:, :2], regions[:, 2:]
    corners = np.concatenate([middle - half, middle + half], axis=1)
    return np.asarray((np.clip(corners, -1, 1) + 1) * (SIDE / 2), np.float32)


class Spotter:
    """Find and read the few words of a picture. Threads may share one.

    Args:
        trunk: (1, 3, SIDE, SIDE) float32 to regions (1, REGIONS, 4), see `boxes`.
        head: (N, 1, 32, W) float32 to log-probabilities, as of any recognizer.
        charset: the characters in class order, as one string.
        margin: share of its height by which a line grows; none here, as regions were learned by what is read in them.
        reading: further arguments of `recognition.recognizer.Recognizer`.
    """

    def __init__(
        self,
        trunk: Network,
        head: Network,
        *,
        charset: str,
        margin: float = 0.0,
        reading: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._localize = trunk
        self._recognizer = Recognizer(head, charset=charset, **reading)
        self.confidence = self._recognizer.confidence

    def __call__(self, image: Image, /) -> Spotted:
        """Return the regions in which something was read; one that overlaps a surer one by half is left out."""
        quads = self._regions(image)
        crops = [crop(image, quad, fine=UPSCALE_BELOW_HEIGHT) for quad in quads]
        readings = self.read(crops)
        kept = _apart(quads, readings)
        scores = np.array([readings[i].score for i in kept], np.float32)
        return Spotted(quads[kept], scores, tuple(readings[i] for i in kept))

    def find(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        """Find words alone, as a `common.roles.Detector`: that there is one, reading tells."""
        found = self(image)
        return found.quads, found.scores

    def read(self, crops: Sequence[Image], /) -> list[Reading]:
        """Read cut-out lines, as a `common.roles.Recognizer`."""
        return self._recognizer(crops)

    def _regions(self, image: Image) -> Quads:
        square, scale = squared(image)
        (regions,) = self._localize(normalize(square))
        height, width = image.shape[:2]
        found = boxes(regions[0]) / scale
        found = np.clip(found, 0, np.array([width, height, width, height], np.float32))
        wide = (found[:, 2:] - found[:, :2]).min(axis=1) >= 1
        return boxes_to_quads(found[wide])


def _apart(quads: Quads, readings: Sequence[Reading]) -> list[int]:
    """Number the regions with text, in their order, without those half covered by a surer one."""
    sizes = [np.concatenate([quad[0], quad[2]]) for quad in quads]
    kept: list[int] = []
    for i in sorted(range(len(readings)), key=lambda i: -readings[i].score):
        if readings[i].text and all(_covered(sizes[i], sizes[k]) < 0.5 for k in kept):
            kept.append(i)
    return sorted(kept)


def _covered(box: Floats, by: Floats) -> float:
    """Share of a box (4,) that lies in another."""
    shared = np.minimum(box[2:], by[2:]) - np.maximum(box[:2], by[:2])
    return float(np.prod(np.maximum(shared, 0)) / max(np.prod(box[2:] - box[:2]), 1e-6))
