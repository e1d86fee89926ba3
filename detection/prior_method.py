"""Share what the methods of priors have in common: targets from matches, decoding by joining the parts of lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Quads
from detection.cells import centers
from detection.crossings import without_crossings
from detection.method import Bools, Lines, Output
from detection.parts import joined, rows_of
from detection.priors import LEVELS, Priors, Reach, VisibleLine, all_windows, grid, match
from detection.quads import clockwise, lines_of, rectangles
from detection.suppression import strongest


def outputs_of(priors: Priors, values: int) -> Mapping[str, Output]:
    """Return the maps of a method: for each level probabilities, and so many offsets, of every prior."""
    outputs, count = {}, len(priors.windows)
    for level in LEVELS:
        outputs[f"text{level}"] = Output((count,), level)
        outputs[f"offsets{level}"] = Output((count, values), level)
    return MappingProxyType(outputs)


@dataclass(frozen=True)
class PriorMethod(ABC):
    """A method whose priors tell the lines near them.

    Attributes:
        score_threshold: least probability of a prior.
        line_threshold: least mean probability of the priors that tell a line.
        nms_threshold: IoU above which the weaker of two lines goes.
        max_candidates: priors that are decoded, the surest first, and a tenth as many pieces of lines: bounds time on
            noise.
        min_height: pixels of a line in the network's input.
    """

    score_threshold: float = 0.5
    line_threshold: float = 0.6
    nms_threshold: float = 0.2
    max_candidates: int = 15000
    min_height: float = 5.0

    stride: ClassVar[int] = LEVELS[-1]
    level: ClassVar[bool] = False
    """Whether parts are upright boxes."""
    fitted: ClassVar[tuple[str, ...]] = ("score_threshold", "line_threshold")
    max_degrees: ClassVar[float]
    priors: ClassVar[Priors]
    reach: ClassVar[Reach]
    outputs: ClassVar[Mapping[str, Output]]

    @abstractmethod
    def encode(self, windows: Quads, parts: Quads) -> Floats:
        """Return the offsets (M, V) of parts of lines (M, 4, 2), clockwise, from their priors' windows (M, 4, 2)."""

    @abstractmethod
    def place(self, windows: Quads, offsets: Floats) -> Quads:
        """Return the parts (M, 4, 2) that offsets (M, V) tell; inverse of `encode`, but for the first corner."""

    @abstractmethod
    def overlaps(self, parts: Quads, windows: Quads) -> Floats:
        """Return how much parts of lines (M, 4, 2) have in common with windows (M, 4, 2), from 0 to 1."""

    def line_of(self, quad: Floats, size: tuple[int, int]) -> VisibleLine | None:
        """Return a quad (4, 2), clockwise, as a line along its longer sides; None where it is unknown."""
        sides = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
        stands = sides[0] + sides[2] < sides[1] + sides[3]
        return VisibleLine.of(np.roll(quad, -1, axis=0) if stands else quad, size)

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the maps should be, and where.

        Returns:
            For each level `text` (R, C, A) int8: 1 for priors of text, 0 for background, -1 where that is unknown; and
            `offsets` (R, C, A, V) where it is 1.
        """
        quads = clockwise(np.asarray(quads, np.float32).reshape(-1, 4, 2))
        lines = [
            None if one else self.line_of(quad, size)
            for quad, one in zip(quads, ignore, strict=True)
        ]
        labels, parts = match(quads, lines, size, self.priors, self.reach, self.overlaps)
        text = labels == 1
        values = self.outputs[f"offsets{LEVELS[0]}"].shape[1]
        offsets = np.zeros((len(labels), values), np.float32)
        offsets[text] = self.encode(all_windows(self.priors, size)[text], parts[text])
        targets: dict[str, Any] = {}
        start = 0
        for level, shape in zip(LEVELS, grid(self.priors, size), strict=True):
            stop = start + int(np.prod(shape))
            targets[f"text{level}"] = labels[start:stop].reshape(shape)
            targets[f"offsets{level}"] = offsets[start:stop].reshape(*shape, values)
            start = stop
        return targets

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return texts of 0 and 1, and offsets."""
        return {
            name: (targets[name] == 1).astype(np.float32)
            if name.startswith("text")
            else targets[name]
            for name in self.outputs
        }

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Place the parts that priors tell, join those of one line, and drop the weaker of two lines in one place."""
        surest = [self._surest(maps[f"text{level}"]) for level in LEVELS]
        scores = [
            maps[f"text{level}"].ravel()[one] for level, one in zip(LEVELS, surest, strict=True)
        ]
        least = _threshold(np.concatenate(scores), self.max_candidates)
        parts = []
        for level, numbers, score in zip(LEVELS, surest, scores, strict=True):
            kept = score >= least
            quads = self._placed(maps[f"offsets{level}"], numbers[kept], level)
            parts.append(rows_of(quads, score[kept]))
        rows, counts = joined(
            np.concatenate(parts), max(self.max_candidates // 10, 1), level=self.level
        )
        sure = rows[:, 6] >= self.line_threshold
        rows, counts = rows[sure], counts[sure]
        # What is found at a wrong size is found by few.
        found = rectangles(rows[:, :2], rows[:, 2:4], rows[:, 4], rows[:, 5])
        best = strongest(found, rows[:, 6] * counts, self.nms_threshold)
        return lines_of(without_crossings(rows[best]), self.min_height)

    def _surest(self, text: Floats) -> NDArray[np.intp]:
        return np.flatnonzero(text.ravel() >= self.score_threshold)

    def _placed(self, offsets: Floats, numbers: NDArray[np.intp], level: int) -> Quads:
        """Return the parts (M, 4, 2) that the priors of some numbers (M,) of a level tell."""
        rows, cols, kinds, values = offsets.shape
        cells, kind = np.divmod(numbers, kinds)
        points = centers((slice(0, rows), slice(0, cols)), level).reshape(-1, 2)[cells]
        windows = self.priors.at(points, kind, level)
        return self.place(windows, offsets.reshape(-1, values)[numbers])


def _threshold(scores: Floats, most: int) -> float:
    """Return the least score of those (K,) that are among the greatest."""
    return float(np.partition(scores, len(scores) - most)[-most]) if len(scores) > most else 0.0
