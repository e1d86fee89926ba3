"""FOTS: EAST finds lines, and they are read from the features that it found them by.

Liu et al. 2018, "FOTS: Fast Oriented Text Spotting with a Unified Network". README.md says where this differs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, cast

import cv2
import numpy as np

from common.arrays import Floats, Image, Network, Quads, Scores
from common.quads import boxes_to_quads, enlarged
from common.roles import Reading, Spotted
from detection import detector
from detection.cells import CELL
from detection.detector import split_config
from detection.east import EAST
from detection.method import Output
from recognition.preprocess import HEIGHT, MAX_WIDTH, MIN_WIDTH, RIGHT_PADDING
from recognition.recognizer import Recognizer
from spotting.method import Head
from spotting.roi_rotate import places, read_size

FEATURES = {"near": 32, "wide": 64}
"""Channels of the features that are read from: what the trunk sees at stride 2, and at stride 4."""

MAX_PIXELS = 8_000_000
"""Of a resized picture: features take 48 bytes for each."""


class FOTS(EAST):
    """EAST, whose network also gives the features that lines are read from; thresholds are those of EAST."""

    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType(
        {
            **EAST.outputs,
            "near": Output((FEATURES["near"],), CELL // 2),
            "wide": Output((FEATURES["wide"],), CELL),
        }
    )


class Features(NamedTuple):
    """What the first network saw of a picture at one scale."""

    near: Floats
    """(1, C, H / 2, W / 2)."""
    wide: Floats
    """(1, C, H / 4, W / 4)."""
    scale: tuple[float, float]
    """Pixels of the network's input, along x and y, in one of the picture."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the network's input, padding included."""
        return CELL * self.wide.shape[2], CELL * self.wide.shape[3]


def features_of(maps: Mapping[str, Floats], scale: tuple[float, float]) -> Features:
    """Take the features out of the network's maps, each (R, C, channels)."""
    near, wide = (np.ascontiguousarray(maps[name].transpose(2, 0, 1))[None] for name in FEATURES)
    return Features(near, wide, scale)


class Finder(detector.Detector):
    """A detector that keeps the features of its passes."""

    _size: tuple[int, ...] = (1, 1)
    _passes: list[Features] | None = None

    def with_features(self, image: Image) -> tuple[Quads, Scores, list[Features]]:
        """Find lines, and return with them what was seen at each scale."""
        once = copy.copy(self)  # threads may share this one
        once._size, once._passes = image.shape[:2], []
        quads, scores = once(image)
        return quads, scores, once._passes

    def maps_of(self, resized: Image) -> dict[str, Floats]:
        """Do as any detector does."""
        maps = super().maps_of(resized)
        if self._passes is not None:
            (high, wide), (height, width) = resized.shape[:2], self._size
            self._passes.append(features_of(maps, (wide / width, high / height)))
        return maps


class Roi(NamedTuple):
    """A line on the features that it is read from."""

    quad: Floats
    """(4, 2) in pixels of the network's input."""
    features: Features

    @property
    def shape(self) -> tuple[float, float]:
        """(height, width) of the line as it is read."""
        return read_size(self.quad)


class RoiReader(Recognizer):
    """A recognizer that reads features, in place of pictures of lines.

    Args:
        head: the second network.
        config: arguments of `Recognizer`.
    """

    def __init__(self, head: Head, **config: Any) -> None:  # noqa: ANN401
        super().__init__(head, **config)
        self._head = head

    def read(self, rois: Sequence[Roi]) -> list[Reading]:
        """Return one reading for each."""
        return self(cast(Any, rois))

    def answers(self, crops: Sequence[Any], widths: Sequence[int]) -> Sequence[Any]:
        """Return log-probabilities of each `Roi`, at its width."""
        columns = -(-(max(widths) + RIGHT_PADDING) // self.stride) * self.stride
        grids = [
            places(roi.quad, roi.features.size, width, columns)
            for roi, width in zip(crops, widths, strict=True)
        ]
        rows: list[Floats] = [np.zeros(0, np.float32)] * len(grids)
        for features in {id(roi.features): roi.features for roi in crops}.values():
            chosen = [i for i, roi in enumerate(crops) if roi.features is features]
            grid = np.stack([grids[i] for i in chosen])
            (found,) = self._head(grid, near=features.near, wide=features.wide)
            for i, row in zip(chosen, found, strict=True):
                rows[i] = row
        return (rows,)


class Spotter:
    """Find and read the lines of a picture. Threads may share one.

    Args:
        trunk: (1, 3, H, W) float32 with H and W multiples of 16 to what `FOTS.outputs` names.
        head: reads from its features.
        charset: the characters in class order, as one string.
        margin: share of its height by which a line grows on each side before it is read.
        reading: further arguments of `recognition.recognizer.Recognizer`.
        config: fields of `FOTS` and of `detection.scales.ScaleSettings`, arguments of `detection.detector.Detector`.
    """

    def __init__(
        self,
        trunk: Network,
        head: Head,
        *,
        charset: str,
        margin: float = 0.08,
        reading: Mapping[str, Any] = MappingProxyType({}),
        **config: Any,  # noqa: ANN401
    ) -> None:
        method, rest = split_config(FOTS, {"max_pixels": MAX_PIXELS, **config})
        assert isinstance(method, FOTS)
        self._finder = Finder(trunk, method, **rest)
        self._reader = RoiReader(head, charset=charset, **reading)
        self._margin = margin
        self.confidence = self._reader.confidence

    def __call__(self, image: Image, /) -> Spotted:
        """Return lines with what was read on them."""
        quads, scores, passes = self._finder.with_features(image)
        rois = [self._roi(enlarged(quad, self._margin), passes) for quad in quads]
        return Spotted(quads, scores, tuple(self._reader.read(rois)))

    def find(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        """Find lines alone, as a `common.roles.Detector`."""
        return self._finder(image, min_side=min_side)

    def read(self, crops: Sequence[Image], /) -> list[Reading]:
        """Read cut-out lines, as a `common.roles.Recognizer`: each is looked at as a picture of its own."""
        return self._reader.read([self._whole(crop) for crop in crops])

    def _roi(self, quad: Floats, passes: Sequence[Features]) -> Roi:
        """Place a line of the picture on the pass in which it is nearest to the height that lines are read at."""

        def octaves(features: Features) -> float:
            height, _ = read_size(quad * features.scale)
            return abs(math.log2(max(height, 1.0) / HEIGHT))

        best = min(passes, key=octaves)
        return Roi(np.asarray(quad * best.scale, np.float32), best)

    def _whole(self, crop: Image) -> Roi:
        height, width = crop.shape[:2]
        if not height or not width:
            return Roi(np.zeros((4, 2), np.float32), _NOTHING)
        wide = int(np.clip(round(width * HEIGHT / height), MIN_WIDTH, MAX_WIDTH))
        how = cv2.INTER_AREA if height > HEIGHT else cv2.INTER_CUBIC
        resized = np.asarray(cv2.resize(crop, (wide, HEIGHT), interpolation=how), np.uint8)
        features = features_of(self._finder.maps_of(resized), (1.0, 1.0))
        box = np.array([[0, 0, wide, HEIGHT]], np.float32)
        return Roi(boxes_to_quads(box)[0], features)


_NOTHING = Features(
    np.zeros((1, FEATURES["near"], 0, 0), np.float32),
    np.zeros((1, FEATURES["wide"], 0, 0), np.float32),
    (1.0, 1.0),
)
