"""EAST as a method of `detection`: every cell in the middle of a line tells the whole line's rectangle.

Zhou et al. 2017, with rotated boxes (RBOX). For each cell the network tells whether it lies in the inner part of a
line, how far the four sides of the line's rectangle are from it, and by which angle that is turned. A cell must see
both ends of its line; departures are what that asks for: the network has the recurrent layer of the CTPN along the
rows; distances are exponentials and have no largest value; a line that the picture or a tile cuts ends there, cut
across its own direction; connected cells agree on one angle; and what overlaps along one line is joined, instead of
the weaker part being dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Network, Quads
from detection import detector
from detection.cells import CELL, cells_around, centers
from detection.crossings import without_crossings
from detection.detector import split_config
from detection.links import Edges
from detection.method import Bools, Lines, Output
from detection.pieces import fitted, inside_picture, lines_of_pieces
from detection.quads import clockwise, corners, inside_distance, lines_of
from detection.suppression import Merged, average_alike, merge_neighbors, suppress

SHRINK = 0.3
"""Share of the short side by which every side moves inwards (section 3.3.1)."""

MIN_HEIGHT = 6.0
"""Pixels of a line below which it counts neither as text nor as background."""

AGREED = float(np.deg2rad(20))
"""Radians from the mean of connected cells within which an angle is averaged with theirs."""

BLOCK = 16
"""Cells along and across, of which those that agree are averaged before anything else."""


@dataclass(frozen=True)
class EAST:
    """EAST (Zhou et al. 2017) with rotated boxes.

    Attributes:
        score_threshold: least probability of a cell.
        line_threshold: least mean probability of a line's cells.
        merge_threshold: IoU above which the rectangles of two cells beside each other are one.
        nms_threshold: IoU above which the weaker of two lines goes.
        max_candidates: rectangles, each of cells that agree, that are merged, those of most cells first: bounds time
            on noise.
        min_height: pixels of a line in the network's input.
    """

    score_threshold: float = 0.5
    line_threshold: float = 0.6
    merge_threshold: float = 0.5
    nms_threshold: float = 0.2
    max_candidates: int = 3000
    min_height: float = 5.0

    stride: ClassVar[int] = 16
    fitted: ClassVar[tuple[str, ...]] = ("score_threshold", "line_threshold")
    max_degrees: ClassVar[float] = 180.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType(
        {"score": Output((), CELL), "distances": Output((4,), CELL), "angle": Output((), CELL)}
    )

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the maps should be, and where (section 3.3).

        Returns:
            `score` (R, C) of 0 and 1; `known` (R, C) bool: where it counts; `distances` (R, C, 4) in pixels to the top,
            right, bottom and left side, and `angle` (R, C) in radians, from -pi / 4 to pi / 4: where the score is 1.
        """
        shape = size[0] // CELL, size[1] // CELL
        score, known = np.zeros(shape, np.float32), np.ones(shape, np.bool_)
        distances, angle = np.zeros((*shape, 4), np.float32), np.zeros(shape, np.float32)
        quads = clockwise(np.asarray(quads, np.float32).reshape(-1, 4, 2))
        fits = [fitted(quad) for quad in quads]
        # Where lines overlap, a cell belongs to the smallest of them.
        for number in sorted(range(len(quads)), key=lambda n: -fits[n][4] * fits[n][5]):
            place = cells_around(quads[number], 0, *shape)
            points = centers(place)
            rectangle = inside_picture(fits[number], size)
            if rectangle is None or ignore[number] or fits[number][5] < MIN_HEIGHT:
                known[place] &= inside_distance(quads[number], points) < 0
                continue
            to_sides, turn = _sides(rectangle, points)
            inner = _inner(to_sides, rectangle[5])
            score[place][inner] = 1
            distances[place][inner] = to_sides[inner]
            angle[place][inner] = turn
        return {
            "score": score,
            "known": known | (score == 1),
            "distances": distances,
            "angle": angle,
        }

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return scores of 0 and 1, distances and angles."""
        return {name: targets[name] for name in self.outputs}

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Make rectangles of cells, merge those beside each other, join parts of lines, drop the weaker ones."""
        score = maps["score"]
        mask = score >= self.score_threshold
        cells = np.flatnonzero(mask)
        angle = agreed(maps["angle"], score * mask)
        quads = _quads(cells, maps["distances"].reshape(-1, 4)[cells], angle)
        merged = average_alike(quads, score.ravel()[cells], *_beside(mask))
        if len(merged.quads) > self.max_candidates:
            best = np.argpartition(-merged.weights, self.max_candidates)
            chosen = np.sort(best[: self.max_candidates])
            merged = Merged(*(one[chosen] for one in merged))
        merged = merge_neighbors(merged, self.merge_threshold)
        merged = suppress(merged, self.merge_threshold)
        lines = lines_of_pieces(merged, self.nms_threshold)
        lines = without_crossings(lines[lines[:, 6] >= self.line_threshold])
        return lines_of(lines, self.min_height)


