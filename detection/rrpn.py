"""RRPN as a method of `detection`: rotated anchors, and a second stage that scores and moves what they propose.

Ma et al. 2018, "Arbitrary-Oriented Scene Text Detection via Rotation Proposals". Anchors of four heights, three ratios
and six angles at every cell of stride 16 propose rotated boxes; features are sampled inside each proposal, whatever
its angle (RRoI pooling), and a second stage tells from these whether it is text and how it should be moved. Departures:
a cell proposes its best anchor alone, so that both stages are maps of one network and the sampling is inside its graph;
and an anchor learns the piece of its line around the cell, since a line may be 40 times as long as high and the paper's
longest anchors are 8 times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Network, Quads
from detection import detector
from detection.cells import cells_around, centers
from detection.crossings import without_crossings
from detection.detector import split_config
from detection.method import Bools, Lines, Output
from detection.overlap import quad_overlaps
from detection.pieces import fitted, inside_picture, lines_of_pieces, nearest_lines, on_axis, pieces
from detection.quads import clockwise, corners, inside_distance, lines_of
from detection.suppression import Merged, strongest

STRIDE = 16

HEIGHTS = (10.0, 20.0, 40.0, 80.0)
"""Pixels of the anchors; each finds what is up to twice as high or half as high as itself."""

RATIOS = (2.0, 5.0, 8.0)
"""Lengths in heights (section 3.3)."""

ANGLES = (-30.0, 0.0, 30.0, 60.0, 90.0, 120.0)
"""Degrees (section 3.3), clockwise on the screen."""

MIN_HEIGHT, MAX_HEIGHT = 6.0, 160.0
"""Pixels of a line; others count neither as text nor as background."""

TEXT, BACKGROUND = 0.7, 0.3
"""IoU with the text above which an anchor is positive, and below which it is negative (section 3.3)."""

NEAR_DEGREES = 15.0
"""Between an anchor and its text, at most (section 3.3)."""

MAX_LOG = 3.0
"""Logarithm of the ratio of two sides, at most."""

SIDES = 5
"""Of a rotated box: x and y from the middle of its cell, length and height in pixels, angle in radians."""


def anchor_boxes() -> Floats:
    """Return the anchors (A, 5) of a cell, by angle, height and ratio."""
    angle, height, ratio = np.meshgrid(np.deg2rad(ANGLES), HEIGHTS, RATIOS, indexing="ij")
    zero = np.zeros_like(angle)
    columns = (zero, zero, height * ratio, height, angle)
    return np.stack(columns, axis=-1).reshape(-1, SIDES).astype(np.float32)


ANCHORS = len(ANGLES) * len(HEIGHTS) * len(RATIOS)


@dataclass(frozen=True)
class RRPN:
    """RRPN (Ma et al. 2018).

    Attributes:
        score_threshold: least probability of a proposal in the second stage.
        line_threshold: least mean probability of the proposals of a line.
        proposal_threshold: skew IoU above which the weaker of two proposals goes.
        nms_threshold: the same for lines.
        max_candidates: proposals of a pass, the best ones, and
        max_pieces: of these that are joined: both bound time on noise.
        min_height: pixels of a line in the network's input.
    """

    score_threshold: float = 0.5
    line_threshold: float = 0.6
    proposal_threshold: float = 0.7
    nms_threshold: float = 0.3
    max_candidates: int = 6000
    max_pieces: int = 3000
    min_height: float = 5.0

    stride: ClassVar[int] = STRIDE
    fitted: ClassVar[tuple[str, ...]] = ("score_threshold", "line_threshold")
    max_degrees: ClassVar[float] = 180.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType({
        "anchors": Output((ANCHORS,), STRIDE),
        "anchor_offsets": Output((ANCHORS, SIDES), STRIDE),
        "proposals": Output((SIDES,), STRIDE),
        "score": Output((), STRIDE),
        "offsets": Output((SIDES,), STRIDE),
    })  # fmt: skip

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the maps should be, and where (section 3.3).

        Returns:
            `labels` (R, C, A) int8: 1 text, 0 background, -1 where it does not count; `boxes` (R, C, 5): the piece of
            the nearest line around each cell; `near` (R, C) bool: where there is one; `known` (R, C) bool: where
            the second stage counts.
        """
        shape = size[0] // STRIDE, size[1] // STRIDE
        labels = np.zeros((*shape, ANCHORS), np.int8)
        boxes, known = np.zeros((*shape, SIDES), np.float32), np.ones(shape, np.bool_)
        lines: list[Floats] = []
        for quad, ignored in zip(clockwise(np.asarray(quads)), ignore, strict=True):
            rectangle = inside_picture(fitted(quad), size)
            if rectangle is None or ignored or not MIN_HEIGHT <= rectangle[5] <= MAX_HEIGHT:
                place = cells_around(quad, STRIDE, *shape, STRIDE)
                known[place] &= inside_distance(quad, centers(place, STRIDE)) < -STRIDE / 2
            else:
                lines.append(rectangle)
        owner, _ = nearest_lines(np.array(lines).reshape(-1, 6), shape, STRIDE, STRIDE)
        labels[~known] = -1
        for number, line in enumerate(lines, 1):
            rows, cols = np.nonzero(owner == number)
            points = (np.stack([cols, rows], axis=1) + 0.5) * STRIDE
            around = pieces(line, points)
            around[:, :2] -= points
            on = on_axis(line, points, STRIDE)
            labels[rows, cols] = _labels(around, on, labels[rows, cols])
            boxes[rows, cols] = _boxes(around)
            known[rows[on], cols[on]] = True
        return {"labels": labels, "boxes": boxes, "near": owner > 0, "known": known}

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return scores of 0 and 1, and the offsets to the true boxes, which are proposed as they are."""
        positive = targets["labels"] == 1
        anchors = np.broadcast_to(anchor_boxes(), (*positive.shape, SIDES))
        true = np.broadcast_to(targets["boxes"][:, :, None], anchors.shape)
        offsets = np.where(positive[..., None], offsets_between(anchors, true), 0)
        best = positive.argmax(axis=2)[:, :, None, None]
        chosen = (
            np.take_along_axis(values, best, axis=2)[:, :, 0] for values in (anchors, offsets)
        )
        proposals = moved(*chosen)
        return {
            "anchors": positive.astype(np.float32),
            "anchor_offsets": offsets.astype(np.float32),
            "proposals": proposals,
            "score": positive.any(axis=2).astype(np.float32),
            "offsets": np.zeros_like(proposals),
        }

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Move the proposals, suppress by skew IoU (section 3.4), and join pieces along their lines."""
        score = maps["score"].ravel()
        cells = np.flatnonzero(score >= self.score_threshold)
        cells = cells[np.argsort(-score[cells], kind="stable")[: self.max_candidates]]
        proposals, offsets = (maps[name].reshape(-1, SIDES) for name in ("proposals", "offsets"))
        boxes = moved(proposals[cells], offsets[cells])
        row, col = np.divmod(cells, maps["score"].shape[1])
        boxes[:, :2] += (np.stack([col, row], axis=1) + 0.5) * STRIDE
        quads = corners(rectangles(boxes))
        kept = strongest(quads, score[cells], self.proposal_threshold)[: self.max_pieces]
        found = Merged(quads[kept], score[cells][kept], np.ones(len(kept), np.float32))
        lines = lines_of_pieces(found, self.nms_threshold)
        lines = without_crossings(lines[lines[:, 6] >= self.line_threshold])
        return lines_of(lines, self.min_height)


