"""DMPNet as a method of `detection`: quads from priors that are turned, matched by the overlap of polygons.

Liu and Jin 2017, "Deep Matching Prior Network: Toward Tighter Multi-Oriented Text Detection". Departures: long lines
are told in parts (`detection.priors`), and these are joined; the slanted windows are rectangles turned by 30 and 60
degrees and a diamond, for any slope; a prior is of text from an overlap of 0.5, as in the other methods, instead of
0.7; offsets are measured from the prior's own corners; the overlap is exact, unless points are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from common.arrays import Floats, Network, Quads
from detection import detector
from detection.detector import split_config
from detection.method import Output
from detection.overlap import middles, quad_overlaps, sampled_overlaps
from detection.prior_method import PriorMethod, outputs_of
from detection.priors import Priors, Reach, rectangles_at, together, twice

RATIOS = (3.0, 6.0, 12.0)
"""Length by height of the windows along an axis."""

SLANTED = 3.0
"""The same of those that are not, turned by `TURNS` degrees."""

TURNS = (-60.0, -30.0, 30.0, 60.0)


@dataclass(frozen=True)
class DMPNet(PriorMethod):
    """DMPNet (Liu and Jin 2017); for the other settings see `PriorMethod`.

    Attributes:
        points: drawn in each part of a line to measure its overlap with priors, 10 000 in the paper (section 3.2); 0
            measures it exactly, which is faster than fifty points are.
    """

    points: int = 0

    max_degrees: ClassVar[float] = 180.0
    priors: ClassVar[Priors] = together(
        twice(rectangles_at([(1.0, 1.0)]), np.array([0.5, 0.5])),
        twice(rectangles_at([(ratio, 1.0) for ratio in RATIOS]), np.array([0.0, 0.5])),
        twice(rectangles_at([(1.0, ratio) for ratio in RATIOS]), np.array([0.5, 0.0])),
        *(
            Priors(rectangles_at([(ratio, 1.0)], degrees), np.zeros((1, 2), np.float32))
            for ratio, degrees in ((1.0, 45.0), *((SLANTED, turn) for turn in TURNS))
        ),
    )
    reach: ClassVar[Reach] = Reach(most=RATIOS[-1], rise=0.8, least=SLANTED)
    outputs: ClassVar[Mapping[str, Output]] = outputs_of(priors, 10)

    def encode(self, windows: Quads, parts: Quads) -> Floats:
        """Return offsets (M, 10) of the middle, in sides of the prior's hull, and of the corners from it.

        Corners are in the order of `in_sequence` (section 3.3).
        """
        middle, own = middles(parts)[:, None], middles(windows)[:, None]
        corners = (in_sequence(parts) - middle) - (in_sequence(windows) - own)
        offsets = np.concatenate([middle - own, corners], axis=1) / _sides(windows)
        return np.asarray(offsets.reshape(-1, 10), np.float32)

    def place(self, windows: Quads, offsets: Floats) -> Quads:
        """Return the quads (M, 4, 2) that offsets tell."""
        moved = offsets.reshape(-1, 5, 2) * _sides(windows)
        return np.asarray(in_sequence(windows) + moved[:, :1] + moved[:, 1:], np.float32)

    def overlaps(self, parts: Quads, windows: Quads) -> Floats:
        """Return the IoU of parts and windows as polygons."""
        if not self.points:
            return quad_overlaps(parts, windows)
        drawn = np.random.default_rng(0).random((self.points, 2), np.float32)
        return sampled_overlaps(parts, windows, drawn)


def in_sequence(quads: Quads) -> Quads:
    """Return quads (M, 4, 2), clockwise and convex, from the corner that their shape alone decides (section 3.3).

    It is the left end of the steeper diagonal, the one that descends more, so that a small turn of a level quad or of
    an upright one does not change it.
    """
    slopes, firsts = [], []
    for first, other in ((0, 2), (1, 3)):
        way = quads[:, other] - quads[:, first]
        back = (way[:, 0] < 0) | ((way[:, 0] == 0) & (way[:, 1] < 0))
        way = np.where(back[:, None], -way, way)
        slopes.append(np.arctan2(way[:, 1], way[:, 0]))
        firsts.append(np.where(back, other, first))
    begin = np.where(slopes[0] >= slopes[1], *firsts)
    order = (begin[:, None] + np.arange(4)) % 4
    return np.asarray(np.take_along_axis(quads, order[:, :, None], axis=1), np.float32)


def _sides(windows: Quads) -> Floats:
    """Width and height of the hulls, (M, 1, 2)."""
    return np.asarray(np.ptp(windows, axis=1)[:, None], np.float32)


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with a DMPNet network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 64 to the maps of `DMPNet.outputs`.
        config: fields of `DMPNet` and of `detection.scales.ScaleSettings`, arguments of
            `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(DMPNet, config)
        super().__init__(network, method, **rest)


Method = DMPNet
"""What `detection.METHODS` takes."""
