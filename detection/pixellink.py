"""PixelLink as a method of `detection`: cells of text, joined where the network says that they are of one line.

Deng et al. 2018. For each cell the network tells whether it is text and, for each of its eight neighbours, whether that
one is text of the same line. Lines are what the links join, so nothing is regressed and no line is too long or too
slanted. Departures: targets are parts of cells where an edge crosses them, so that a line's area tells its height to a
fraction of a cell; cells where two lines meet are left out of the training instead of being background; a link counts
by the mean of what both of its cells say of it, because one wrong link joins two rows.
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
from detection.cells import CELL, blobs, cells_around, centers, fit_rectangle
from detection.detector import split_config
from detection.links import NEIGHBORS, components, linked_neighbors, neighbor_links
from detection.method import Bools, Lines, Output
from detection.quads import clockwise, inside_distance, lines_of, short_side

MIN_HEIGHT = 8.0
"""Pixels of a line that has two cells across; lower ones count neither as text nor as background."""

TEXT = 0.5
"""Part of a cell inside a line from which it is linked."""


@dataclass(frozen=True)
class PixelLink:
    """PixelLink (Deng et al. 2018).

    Attributes:
        cell_threshold: least probability of a cell of text.
        link_threshold: least probability of a link, the mean of both of its cells'.
        line_threshold: least mean probability of a line's cells.
        min_height: pixels of a line in the network's input.
    """

    cell_threshold: float = 0.5
    link_threshold: float = 0.5
    line_threshold: float = 0.6
    min_height: float = 5.0

    stride: ClassVar[int] = 16
    fitted: ClassVar[tuple[str, ...]] = ("cell_threshold", "link_threshold", "line_threshold")
    max_degrees: ClassVar[float] = 180.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType(
        {"text": Output((), CELL), "links": Output((len(NEIGHBORS),), CELL)}
    )

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the maps should be, and where (section 3.2).

        Returns:
            `text` (R, C): part of each cell inside a line; `weight` (R, C): of a cell of text, so that all lines of
            the picture weigh the same and a cell 1 on average; 0 outside; `known` (R, C) bool: where text counts;
            `links` (R, C, 8) int8: 1 between cells of one line, 0 to any other cell, -1 where it does not count.
        """
        shape = size[0] // CELL, size[1] // CELL
        text, owner = np.zeros(shape, np.float32), np.zeros(shape, np.intp)
        known = np.ones(shape, np.bool_)
        quads = clockwise(np.asarray(quads, np.float32).reshape(-1, 4, 2))
        heights = short_side(quads)
        for number, (quad, height, ignored) in enumerate(zip(quads, heights, ignore, strict=True)):
            place = cells_around(quad, CELL, *shape)
            part = np.clip(inside_distance(quad, centers(place)) / CELL + 0.5, 0, 1)
            if ignored or height < MIN_HEIGHT:
                known[place] &= part == 0
                continue
            known[place] &= (part == 0) | (text[place] == 0)  # where lines meet
            owner[place] = np.where(part > text[place], number + 1, owner[place])
            text[place] = np.maximum(text[place], part)
        owner *= known
        return {
            "text": text,
            "weight": _weights(owner),
            "known": known,
            "links": neighbor_links(np.where(text >= TEXT, owner, 0), known),
        }

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return parts of cells, none where they are unknown, and links of 0 and 1."""
        links = (targets["links"] == 1).astype(np.float32)
        return {"text": targets["text"] * targets["known"], "links": links}

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Join cells of text along links, and fit the least rectangle to what hangs together (section 3.3)."""
        text = maps["text"]
        mask = text >= self.cell_threshold
        number = np.zeros(mask.shape, np.intp)
        number[mask] = np.arange(int(mask.sum()))
        edges = linked_neighbors(mask, number, maps["links"], self.link_threshold)
        labels = np.zeros(mask.shape, np.intp)
        labels[mask] = components(int(mask.sum()), *edges) + 1
        rows = []
        for blob in blobs(labels, int(labels.max(initial=0)), text):
            score = float(blob.values.mean())
            if score >= self.line_threshold:
                rows.append((*fit_rectangle(blob, by_gravity=True), score))
        return lines_of(np.array(rows, np.float32).reshape(-1, 7), self.min_height)


def _weights(owner: NDArray[np.intp]) -> Floats:
    """Weights of instance-balanced cross-entropy (section 3.4): the share of a line divided among its cells."""
    sizes = np.bincount(owner.ravel())[1:]
    there = np.maximum((sizes > 0).sum(), 1)
    share = sizes.sum() / there / np.maximum(sizes, 1)
    return np.concatenate([[0.0], share]).astype(np.float32)[owner]


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with a PixelLink network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to probabilities of text (1, H / 4, W / 4) and of
            links (1, H / 4, W / 4, 8).
        config: fields of `PixelLink` and of `detection.scales.ScaleSettings`, arguments of
            `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(PixelLink, config)
        super().__init__(network, method, **rest)


Method = PixelLink
"""What `detection.METHODS` takes."""
