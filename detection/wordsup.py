"""WordSup as a method of `detection`: characters, learned from words where nobody has marked any.

Hu et al. 2017, "WordSup: Exploiting Word Annotations for Character based Text Detection". Every cell in the middle of a
character tells its box; characters that follow each other make lines. Where only a word is marked, the likeliest
characters in it are looked for with the network of the moment, and learned from as far as they can be trusted
(`characters.py`). Departures: a character's box is turned as its line; the search is part of every step instead of
rounds over a data set; until something is found, a word is taken to be square characters, as Chinese ones are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Network, Quads
from detection import detector
from detection.cells import CELL, cells_around, centers
from detection.characters import lines_of_characters, squares
from detection.crossings import without_crossings
from detection.detector import split_config
from detection.links import Edges
from detection.method import Bools, Lines, Output
from detection.pieces import fitted, inside_picture
from detection.quads import clockwise, corners, inside_distance, lines_of
from detection.suppression import average_alike, strongest

SIZE = 16.0
"""Pixels in which the boxes of characters are told."""

INNER = 0.5
"""Of a character's length and height: the part in the middle whose cells tell its box."""

MIN_HEIGHT = 7.0
"""Pixels of a line; lower ones count neither as text nor as background."""

MAX_WORDS = 128
"""Of a picture whose characters are looked for; further ones count neither way."""


