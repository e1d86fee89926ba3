"""Count how well text was found, by the protocols of the ICDAR competitions.

Counts of pictures are added first and divided last, as both protocols do. The matching that this project states its
figures in (best overlap first, IoU of 0.5 included) is `train.evaluate.page_metrics.match_boxes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

IOU = 0.5
"""ICDAR 2015: a pair must overlap by more than this."""
IGNORED_SHARE = 0.5
"""ICDAR 2015: a polygon with more than this share of its area inside one ignored polygon counts neither way."""
AREA_RECALL = 0.8
"""DetEval: share of a true box that must be covered."""
AREA_PRECISION = 0.4
"""DetEval: share of a found box that must lie on the truth."""
SPLIT_WEIGHT = 0.8
"""DetEval: credit of a true box found in pieces, and of each piece."""


@dataclass(frozen=True)
class BoxCounts:
    """What is added up over pictures.

    Attributes:
        recalled: true regions found; a fraction where DetEval gives part of the credit.
        precise: found regions that are right.
        n_true: true regions without the ignored.
        n_pred: found regions without the ignored.
    """

    recalled: float = 0.0
    precise: float = 0.0
    n_true: int = 0
    n_pred: int = 0

    def __add__(self, other: BoxCounts) -> BoxCounts:
        return BoxCounts(
            self.recalled + other.recalled,
            self.precise + other.precise,
            self.n_true + other.n_true,
            self.n_pred + other.n_pred,
        )

    @property
    def recall(self) -> float:
        """Share of the truth that was found; 1 where there is nothing to find."""
        return self.recalled / self.n_true if self.n_true else 1.0

    @property
    def precision(self) -> float:
        """Share of what was found that is right; where nothing was found, 1 if nothing was there, else 0."""
        if self.n_pred:
            return self.precise / self.n_pred
        return 0.0 if self.n_true else 1.0

    @property
    def hmean(self) -> float:
        """Harmonic mean of recall and precision; 0 where both are."""
        if not self.n_true or not self.n_pred:
            total = self.recall + self.precision
            return 2 * self.recall * self.precision / total if total else 0.0
        # Over one denominator, so that whole counts give the exact 2 tp / (n_true + n_pred).
        total = self.recalled * self.n_pred + self.precise * self.n_true
        return 2 * self.recalled * self.precise / total if total else 0.0


def icdar2015(
    found: Sequence[ArrayLike], true: Sequence[ArrayLike], ignore: Sequence[bool]
) -> BoxCounts:
    """Match polygons one to one at an IoU above 0.5, as the ICDAR 2015 (task 4.1) evaluation does.

    A found polygon with more than half of its area inside one ignored polygon is left out before matching. The rest
    is matched in the order given, true polygons outside, found ones inside. Of texts nothing is compared, so there is
    no normalization.

    Args:
        found: polygons of three or more corners each, (K, 2), in pixels.
        true: the same, the ignored (### in the files) among them.
        ignore: which of `true` are ignored.
    """
    _check(true, ignore)
    found_shapes, true_shapes = _polygons(found), _polygons(true)
    shared = _shared(true_shapes, found_shapes)
    found_areas, true_areas = _areas(found_shapes), _areas(true_shapes)
    ignored = (shared[np.asarray(ignore, bool)] > IGNORED_SHARE * found_areas).any(axis=0)
    union = true_areas[:, None] + found_areas[None] - shared
    overlaps = shared > IOU * union
    free = ~ignored
    matched = 0
    for i in np.flatnonzero(~np.asarray(ignore, bool)):
        candidates = np.flatnonzero(overlaps[i] & free)
        if len(candidates):
            free[candidates[0]] = False
            matched += 1
    n_true, n_pred = len(true) - sum(map(bool, ignore)), int((~ignored).sum())
    return BoxCounts(matched, matched, n_true, n_pred)


def deteval(
    found: Sequence[ArrayLike], true: Sequence[ArrayLike], ignore: Sequence[bool]
) -> BoxCounts:
    """Match boxes one to one, one to many and many to one, as the ICDAR 2013 (task 2.1) evaluation does.

    DetEval (Wolf and Jolion 2006) with area recall 0.8 and area precision 0.4: a line that is found in pieces earns 0.8
    for itself and for each piece, lines found in one box earn 1 each and the box 1. A found box with more than 0.4 of
    its area inside one ignored box is left out. Of texts nothing is compared, so there is no normalization.

    Edges are exclusive here; the files of ICDAR 2013 name the last pixel inside, so add 1 to their right and lower
    edges when reading them.

    Args:
        found: boxes as (x0, y0, x1, y1), or corners (K, 2) whose upright bounds are taken.
        true: the same, the ignored among them.
        ignore: which of `true` are ignored.
    """
    _check(true, ignore)
    found_boxes, true_boxes = _bounds(found), _bounds(true)
    shared = _box_overlap(true_boxes, found_boxes)
    found_areas, true_areas = _box_areas(found_boxes), _box_areas(true_boxes)
    recall = shared / np.maximum(true_areas[:, None], 1e-9)
    precision = shared / np.maximum(found_areas[None], 1e-9)
    ignored = np.asarray(ignore, bool)
    kept = np.ix_(~ignored, ~(precision[ignored] > AREA_PRECISION).any(axis=0))
    good = (recall >= AREA_RECALL) & (precision >= AREA_PRECISION)
    # As in the competition's program, what is left out still spoils being the only partner.
    single = _only_of_row_and_column(good)[kept]
    near = _center_distance(true_boxes, found_boxes)[kept] < 1
    return _DetEval(recall[kept], precision[kept], single & near).counts()


class _DetEval:
    """The three rounds of matching over (true, found) shares; what is taken in one is gone in the next."""

    def __init__(
        self,
        recall: NDArray[np.float64],
        precision: NDArray[np.float64],
        pairs: NDArray[np.bool_],
    ) -> None:
        self.recall, self.precision, self.pairs = recall, precision, pairs
        self.true_free = np.ones(recall.shape[0], bool)
        self.found_free = np.ones(recall.shape[1], bool)
        self.recalled = self.precise = 0.0

    def counts(self) -> BoxCounts:
        self._one_to_one()
        self._one_to_many()
        self._many_to_one()
        return BoxCounts(self.recalled, self.precise, *self.recall.shape)

    def _take(self, true: Any, found: Any, recalled: float, precise: float) -> None:  # noqa: ANN401
        self.true_free[true] = False
        self.found_free[found] = False
        self.recalled += recalled
        self.precise += precise

    def _one_to_one(self) -> None:
        """Take pairs that fit and of which neither touches anything else."""
        for i, j in np.argwhere(self.pairs & _only_of_row_and_column(self.recall > 0)):
            self._take(i, j, 1.0, 1.0)

    def _one_to_many(self) -> None:
        """Take true boxes that several found ones touch and that the precise ones among them cover."""
        for i in range(len(self.true_free)):
            parts = np.flatnonzero(self.found_free & (self.precision[i] >= AREA_PRECISION))
            covered = round(float(self.recall[i, parts].sum()), 4) >= AREA_RECALL
            if not (self.true_free[i] and covered and (self.recall[i] > 0).sum() >= 2):
                continue
            weight = 1.0 if len(parts) == 1 else SPLIT_WEIGHT
            self._take(i, parts, weight, weight * len(parts))

    def _many_to_one(self) -> None:
        """Take found boxes that touch several true ones and that the covered ones among them fill."""
        for j in range(len(self.found_free)):
            parts = np.flatnonzero(self.true_free & (self.recall[:, j] >= AREA_RECALL))
            filled = round(float(self.precision[parts, j].sum()), 4) >= AREA_PRECISION
            if self.found_free[j] and filled and (self.recall[:, j] > 0).sum() >= 2:
                self._take(parts, j, float(len(parts)), 1.0)


def _check(true: Sequence[ArrayLike], ignore: Sequence[bool]) -> None:
    if len(true) != len(ignore):
        raise ValueError(
            f"{len(true)} true regions but {len(ignore)} flags, expected one flag for each region"
        )


def _polygons(regions: Sequence[ArrayLike]) -> NDArray[np.object_]:
    """Polygons of shapely; a ring that crosses itself is taken apart into what it encloses."""
    import shapely  # training alone needs it

    shapes = [shapely.Polygon(np.asarray(region, np.float64).reshape(-1, 2)) for region in regions]
    out = np.empty(len(shapes), object)
    out[:] = [shape if shape.is_valid else shapely.make_valid(shape) for shape in shapes]
    return out


def _areas(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    import shapely

    return np.asarray(shapely.area(shapes), np.float64)


def _shared(a: NDArray[np.object_], b: NDArray[np.object_]) -> NDArray[np.float64]:
    """(len(a), len(b)) areas of the intersections."""
    import shapely

    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    return np.asarray(shapely.area(shapely.intersection(a[:, None], b[None])), np.float64)


def _bounds(regions: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """(M, 4) boxes of boxes or of corners."""
    out = np.zeros((len(regions), 4))
    for row, region in zip(out, regions, strict=True):
        corners = np.asarray(region, np.float64).reshape(-1, 2)
        row[:2], row[2:] = corners.min(axis=0), corners.max(axis=0)
    return out


def _box_areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), np.float64)


def _box_overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2), np.float64)


def _center_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(len(a), len(b)) distances of the boxes' centers in means of their diagonals."""
    centers = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (a, b)]
    diagonals = [np.linalg.norm(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    distance = np.linalg.norm(centers[0][:, None] - centers[1][None], axis=2)
    total = diagonals[0][:, None] + diagonals[1][None]
    return np.asarray(2 * distance / np.maximum(total, 1e-9), np.float64)


def _only_of_row_and_column(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the flags that are the only one of their row and of their column."""
    single = (flags.sum(axis=1) == 1)[:, None] & (flags.sum(axis=0) == 1)[None]
    return np.asarray(flags & single, np.bool_)
