"""Cut line samples out of page samples, with the inaccuracy of a detector."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from common import quads as quad_geometry
from common.arrays import Floats
from recognition.preprocess import UPSCALE_BELOW_HEIGHT
from train.data.samples import MIN_CROP_HEIGHT, Line, LineSample, PageSample, PlacedLine
from train.synth.effects.geometric import move_points

UNIT_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


def line_crops(page: PageSample, rng: Generator, *, jitter: float = 1.0) -> Iterator[LineSample]:
    """Cut every readable line out of a page, with the inaccuracy of a detector.

    Left out are lines that are ignored, empty or tiny, and those that the common cropping rule
    turns on their side (it takes a narrow word for a column).

    Args:
        page: its quads are exact.
        rng: draws the inaccuracy; used once for every line, also for those left out.
        jitter: 0 cuts exactly, 1 as loosely as an ordinary detector.
    """
    for line in page.lines:
        quad = jittered(line.quad, rng, jitter)
        if line.ignore or not line.text or quad_geometry.quad_size(line.quad)[0] < MIN_CROP_HEIGHT:
            continue
        sample = cut(page, line, quad)
        if sample is not None:
            yield sample


def jittered(quad: Floats, rng: Generator, jitter: float) -> Floats:
    """Move the sides of a quad as a detector does: a margin or a cut, a small tilt.

    Amounts are shares of the short side, so that long lines are not cut by more than short ones.
    """
    height, width = quad_geometry.quad_size(quad)
    short = max(min(height, width), 1.0)
    # Outwards more than inwards: a reader forgives background, not missing strokes.
    along = rng.uniform(-0.08, 0.45, 2) * jitter * short / max(width, 1.0)
    across = rng.uniform(-0.06, 0.22, 2) * jitter * short / max(height, 1.0)
    if height > width:
        along, across = (
            rng.uniform(-0.06, 0.22, 2) * jitter * short / max(width, 1.0),
            along * width / height,
        )
    tilt = rng.uniform(-0.05, 0.05, 2) * jitter * short / max(height, 1.0)
    corners = UNIT_SQUARE.copy()
    corners[[0, 3], 0] -= along[0]
    corners[[1, 2], 0] += along[1]
    corners[[0, 1], 1] -= across[0] + tilt * (1, -1)
    corners[[2, 3], 1] += across[1] + tilt * (-1, 1)
    return move_points(corners, unit_map(quad))


def cut(page: PageSample, line: Line, quad: Floats) -> LineSample | None:
    """Cut a line along `quad`, about where the line is, and carry its character positions.

    Returns:
        The sample, or None where the crop comes out on its side.
    """
    image = quad_geometry.crop(page.image, quad, fine=UPSCALE_BELOW_HEIGHT)
    height, width = quad_geometry.quad_size(quad)
    turned = height >= quad_geometry.VERTICAL_RATIO * width
    vertical = isinstance(line, PlacedLine) and line.vertical
    if turned != vertical and len(line.text) > 1:
        return None
    if not isinstance(line, PlacedLine) or len(line.centers) != len(line.text):
        return LineSample(image, line.text)
    length = image.shape[1]
    if turned and not vertical:
        return LineSample(
            image, line.text, np.array([length / 2], np.float32), np.array([length], np.float32)
        )
    if vertical and not turned:
        return LineSample(image, line.text)
    to_crop = np.linalg.inv(unit_map(quad)) @ unit_map(line.quad)
    positions = [
        _along(line.centers + line.widths * side, to_crop, vertical) for side in (-0.5, 0.0, 0.5)
    ]
    left, centers, right = (position * length for position in positions)
    return LineSample(
        image, line.text, centers.astype(np.float32), (right - left).astype(np.float32)
    )


def _along(fractions: Floats, matrix: NDArray[np.float64], vertical: bool) -> Floats:
    points = np.full((len(fractions), 2), 0.5, np.float32)
    points[:, int(vertical)] = fractions
    return move_points(points, matrix)[:, int(vertical)]


def unit_map(quad: Floats) -> NDArray[np.float64]:
    """Return the projective map (3, 3) from the unit square to a quad (4, 2)."""
    return cv2.getPerspectiveTransform(UNIT_SQUARE, quad.astype(np.float32))
