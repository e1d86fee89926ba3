"""TextBoxes as a method of `detection`: upright boxes from long priors, for lines that are about level.

Liao et al. 2017, "TextBoxes: A Fast Text Detector with a Single Deep Neural Network". Departures: the priors of a level
are of one height, not of one area, and reach 12 heights instead of ten; longer lines, and slanted ones, are told in
parts (`detection.priors`), whose boxes are joined along the line; four levels instead of six.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from common.arrays import Floats, Network, Quads
from common.quads import VERTICAL_RATIO
from detection import detector
from detection.detector import split_config
from detection.method import Output
from detection.overlap import box_overlaps, hulls
from detection.prior_method import PriorMethod, outputs_of
from detection.priors import Priors, Reach, VisibleLine, rectangles_at, twice

RATIOS = (1.0, 2.0, 4.0, 7.0, 12.0)
"""Width by height of the priors."""

STEEPEST = 20.0
"""Degrees from which a line is neither text nor background: its boxes would be of other lines, too."""

VARIANCES = (0.1, 0.2)
"""What offsets of middles, in sides, and logarithms of sides are divided by, as in the published systems."""


@dataclass(frozen=True)
class TextBoxes(PriorMethod):
    """TextBoxes (Liao et al. 2017); for the settings see `PriorMethod`."""

    level: ClassVar[bool] = True
    max_degrees: ClassVar[float] = 8.0
    priors: ClassVar[Priors] = twice(
        rectangles_at([(ratio, 1.0) for ratio in RATIOS]), np.array([0.0, 0.5])
    )
    reach: ClassVar[Reach] = Reach(most=RATIOS[-1], rise=0.3, least=1.0)
    outputs: ClassVar[Mapping[str, Output]] = outputs_of(priors, 4)

    def line_of(self, quad: Floats, size: tuple[int, int]) -> VisibleLine | None:
        """Return a quad (4, 2), clockwise, as a line along its most level sides; None for columns and steep lines."""
        edges = np.roll(quad, -1, axis=0) - quad
        along = edges / np.maximum(np.linalg.norm(edges, axis=1), 1e-6)[:, None]
        first = int(np.argmax(along[:, 0]))
        line = VisibleLine.of(np.roll(quad, -first, axis=0), size)
        if line is None or np.abs(along[first, 1]) > np.sin(np.deg2rad(STEEPEST)):
            return None
        return line if line.height < VERTICAL_RATIO * line.length else None

    def encode(self, windows: Quads, parts: Quads) -> Floats:
        """Return offsets (M, 4) of the middle, in sides of the prior, and logarithms of the sides' ratios."""
        (middle, sides), (own, prior) = _boxes(parts), _boxes(windows)
        offsets = [(middle - own) / prior / VARIANCES[0], np.log(sides / prior) / VARIANCES[1]]
        return np.concatenate(offsets, axis=1).astype(np.float32)

    def place(self, windows: Quads, offsets: Floats) -> Quads:
        """Return the boxes that offsets tell, as quads (M, 4, 2)."""
        own, prior = _boxes(windows)
        middle = own + offsets[:, :2] * prior * VARIANCES[0]
        sides = prior * np.exp(np.clip(offsets[:, 2:] * VARIANCES[1], -4, 4))
        corners = sides[:, None] / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        return np.asarray(middle[:, None] + corners, np.float32)

    def overlaps(self, parts: Quads, windows: Quads) -> Floats:
        """Return the IoU of the boxes that stand for parts with windows."""
        middle, sides = _boxes(parts)
        boxes = np.concatenate([middle - sides / 2, middle + sides / 2], axis=1)
        return box_overlaps(boxes, hulls(windows))


def _boxes(quads: Quads) -> tuple[Floats, Floats]:
    """Return middle and sides (M, 2) of boxes as high as parts of lines are, not as their hulls are."""
    left, right = quads[:, [0, 3]].mean(axis=1), quads[:, [1, 2]].mean(axis=1)
    width = np.maximum(np.abs(right - left)[:, 0], 1e-3)
    down = np.abs(quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]) / 2
    # The side of a slanted part leans: what is straight below is higher by as much as it leaves the axis.
    lean = np.abs((right - left)[:, 1]) / width
    height = np.maximum(down[:, 1] + down[:, 0] * lean, 1e-3)
    return (left + right) / 2, np.stack([width, height], axis=1)


class Detector(detector.Detector):
    """Find lines that are about level in a picture, with a TextBoxes network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 64 to the maps of `TextBoxes.outputs`.
        config: fields of `TextBoxes` and of `detection.scales.ScaleSettings`, arguments of
            `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(TextBoxes, config)
        super().__init__(network, method, **rest)


Method = TextBoxes
"""What `detection.METHODS` takes."""