@dataclass(frozen=True)
class WordSup:
    """WordSup (Hu et al. 2017).

    Attributes:
        cell_threshold: least probability of a cell of a character.
        line_threshold: least mean probability of a line's characters.
        character_threshold: IoU above which the weaker of two characters goes.
        nms_threshold: the same for lines.
        max_characters: of a pass, those told by most cells: bounds time on noise.
        min_height: pixels of a line in the network's input.
    """

    cell_threshold: float = 0.5
    line_threshold: float = 0.6
    character_threshold: float = 0.3
    nms_threshold: float = 0.3
    max_characters: int = 6000
    min_height: float = 5.0

    stride: ClassVar[int] = 16
    fitted: ClassVar[tuple[str, ...]] = ("cell_threshold", "line_threshold")
    max_degrees: ClassVar[float] = 180.0
    outputs: ClassVar[Mapping[str, Output]] = MappingProxyType(
        {"score": Output((), CELL), "boxes": Output((6,), CELL)}
    )

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what `character_targets` does where nobody has marked a character."""
        return self.character_targets(quads, ignore, size, [None] * len(quads))

    def character_targets(
        self, quads: Quads, ignore: Bools, size: tuple[int, int], characters: Sequence[Quads | None]
    ) -> dict[str, Any]:
        """Return what the maps should be, and where.

        Args:
            quads: (L, 4, 2) lines in pixels of the network's input; they may reach outside.
            ignore: (L,) lines that are neither text nor background.
            size: (height, width) of the input, multiples of `stride`.
            characters: for each line the quads of its characters (n, 4, 2), each beginning where the line does; None
                where they are not known.

        Returns:
            `score` (R, C) of 0 and 1; `known` (R, C) bool: where it counts; `boxes` (R, C, 6) where the score is 1: to
            the character's center and logarithms of its length and height, in units of `SIZE`, cosine and sine of twice
            its angle; `words` (MAX_WORDS, 6): rectangles of the lines without characters, the rest zero; `word` (R, C)
            int16: which of them a cell lies in, from 1. There, square characters are supposed.
        """
        shape = size[0] // CELL, size[1] // CELL
        score, boxes = np.zeros(shape, np.float32), np.zeros((*shape, 6), np.float32)
        known, word = np.ones(shape, np.bool_), np.zeros(shape, np.int16)
        words: list[Floats] = []
        found: list[Floats] = []
        for quad, ignored, own in zip(
            clockwise(np.asarray(quads)), ignore, characters, strict=True
        ):
            line = inside_picture(fitted(quad), size)
            place = cells_around(quad, 0, *shape)
            inside = inside_distance(quad, centers(place)) >= 0
            unknown = own is None and len(words) == MAX_WORDS
            if line is None or ignored or unknown or line[5] < MIN_HEIGHT:
                known[place] &= ~inside
            elif own is None:
                words.append(line)
                word[place] = np.where(inside, len(words), word[place])
                found.append(squares(line))
            else:
                word[place] = np.where(inside, 0, word[place])
                found.append(_upright(own))
        paint(score, boxes, np.concatenate([*found, np.zeros((0, 6), np.float32)]))
        padded = np.zeros((MAX_WORDS, 6), np.float32)
        padded[: len(words)] = np.array(words, np.float32).reshape(-1, 6)
        return {
            "score": score * known, "known": known, "boxes": boxes, "words": padded, "word": word,
        }  # fmt: skip

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return scores of 0 and 1 and boxes."""
        return {name: targets[name] for name in self.outputs}

    def characters(self, maps: Mapping[str, Floats]) -> Floats:
        """Return the characters of one picture, the surest first.

        Returns:
            (K, 7) center, unit vector along the line, length along it, height and probability.
        """
        mask = maps["score"] >= self.cell_threshold
        quads = corners(boxes_of(mask, maps["boxes"]))
        merged = average_alike(quads, maps["score"][mask], *_beside(mask))
        best = np.argsort(-merged.weights, kind="stable")[: self.max_characters]
        kept = best[strongest(merged.quads[best], merged.weights[best], self.character_threshold)]
        score = merged.weights[kept] / np.maximum(merged.counts[kept], 1)
        return np.concatenate([_upright(merged.quads[kept]), score[:, None]], axis=1)

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Find characters, and make lines of those that follow each other (text structure analysis)."""
        rows, counts = lines_of_characters(self.characters(maps))
        kept = strongest(corners(rows), rows[:, 6] * counts, self.nms_threshold)
        rows = rows[kept]
        rows = without_crossings(rows[rows[:, 6] >= self.line_threshold])
        return lines_of(rows, self.min_height)


def paint(score: Floats, boxes: Floats, characters: Floats, where: Bools | None = None) -> None:
    """Write characters (K, 6) into the maps of scores (R, C) and boxes (R, C, 6), or into some cells of these alone."""
    rows, cols = score.shape
    quads = corners(characters)
    for quad, character in zip(quads, characters, strict=True):
        if not (0 <= character[0] < cols * CELL and 0 <= character[1] < rows * CELL):
            continue
        place = cells_around(quad, 0, rows, cols)
        offset = centers(place) - character[:2]
        right, down, length, height = character[2:].tolist()
        along = np.abs(offset[..., 0] * right + offset[..., 1] * down)
        aside = np.abs(offset[..., 1] * right - offset[..., 0] * down)
        inner = along <= max(INNER * length, CELL) / 2
        inner &= aside <= max(INNER * height, CELL) / 2
        if not inner.any():
            inner = np.hypot(along, aside) <= np.hypot(along, aside).min()
        if where is not None:
            inner &= where[place]
        score[place][inner] = 1
        twice = right * right - down * down, 2 * right * down
        rest = np.log(max(length, 1) / SIZE), np.log(max(height, 1) / SIZE), *twice
        boxes[place][inner] = np.concatenate(
            [-offset[inner] / SIZE, np.broadcast_to(rest, (int(inner.sum()), 4))], axis=1
        )


def boxes_of(mask: Bools, boxes: Floats) -> Floats:
    """Return the characters (K, 6) that cells tell, of a mask (R, C) and a map (R, C, 6)."""
    row, col = np.nonzero(mask)
    own = boxes[mask]
    points = (np.stack([col, row], axis=1) + 0.5) * CELL
    angle = np.arctan2(own[:, 5], own[:, 4]) / 2
    turn = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    sides = SIZE * np.exp(np.clip(own[:, 2:4], -4, 4))
    columns = [points + SIZE * own[:, :2], turn, sides]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _upright(quads: Quads) -> Floats:
    """Return quads of characters (K, 4, 2) as rectangles (K, 6) along their lines, long or not."""
    across = (quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]) / 2
    edge = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    length = np.maximum(np.linalg.norm(edge, axis=1), 1e-6)
    along = edge / length[:, None]
    height = np.abs(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0])
    columns = [quads.mean(axis=1), along, length[:, None], height[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _beside(mask: Bools) -> Edges:
    """Return the numbers (E,) of cells that are set, and of those to their right and below that are, too."""
    number: NDArray[np.intp] = np.zeros(mask.shape, np.intp)
    number[mask] = np.arange(int(mask.sum()))
    right, below = mask[:, :-1] & mask[:, 1:], mask[:-1] & mask[1:]
    first = np.concatenate([number[:, :-1][right], number[:-1][below]])
    return first, np.concatenate([number[:, 1:][right], number[1:][below]])


class Detector(detector.Detector):
    """Find the lines of text in a picture, in any direction, with a WordSup network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to probabilities (1, H / 4, W / 4) and boxes of
            characters (1, H / 4, W / 4, 6).
        config: fields of `WordSup` and of `detection.scales.ScaleSettings`, arguments of
            `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(WordSup, config)
        super().__init__(network, method, **rest)


Method = WordSup
"""What `detection.METHODS` takes."""
