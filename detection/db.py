"""Differentiable Binarization as a method of `detection`: text of any direction, as blobs of its inner part.

Liao et al. 2020. The network tells for each cell whether it belongs to the inner part of a line (probability), and
near the edges of lines from which probability it does (threshold), which is learned through an approximation of the
step function and not needed for decoding. Two departures. The paper shrinks and grows lines by their area over their
perimeter, which takes more than half of the height of a long line and does not give it back; here all sides move by a
fixed share of the short side, the inverse of which is exact for every length. And the targets of cells that the edge
crosses are the part that lies inside, so that a blob's area tells its height to a fraction of a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import cv2
import numpy as np

from common.arrays import Floats, Network, Quads
from detection import detector
from detection.cells import CELL, blobs, cells_around, centers, fit_rectangle
from detection.detector import split_config
from detection.method import Bools, Lines, Output
from detection.quads import clockwise, inside_distance, lines_of, short_side

SHRINK = 0.27
"""Share of the short side by which every side moves inwards: the inner part is 0.46 as high as the line."""

MIN_HEIGHT = 6.0
"""Pixels of a line from which its inner part can be told."""

GROUND_HEIGHT = 4.5
"""Pixels of a line below which it is background: left unknown, paragraphs of such print would be taken for one large
line. What is between counts neither as text nor as background."""

LOWEST, HIGHEST = 0.3, 0.7
"""Of the threshold: far from the edges, and on them (section 3.4)."""


@dataclass(frozen=True)
class DB:
    """Differentiable Binarization (Liao et al. 2020).

    Attributes:
        cell_threshold: least probability of a cell of a line.
        line_threshold: least mean probability of a line.
        min_height: pixels of a line in the network's input.
    """

    cell_threshold: float = 0.3
    line_threshold: float = 0.5
    min_height: float = 5.0

    stride: ClassVar[int] = 16
    fitted: ClassVar[tuple[str, ...]] = ("cell_threshold", "line_threshold")
    max_degrees: ClassVar[float] = 180.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType(
        {"probability": Output((), CELL), "threshold": Output((), CELL)}
    )

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the maps should be, and where.

        Returns:
            `inner` (R, C): part of each cell inside a line's inner part; `known` (R, C) bool: where that counts;
            `threshold` (R, C), and `edge` (R, C) bool: where that counts.
        """
        rows, cols = size[0] // CELL, size[1] // CELL
        inner = np.zeros((rows, cols), np.float32)
        threshold = np.full((rows, cols), LOWEST, np.float32)
        known, edge = np.ones((rows, cols), np.bool_), np.zeros((rows, cols), np.bool_)
        quads = clockwise(np.asarray(quads, np.float32).reshape(-1, 4, 2))
        for quad, height, ignored in zip(quads, short_side(quads), ignore, strict=True):
            reach = SHRINK * float(height)
            place = cells_around(quad, reach, rows, cols)
            inside = inside_distance(quad, centers(place))
            if ignored or GROUND_HEIGHT <= height < MIN_HEIGHT:
                known[place] &= inside < 0
            if ignored or height < MIN_HEIGHT:
                continue
            part = np.clip((inside - reach) / CELL + 0.5, 0, 1)
            np.maximum(inner[place], part, out=inner[place])
            near = np.abs(inside) < reach
            level = HIGHEST - (HIGHEST - LOWEST) * np.abs(inside) / reach
            np.maximum(threshold[place], np.where(near, level, 0), out=threshold[place])
            edge[place] |= near
        return {"inner": inner, "known": known, "threshold": threshold, "edge": edge & known}

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return the inner parts, none where they are unknown, and the thresholds."""
        probability = targets["inner"] * targets["known"]
        return {"probability": probability, "threshold": targets["threshold"]}

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Find blobs, fit the least rectangle to each and move its sides back outwards."""
        probability = maps["probability"]
        mask = (probability >= self.cell_threshold).astype(np.uint8)
        count, labels = cv2.connectedComponents(mask, connectivity=8)
        fits = []
        for blob in blobs(labels, count - 1, probability):
            # Of the cells of a blob, those that the edge crosses say little.
            score = float((blob.values * blob.values).sum() / blob.values.sum())
            if score >= self.line_threshold:
                fits.append((*fit_rectangle(blob, by_gravity=True), score))
        rows = np.array(fits, np.float32).reshape(-1, 7)
        rows[:, 5] /= 1 - 2 * SHRINK
        rows[:, 4] += 2 * SHRINK * rows[:, 5]
        return lines_of(rows, self.min_height)


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with a DB network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to probabilities and thresholds, each
            (1, H / 4, W / 4).
        config: fields of `DB` and of `detection.scales.ScaleSettings`, arguments of `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(DB, config)
        super().__init__(network, method, **rest)


Method = DB
"""What `detection.METHODS` takes."""
