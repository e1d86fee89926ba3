"""FTSN as a method of `detection`: proposals, and masks put together from position-sensitive maps.

Dai et al. 2018, "Fused Text Segmentation Networks for Multi-oriented Scene Text Detection". A first map proposes boxes;
of each box, nine maps tell what lies inside a line's upper left part, its upper middle one and so on, and the mask of a
box is put together from the maps of its nine parts: so two lines that touch come apart, because the end of the one is
the beginning of the other. Departures: proposals are told by each cell itself instead of by anchors; they hold the
piece of a line around the cell (`pieces.py`), since lines may be 40 times as long as high; of a mask the part that
holds the proposing cell counts, since boxes of slanted lines overlap; pieces of one line are joined before Mask-NMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Floats, Network, Quads
from detection import detector
from detection.cells import CELL, blobs, cells_around, centers, fit_rectangle
from detection.crossings import without_crossings
from detection.detector import split_config
from detection.method import Bools, Lines, Output
from detection.pieces import fitted, inside_picture, join_pieces, nearest_lines, on_axis, pieces
from detection.quads import clockwise, corners, inside_distance, lines_of
from detection.suppression import Merged

STRIDE = 8
"""Of the proposals; masks are at stride 4."""

PARTS = 3
"""Of a box, along each of its sides; 7 in the paper."""

MIN_HEIGHT = 8.0
"""Pixels of a line that is two cells high in a mask; lower ones count neither as text nor as background."""

MARGIN = CELL
"""Pixels around a box that are looked at, as parts of those at its border."""

INSIDE = 0.5
"""Probability from which a cell is of a mask."""


@dataclass(frozen=True)
class FTSN:
    """FTSN (Dai et al. 2018).

    Attributes:
        proposal_threshold: least probability of a proposal.
        object_threshold: least mean probability that what a box holds is a line.
        line_threshold: least mean probability of the cells of a line's masks.
        box_threshold: IoU of boxes above which the weaker of two proposals goes.
        mask_threshold: part of the lesser of two lines above which, shared, the weaker goes (Mask-NMS).
        max_candidates: proposals of a pass, the best ones, and
        max_pieces: of these whose masks are put together: both bound time on noise.
        min_height: pixels of a line in the network's input.
    """

    proposal_threshold: float = 0.5
    object_threshold: float = 0.5
    line_threshold: float = 0.6
    box_threshold: float = 0.7
    mask_threshold: float = 0.5
    max_candidates: int = 20000
    max_pieces: int = 3000
    min_height: float = 5.0

    stride: ClassVar[int] = 16
    fitted: ClassVar[tuple[str, ...]] = ("line_threshold",)
    max_degrees: ClassVar[float] = 180.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType({
        "proposal": Output((), STRIDE),
        "sides": Output((4,), STRIDE),
        "inside": Output((PARTS * PARTS,), CELL),
        "either": Output((PARTS * PARTS,), CELL),
    })  # fmt: skip

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the maps should be, and where.

        Returns:
            At stride 8 `line` (R, C) int16: the number of the line that a cell proposes, from 1, 0 for background, -1
            where it does not count; `sides` (R, C, 4): pixels to the left, upper, right and lower side of the box of
            its piece. At stride 4 `part` (R, C): of each cell inside a line; `owner` (R, C) int16: which line, from 1;
            `known` (R, C) bool: where that is.
        """
        shape, fine = (size[0] // STRIDE, size[1] // STRIDE), (size[0] // CELL, size[1] // CELL)
        line, sides = np.zeros(shape, np.int16), np.zeros((*shape, 4), np.float32)
        part, owner = np.zeros(fine, np.float32), np.zeros(fine, np.int16)
        known = np.ones(fine, np.bool_)
        lines: list[Floats] = []
        for quad, ignored in zip(clockwise(np.asarray(quads)), ignore, strict=True):
            rectangle = inside_picture(fitted(quad), size)
            place = cells_around(quad, CELL, *fine)
            own = np.clip(inside_distance(quad, centers(place)) / CELL + 0.5, 0, 1)
            if rectangle is None or ignored or rectangle[5] < MIN_HEIGHT:
                known[place] &= own == 0
                beside = cells_around(quad, STRIDE, *shape, STRIDE)
                outside = inside_distance(quad, centers(beside, STRIDE)) < -STRIDE / 2
                line[beside] = np.where(outside, line[beside], -1)
                continue
            lines.append(rectangle)
            known[place] &= (own == 0) | (part[place] == 0)  # where lines meet
            owner[place] = np.where(own > part[place], len(lines), owner[place])
            part[place] = np.maximum(part[place], own)
        nearest, _ = nearest_lines(np.array(lines).reshape(-1, 6), shape, STRIDE, STRIDE)
        for number, rectangle in enumerate(lines, 1):
            rows, cols = np.nonzero(nearest == number)
            points = (np.stack([cols, rows], axis=1) + 0.5) * STRIDE
            on = on_axis(rectangle, points, STRIDE)
            line[rows, cols] = np.where(on, number, -1)
            sides[rows, cols] = _sides(pieces(rectangle, points), points)
        return {"line": line, "sides": sides, "part": part, "owner": owner, "known": known}

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return proposals of 0 and 1, and in the maps of each box's parts what lies inside its line."""
        line, part, owner = targets["line"], targets["part"] * targets["known"], targets["owner"]
        inside = np.zeros((*part.shape, PARTS * PARTS), np.float32)
        either = np.zeros_like(inside)
        cells = np.argwhere(line > 0)
        for (row, col), box in zip(cells, _boxes(cells, targets["sides"][line > 0]), strict=True):
            place = _parts(box, part.shape)
            own = part[place[:2]] * (owner[place[:2]] == line[row, col])
            inside[place] = np.maximum(inside[place], own)
            either[place] = 1
        proposal = (line > 0).astype(np.float32)
        return {"proposal": proposal, "sides": targets["sides"], "inside": inside, "either": either}

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Put the masks of the proposals together, fit a rectangle to each, join pieces, and keep the strongest."""
        score = maps["proposal"]
        cells = np.argwhere(score >= self.proposal_threshold)
        order = np.argsort(-score[tuple(cells.T)], kind="stable")[: self.max_candidates]
        cells = cells[order]
        boxes = _boxes(cells, maps["sides"][tuple(cells.T)])
        kept = _strongest(boxes, self.box_threshold)[: self.max_pieces]
        found = []
        for cell, box in zip(cells[kept], boxes[kept], strict=True):
            rectangle = self._mask(maps, cell, box)
            if rectangle is not None:
                found.append(rectangle)
        rows = np.array(found, np.float32).reshape(-1, 7)
        merged = Merged(corners(rows), rows[:, 6], np.ones(len(rows), np.float32))
        lines = mask_nms(*join_pieces(merged), self.mask_threshold)
        lines = without_crossings(lines[lines[:, 6] >= self.line_threshold])
        return lines_of(lines, self.min_height)

    def _mask(
        self, maps: Mapping[str, Floats], cell: NDArray[np.intp], box: Floats
    ) -> tuple[float, ...] | None:
        """Return the rectangle around the mask of one box and its mean probability, (7,)."""
        place = _parts(box, maps["inside"].shape[:2])
        inside = maps["inside"][place]
        if not inside.size or maps["either"][place].mean() < self.object_threshold:
            return None
        top, left = place.rows[0, 0], place.cols[0, 0]
        _, labels = cv2.connectedComponents((inside >= INSIDE).astype(np.uint8), connectivity=4)
        row, col = cell * (STRIDE // CELL) - (top, left)
        own = labels[max(row, 0) : row + STRIDE // CELL, max(col, 0) : col + STRIDE // CELL]
        counts = np.bincount(own.ravel(), minlength=2)
        if not counts[1:].any():
            return None
        mask = labels == counts[1:].argmax() + 1
        (blob,) = blobs(mask.astype(np.intp), 1, inside)
        x, y, *rest = fit_rectangle(blob, by_gravity=True)
        return x + left * CELL, y + top * CELL, *rest, float(blob.values.mean())


class _Place(NamedTuple):
    """Of the cells of a box, as an index of the maps of parts."""

    rows: NDArray[np.intp]
    """(R, 1)."""
    cols: NDArray[np.intp]
    """(1, C)."""
    parts: NDArray[np.intp]
    """(R, C) the part of the box in which each cell is."""


def _parts(box: Floats, shape: tuple[int, ...]) -> _Place:
    """Return the cells of a box (4,) and its margin in maps of (rows, columns), and the part of each."""
    ranges, parts = [], []
    for axis, cells in ((1, shape[0]), (0, shape[1])):
        low, high = float(box[axis]), float(box[axis + 2])
        first = int(np.floor((low - MARGIN) / CELL + 0.5))
        last = int(np.ceil((high + MARGIN) / CELL - 0.5))
        which = np.arange(min(max(first, 0), cells), min(max(last, 0), cells))
        ranges.append(which)
        middle = ((which + 0.5) * CELL - low) / max(high - low, 1e-6)
        parts.append(np.clip((PARTS * middle).astype(np.intp), 0, PARTS - 1))
    down, across = parts
    return _Place(ranges[0][:, None], ranges[1][None], down[:, None] * PARTS + across[None])


def _sides(rectangles: Floats, points: Floats) -> Floats:
    """Return the distances (K, 4) of points (K, 2) to the sides of the boxes around rectangles (K, 6), at least 1."""
    quads = corners(rectangles)
    sides = np.concatenate([points - quads.min(axis=1), quads.max(axis=1) - points], axis=1)
    return np.asarray(np.maximum(sides, 1), np.float32)


def _boxes(cells: NDArray[np.intp], sides: Floats) -> Boxes:
    """Return the boxes (K, 4) that cells (K, 2), row and column, tell by the distances to their sides (K, 4)."""
    points = (cells[:, ::-1] + 0.5) * STRIDE
    boxes = np.concatenate([points - sides[:, :2], points + sides[:, 2:]], axis=1)
    return boxes.astype(np.float32)


def _strongest(boxes: Boxes, threshold: float) -> NDArray[np.intp]:
    """Return the numbers of boxes (K, 4), the best first, that overlap none before them by more than an IoU."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    left, kept = np.arange(len(boxes)), []
    while len(left):
        best, rest = left[0], left[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        left = rest[shared <= threshold * (areas[best] + areas[rest] - shared)]
    return np.array(kept, np.intp)


def mask_nms(rows: Floats, weights: Floats, threshold: float) -> Floats:
    """Drop of two lines that share too much of the lesser one the one of less weight (section III-D).

    The overlap is the greater of the parts of either (maximum intersection): a word may be found within its line, and
    the IoU of the two is small.

    Args:
        rows: (M, 7) as `quads.lines_of` takes them.
        weights: (M,).
        threshold: of the overlap.
    """
    quads, left, kept = corners(rows), np.argsort(-weights, kind="stable"), []
    areas = rows[:, 4] * rows[:, 5]
    low, high = quads.min(axis=1), quads.max(axis=1)
    while len(left):
        best, rest = left[0], left[1:]
        kept.append(best)
        beside = ((low[rest] < high[best]) & (high[rest] > low[best])).all(axis=1)
        gone = np.zeros(len(rest), np.bool_)
        for number in np.flatnonzero(beside).tolist():
            other = rest[number]
            shared, _ = cv2.intersectConvexConvex(quads[best] - low[best], quads[other] - low[best])
            gone[number] = shared > threshold * min(areas[best], areas[other])
        left = rest[~gone]
    return rows[np.array(kept, np.intp)]


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with an FTSN network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to the maps of `FTSN.outputs`.
        config: fields of `FTSN` and of `detection.scales.ScaleSettings`, arguments of `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(FTSN, config)
        super().__init__(network, method, **rest)


Method = FTSN
"""What `detection.METHODS` takes."""