def _labels(around: Floats, on: Bools, before: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return labels (K, A) of the anchors of K cells, the pieces (K, 6) of whose line are given from their middles.

    On the line, a cell has a positive anchor, the one most alike; anything turned too far or of another size is
    background.
    """
    anchors = anchor_boxes()
    labels = before.copy()
    angle = np.arctan2(around[0, 3], around[0, 2]) if len(around) else 0.0
    turned = np.abs(wrapped(anchors[:, 4] - angle))
    height = np.abs(np.log(anchors[:, 3] / around[0, 5])) if len(around) else turned
    alike = np.flatnonzero(
        (turned <= np.deg2rad(NEAR_DEGREES) + 1e-4) & (height <= np.log(2) + 1e-4)
    )
    shape = len(around), len(alike)
    first = np.broadcast_to(corners(around)[:, None], (*shape, 4, 2)).reshape(-1, 4, 2)
    second = np.broadcast_to(corners(rectangles(anchors[alike])), (*shape, 4, 2)).reshape(-1, 4, 2)
    overlap = quad_overlaps(first, second).reshape(shape)
    labels[:, alike] = np.where(overlap > TEXT, 1, np.where(overlap < BACKGROUND, 0, -1))
    # Where text is lower than a cell, few anchors overlap it: what is most like it learns it, wherever in its cell.
    unlike = np.abs(np.log(anchors[:, 2] / np.maximum(around[:, 4:5], 1)))
    unlike = unlike + 2 * height + np.where(np.isin(np.arange(ANCHORS), alike), 0, 100) + turned
    labels[on, unlike[on].argmin(axis=1)] = 1
    return labels


def _boxes(rows: Floats) -> Floats:
    """Return rectangles (K, 6) as rotated boxes (K, 5)."""
    angle = np.arctan2(rows[:, 3:4], rows[:, 2:3])
    return np.concatenate([rows[:, :2], rows[:, 4:], angle], axis=1).astype(np.float32)


def rectangles(boxes: Floats) -> Floats:
    """Return rotated boxes (K, 5) as rectangles (K, 6)."""
    turn = [np.cos(boxes[:, 4:]), np.sin(boxes[:, 4:])]
    return np.concatenate([boxes[:, :2], *turn, boxes[:, 2:4]], axis=1)


def wrapped(angle: Floats) -> Floats:
    """Return angles from -pi / 2 to pi / 2: a line has no first end."""
    rest: Floats = (angle + np.pi / 2) % np.pi - np.pi / 2
    return rest


def offsets_between(boxes: Floats, others: Floats) -> Floats:
    """Return what moves rotated boxes (..., 5) to others, in the frame of the boxes (section 3.3)."""
    apart = others - boxes
    cos, sin = np.cos(boxes[..., 4]), np.sin(boxes[..., 4])
    right = (apart[..., 0] * cos + apart[..., 1] * sin) / boxes[..., 2]
    down = (apart[..., 1] * cos - apart[..., 0] * sin) / boxes[..., 3]
    ratio = np.log(np.maximum(others[..., 2:4], 1) / boxes[..., 2:4])
    columns = [right, down, ratio[..., 0], ratio[..., 1], wrapped(apart[..., 4])]
    return np.stack(columns, axis=-1).astype(np.float32)


def moved(boxes: Floats, offsets: Floats) -> Floats:
    """Return rotated boxes (..., 5) moved by offsets (..., 5), the inverse of `offsets_between`."""
    cos, sin = np.cos(boxes[..., 4]), np.sin(boxes[..., 4])
    right, down = offsets[..., 0] * boxes[..., 2], offsets[..., 1] * boxes[..., 3]
    sides = boxes[..., 2:4] * np.exp(np.clip(offsets[..., 2:4], -MAX_LOG, MAX_LOG))
    columns = [
        boxes[..., 0] + right * cos - down * sin,
        boxes[..., 1] + right * sin + down * cos,
        sides[..., 0],
        sides[..., 1],
        boxes[..., 4] + offsets[..., 4],
    ]
    return np.stack(columns, axis=-1).astype(np.float32)


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with an RRPN network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to the maps of `RRPN.outputs`.
        config: fields of `RRPN` and of `detection.scales.ScaleSettings`, arguments of `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(RRPN, config)
        super().__init__(network, method, **rest)


Method = RRPN
"""What `detection.METHODS` takes."""