def _sides(rectangle: Floats, points: Floats) -> tuple[Floats, float]:
    """Return distances (..., 4) of points to the sides of a rectangle (6,), and its angle.

    The frame is the one turned least: what is called its top, right, bottom and left is so in the picture.
    """
    center, (right, down), length, height = rectangle[:2], rectangle[2:4], *rectangle[4:]
    wide, high = float(length), float(height)
    if abs(down) > abs(right):
        (right, down), (wide, high) = (-down, right), (high, wide)
    if right < 0:
        right, down = -right, -down
    offset = points - center
    x = offset[..., 0] * right + offset[..., 1] * down
    y = offset[..., 1] * right - offset[..., 0] * down
    sides = np.stack([high / 2 + y, wide / 2 - x, high / 2 - y, wide / 2 + x], axis=-1)
    return sides.astype(np.float32), float(np.arctan2(down, right))


def agreed(angle: Floats, weights: Floats) -> Floats:
    """Average the angles (R, C) of connected cells, by their weights (R, C); cells without weight keep theirs.

    They are of one line, since lines are shrunk, and it has one direction: where a line is thirty heights long, two
    degrees put its end half a height off. A cell that is turned further than `AGREED` from the mean is of another line.
    """
    _, group = cv2.connectedComponents((weights > 0).astype(np.uint8), connectivity=8)
    mean = _means(group, angle, weights)
    near = np.abs(angle - mean) < AGREED
    mean = _means(group, angle, weights * near)
    return np.where(near & (weights > 0), mean, angle).astype(np.float32)


def _means(group: NDArray[Any], values: Floats, weights: Floats) -> Floats:
    """Return for each cell (R, C) the weighted mean of its group."""
    numbers = group.ravel()
    total = np.bincount(numbers, (weights * values).ravel())
    means: Floats = (total / np.maximum(np.bincount(numbers, weights.ravel()), 1e-9))[group]
    return means


def _inner(to_sides: Floats, height: float) -> Bools:
    """Tell which points lie in the inner part of a line, by their distances to its sides; at least one does."""
    inside = to_sides.min(axis=-1)
    # Of low lines the inner part is still a cell high, or none might have its middle there.
    inner: Bools = inside >= min(SHRINK * height, (height - CELL) / 2)
    if inside.size and not inner.any() and inside.max() > 0:
        inner = inside == inside.max()
    return inner


def _beside(mask: Bools) -> Edges:
    """Return the numbers (E,) of cells that are set, and of those to their right and below in one block that are, too.

    Where ends are not seen, rectangles move along with their cells. Over a whole line their mean would be short of it.
    """
    number = np.zeros(mask.shape, np.intp)
    number[mask] = np.arange(int(mask.sum()))
    right, below = mask[:, :-1] & mask[:, 1:], mask[:-1] & mask[1:]
    right[:, BLOCK - 1 :: BLOCK] = False
    below[BLOCK - 1 :: BLOCK] = False
    first = np.concatenate([number[:, :-1][right], number[:-1][below]])
    return first, np.concatenate([number[:, 1:][right], number[1:][below]])


def _quads(cells: NDArray[np.intp], distances: Floats, angle: Floats) -> Quads:
    """Return the rectangles (K, 4, 2) that cells (K,) tell, from the corner between top and left."""
    row, col = np.divmod(cells, angle.shape[1])
    points = (np.stack([col, row], axis=1) + 0.5) * CELL
    turn = angle.ravel()[cells]
    along = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    top, right, bottom, left = (distances[:, k, None] for k in range(4))
    middle = points + along * (right - left) / 2 + across * (bottom - top) / 2
    return corners(np.concatenate([middle, along, left + right, top + bottom], axis=1))


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with an EAST network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to probabilities (1, H / 4, W / 4), distances
            (1, H / 4, W / 4, 4) and angles (1, H / 4, W / 4).
        config: fields of `EAST` and of `detection.scales.ScaleSettings`, arguments of `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(EAST, config)
        super().__init__(network, method, **rest)


Method = EAST
"""What `detection.METHODS` takes."""
