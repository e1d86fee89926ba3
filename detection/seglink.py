"""SegLink as a method of `detection`: lines as chains of short segments at four scales, joined along links.

Shi et al. 2017. Each cell of four levels tells whether it lies in a line of about its size, where the piece of the
line next to it is, and with which neighbours, beside it and at the finer level, it shares the line. Departures: the
direction is that of the line's long side, told as cosine and sine of twice its angle, and segments are cut along it,
so that columns are lines like others and no slope is infinite; a segment near the end of a line reaches to it; a link
counts by the mean of what both of its cells say; of two lines in the same place, of levels that no link joins, the
weaker goes.
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
from detection.links import NEIGHBORS, Edges, components, linked_neighbors, neighbor_links
from detection.method import Bools, Lines, Output
from detection.quads import clockwise, inside_distance, least_rectangle, lines_of, rectangles
from detection.suppression import strongest

LEVELS = (8, 16, 32, 64)
"""Pixels of a cell of each level."""

SIZE = 1.5
"""Sides of a level's default square, in its cells (section 3.1)."""

FITS, NEARLY = 1.501, 2.0
"""A line is found at a level where its height and the square's side differ by the first factor at most (section 3.3,
1.5); from there to the second it is neither text nor background of that level."""

CHILDREN = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Rows down and columns right to the four cells of the finer level, in the order of the links."""


def _outputs() -> dict[str, Output]:
    outputs = {}
    for level in LEVELS:
        outputs[f"text{level}"] = Output((), level)
        outputs[f"offsets{level}"] = Output((6,), level)
        outputs[f"links{level}"] = Output((len(NEIGHBORS),), level)
        if level != LEVELS[0]:
            outputs[f"cross{level}"] = Output((len(CHILDREN),), level)
    return outputs


@dataclass(frozen=True)
class SegLink:
    """SegLink (Shi et al. 2017).

    Attributes:
        segment_threshold: least probability of a segment.
        link_threshold: least probability of a link.
        line_threshold: least mean probability of a line's segments.
        nms_threshold: IoU above which the weaker of two lines goes.
        min_height: pixels of a line in the network's input.
    """

    segment_threshold: float = 0.5
    link_threshold: float = 0.5
    line_threshold: float = 0.6
    nms_threshold: float = 0.5
    min_height: float = 5.0

    stride: ClassVar[int] = LEVELS[-1]
    fitted: ClassVar[tuple[str, ...]] = ("segment_threshold", "link_threshold", "line_threshold")
    max_degrees: ClassVar[float] = 180.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType(_outputs())

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the maps should be, and where (section 3.3).

        Returns:
            For each level `text` (R, C) of 0 and 1; `known` (R, C) bool: where it counts; `offsets` (R, C, 6) where
            the text is 1: to the segment's center, logarithms of its length and height, all in sides of the default
            square, cosine and sine of twice its angle; `links` (R, C, 8) and, but for the finest level, `cross`
            (R, C, 4), int8: 1 between segments of one line, 0 to any other cell, -1 where there is nothing to learn.
        """
        quads = clockwise(np.asarray(quads, np.float32).reshape(-1, 4, 2))
        fits = [least_rectangle(quad) for quad in quads]
        targets: dict[str, Any] = {}
        finer: tuple[NDArray[np.intp], Bools] | None = None
        for level in LEVELS:
            owner, offsets, known = _segments(quads, fits, ignore, size, level)
            targets[f"text{level}"] = (owner > 0).astype(np.float32)
            targets[f"known{level}"] = known
            targets[f"offsets{level}"] = offsets
            targets[f"links{level}"] = neighbor_links(owner, known)
            if finer is not None:
                targets[f"cross{level}"] = _cross_links(owner, *finer)
            finer = owner, known
        return targets

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return texts and links of 0 and 1, and offsets."""
        return {
            name: (targets[name] == 1).astype(np.float32)
            if name.startswith(("links", "cross"))
            else targets[name]
            for name in self.outputs
        }

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Join segments along links, and combine each chain of them to a line (section 3.2)."""
        segments, edges, count = [], [], 0
        finer: tuple[Bools, NDArray[np.intp]] | None = None
        for level in LEVELS:
            mask = maps[f"text{level}"] >= self.segment_threshold
            number = np.zeros(mask.shape, np.intp)
            number[mask] = np.arange(count, count + int(mask.sum()))
            count += int(mask.sum())
            segments.append(_decoded(mask, maps[f"text{level}"], maps[f"offsets{level}"], level))
            edges.append(linked_neighbors(mask, number, maps[f"links{level}"], self.link_threshold))
            if finer is not None:
                cross = mask[..., None] & (maps[f"cross{level}"] >= self.link_threshold)
                edges.append(_linked_children(cross, number, *finer))
            finer = mask, number
        first, second = (np.concatenate(one) for one in zip(*edges, strict=True))
        rows, counts = _combined(np.concatenate(segments), components(count, first, second))
        sure = rows[:, 6] >= self.line_threshold
        rows, counts = rows[sure], counts[sure]
        # Where a line is found at two levels and no link joins these, more segments are at the right one.
        found = rectangles(rows[:, :2], rows[:, 2:4], rows[:, 4], rows[:, 5])
        kept = strongest(found, rows[:, 6] * counts, self.nms_threshold)
        return lines_of(without_crossings(rows[kept]), self.min_height)


