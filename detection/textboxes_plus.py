"""TextBoxes++ as a method of `detection`: quads of any direction from upright priors.

Liao et al. 2018, "TextBoxes++: A Single-Shot Oriented Scene Text Detector". Departures: long lines, and slanted ones,
are told in parts (`detection.priors`), so that the hull of a part is of one line's text, and these are joined; priors
of a level are of one height, and tall ones stand twice side by side; the four offsets of the hull are left out, which
the corners tell; four levels instead of six.
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
from detection.overlap import box_overlaps, hulls
from detection.prior_method import PriorMethod, outputs_of
from detection.priors import Priors, Reach, rectangles_at, together, twice

WIDE = (1.0, 2.0, 5.0, 12.0)
"""Width by height of the priors of level text; tall ones have the inverses."""

VARIANCE = 0.1
"""What offsets, in sides of a prior, are divided by, as in the published system."""

_TURNS = (np.arange(4)[:, None] + np.arange(4)) % 4


@dataclass(frozen=True)
class TextBoxesPlus(PriorMethod):
    """TextBoxes++ (Liao et al. 2018); for the settings see `PriorMethod`."""

    max_degrees: ClassVar[float] = 180.0
    priors: ClassVar[Priors] = together(
        twice(rectangles_at([(ratio, 1.0) for ratio in WIDE]), np.array([0.0, 0.5])),
        twice(rectangles_at([(1.0, ratio) for ratio in WIDE[1:]]), np.array([0.5, 0.0])),
        # The hull of a slanted part is twice as high as its text.
        Priors(rectangles_at([(2.0, 2.0)]), np.zeros((1, 2), np.float32)),
    )
    reach: ClassVar[Reach] = Reach(most=WIDE[-1], rise=1.0, least=2.0)
    outputs: ClassVar[Mapping[str, Output]] = outputs_of(priors, 8)

    def encode(self, windows: Quads, parts: Quads) -> Floats:
        """Return offsets (M, 8) of the corners from the prior's, in its sides (section 3.2).

        The first corner is that from which on they are nearest to the hull's.
        """
        box = hulls(parts)
        hull = box[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
        turned = parts[:, _TURNS]
        apart = np.linalg.norm(turned - hull[:, None], axis=3).sum(axis=2)
        ordered = turned[np.arange(len(parts)), apart.argmin(axis=1)]
        offsets = (ordered - windows) / _sides(windows) / VARIANCE
        return np.asarray(offsets.reshape(-1, 8), np.float32)

    def place(self, windows: Quads, offsets: Floats) -> Quads:
        """Return the quads (M, 4, 2) that offsets tell."""
        moved = offsets.reshape(-1, 4, 2) * _sides(windows) * VARIANCE
        return np.asarray(windows + moved, np.float32)

    def overlaps(self, parts: Quads, windows: Quads) -> Floats:
        """Return the IoU of the hulls of parts with windows (section 3.3)."""
        return box_overlaps(hulls(parts), hulls(windows))


def _sides(windows: Quads) -> Floats:
    """Width and height of boxes, (M, 1, 2)."""
    return (windows[:, 2] - windows[:, 0])[:, None]


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with a TextBoxes++ network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 64 to the maps of `TextBoxesPlus.outputs`.
        config: fields of `TextBoxesPlus` and of `detection.scales.ScaleSettings`, arguments of
            `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(TextBoxesPlus, config)
        super().__init__(network, method, **rest)


Method = TextBoxesPlus
"""What `detection.METHODS` takes."""