def _segments(
    quads: Quads,
    fits: list[tuple[Floats, Floats, float, float]],
    ignore: Bools,
    size: tuple[int, int],
    level: int,
) -> tuple[NDArray[np.intp], Floats, Bools]:
    """Return the number of each cell's line, from 1, its offsets and where that is known, for one level."""
    shape, side = (size[0] // level, size[1] // level), SIZE * level
    owner, known = np.zeros(shape, np.intp), np.ones(shape, np.bool_)
    offsets = np.zeros((*shape, 6), np.float32)
    ratios = [max(side / max(fit[3], 1e-6), fit[3] / side) for fit in fits]
    # Where lines overlap, a cell belongs to the one whose size is nearest to its own.
    for number in sorted(range(len(quads)), key=lambda n: -ratios[n]):
        height = fits[number][3]
        place = cells_around(quads[number], 0, *shape, level)
        points = centers(place, level)
        inside = inside_distance(quads[number], points)
        low, high = level == LEVELS[0] and height < side, level == LEVELS[-1] and height > side
        if ignore[number] or (ratios[number] > FITS and (ratios[number] <= NEARLY or low or high)):
            known[place] &= inside < 0
        elif ratios[number] <= FITS:
            within = inside > 0
            if within.size and not within.any():  # of the smallest, none may have its middle there
                within = inside == inside.max()
            owner[place][within] = number + 1
            offsets[place][within] = _offsets(fits[number], points[within], side)
    known |= owner > 0
    return owner, offsets, known


def _offsets(fit: tuple[Floats, Floats, float, float], points: Floats, side: float) -> Floats:
    """Return offsets (K, 6) of the pieces of a line next to points (K, 2), as long as the default square.

    Where the line ends within half a square more, the piece ends with it: no other cell may be nearer to the end.
    """
    center, along, length, height = fit
    place = np.clip((points - center) @ along, -length / 2, length / 2)
    low = np.where(place < side - length / 2, -length / 2, place - side / 2)
    high = np.where(place > length / 2 - side, length / 2, place + side / 2)
    middle = center + along * ((low + high) / 2)[:, None]
    cos, sin = along[0] ** 2 - along[1] ** 2, 2 * along[0] * along[1]
    rest = np.broadcast_to([np.log(height / side), cos, sin], (len(points), 3))
    columns = [(middle - points) / side, np.log((high - low) / side)[:, None], rest]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _cross_links(
    owner: NDArray[np.intp], finer: NDArray[np.intp], known: Bools
) -> NDArray[np.int8]:
    """Links (R, C, 4) of cells to their four cells of the finer level, whose lines and knowledge are given."""
    links = np.full((*owner.shape, len(CHILDREN)), -1, np.int8)
    for way, (down, right) in enumerate(CHILDREN):
        child, certain = finer[down::2, right::2], known[down::2, right::2]
        links[..., way] = np.where((owner > 0) & certain, owner == child, -1)
    return links


def _linked_children(
    cross: Bools, number: NDArray[np.intp], mask: Bools, finer: NDArray[np.intp]
) -> Edges:
    """Edges to the segments of the finer level, by links (R, C, 4) and by `mask` and numbers of that level."""
    ends = []
    for way, (down, right) in enumerate(CHILDREN):
        linked = cross[..., way] & mask[down::2, right::2]
        ends.append((number[linked], finer[down::2, right::2][linked]))
    first, second = zip(*ends, strict=True)
    return np.concatenate(first), np.concatenate(second)


def _decoded(mask: Bools, text: Floats, offsets: Floats, level: int) -> Floats:
    """Segments (K, 7): center, length, height, cosine and sine of twice the angle, probability."""
    side = SIZE * level
    points = centers((slice(0, mask.shape[0]), slice(0, mask.shape[1])), level)[mask]
    own = offsets[mask]
    sizes = side * np.exp(np.clip(own[:, 2:4], -4, 4))
    columns = [points + side * own[:, :2], sizes, own[:, 4:], text[mask][:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _combined(segments: Floats, group: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Combine segments (K, 7) of each group (K,): rows for `lines_of`, and how many segments each has.

    Direction and height are means, the axis passes the mean of the centers, the outermost segments have the ends.
    """
    count = int(group.max(initial=-1)) + 1
    sizes = np.bincount(group, minlength=count)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, values, count) / np.maximum(sizes, 1), np.float32)

    angle = np.arctan2(mean(segments[:, 5]), mean(segments[:, 4])) / 2
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    place = (segments[:, :2] * along[group]).sum(1)
    aside = mean((segments[:, :2] * across[group]).sum(1))
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, group, place - segments[:, 2] / 2)
    np.maximum.at(high, group, place + segments[:, 2] / 2)
    middle = along * ((low + high) / 2)[:, None] + across * aside[:, None]
    rest = np.stack([high - low, mean(segments[:, 3]), mean(segments[:, 6])], axis=1)
    rows = np.concatenate([middle, along, rest], axis=1).astype(np.float32)
    return rows, sizes.astype(np.float32)


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with a SegLink network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 64 to the maps of `SegLink.outputs`.
        config: fields of `SegLink` and of `detection.scales.ScaleSettings`, arguments of
            `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(SegLink, config)
        super().__init__(network, method, **rest)


Method = SegLink
"""What `detection.METHODS` takes."""
