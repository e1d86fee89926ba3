"""Pages in, batches of upright pieces for the angle model out, cut as in deployment.

Every piece is upright; a training turns it all four ways itself, which is free, while rendering is
not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from angle.preprocess import (
    MIN_DEVIATION,
    SIDES,
    SIZE,
    Grey,
    choose_windows,
    cut,
    line_windows,
    normalize,
    slant,
    tilted_cut,
)
from common.arrays import Boxes, Floats, Image
from common.quads import quad_size
from train.data.samples import Line, PageSample
from train.synth.backgrounds import Backgrounds
from train.synth.page import PageRenderer

MIN_TEXT_SHARE = 0.02
"""Share of a piece that lines must cover before its turn can be told."""

MIN_TEXT_HEIGHT = 4.0
"""Height of a line in a piece, in pixels, below which nothing of its strokes is left."""

_LINE_HEIGHTS = (16, 64)  # of lines in the pieces that are cut along them, in pixels


class Shows(IntEnum):
    """What a piece shows."""

    NOTHING = 0  # no text: its turn cannot be told
    TEXT = 1
    UNSURE = 2  # only text of unknown reading, or too little to decide


@dataclass(frozen=True)
class AngleRecipe:
    """Training of the small angle model.

    Attributes:
        pages: rendered pages of one batch.
        pieces: pieces cut of each, twice as many as in deployment because rendering is what costs.
        photo_share: pictures without text among the pages, to learn what is no evidence.
        line_pieces: pieces cut along lines of each besides, at any height that can be read.
        street: share of pages that are street scenes, besides those among all pages: they are hard.
        jitter: share of pieces that are moved, scaled and tilted a little.
        inverted: share of pieces with light and dark exchanged.
        smoothing: of the labels: some characters look alike in two turns.
        held_out: rendered pages of an evaluation.
    """

    pages: int = 3
    pieces: int = 16
    line_pieces: int = 12
    street: float = 0.3
    photo_share: float = 0.12
    jitter: float = 0.6
    inverted: float = 0.25
    smoothing: float = 0.02
    held_out: int = 120


@dataclass(frozen=True)
class PieceBatches:
    """Makes batch i of a training: pieces of several pages.

    Attributes:
        page: from a number to a rendered page.
        photo: from a generator to a picture without text.
        recipe: how many pieces, and how they are varied.
        seed: of everything drawn here.
    """

    page: Callable[[int], PageSample]
    photo: Callable[[Generator], Image]
    recipe: AngleRecipe
    seed: int

    @classmethod
    def of(
        cls, renderer: PageRenderer, backgrounds: Backgrounds, recipe: AngleRecipe, seed: int
    ) -> PieceBatches:
        """Take pages from a renderer and pictures without text, of 400 to 1200 pixels, from its backgrounds."""
        return cls(
            lambda number: angle_page(renderer, recipe, seed, number),
            lambda rng: backgrounds.photo(rng, *(int(side) for side in rng.integers(400, 1200, 2))),
            recipe,
            seed,
        )

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return `pieces`, (N, 1, S, S) float32, and `known`, (N,) bool: which show text."""
        found: list[Floats] = []
        known: list[bool] = []
        for number in range(index * self.recipe.pages, (index + 1) * self.recipe.pages):
            rng = np.random.default_rng([self.seed, number])
            blank = rng.random() < self.recipe.photo_share
            sample = PageSample(self.photo(rng), ()) if blank else self.page(number)
            for piece, shows in self.page_pieces(sample, rng) + self.along_lines(sample, rng):
                if shows != Shows.UNSURE:
                    found.append(piece)
                    known.append(shows == Shows.TEXT)
        if not found:  # a batch must have something in it
            found, known = [np.zeros((1, SIZE, SIZE), np.float32)], [False]
        return {"pieces": np.stack(found), "known": np.array(known, np.bool_)}

    def page_pieces(self, sample: PageSample, rng: Generator) -> list[tuple[Floats, Shows]]:
        """Cut the pieces of one page, some of them varied, and tell what they show."""
        grey = np.asarray(cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY), np.uint8)
        boxes = choose_windows(grey, size=SIZE, sides=SIDES, count=self.recipe.pieces)
        out = []
        for box in boxes:
            if rng.random() < self.recipe.jitter:
                seen, tilt = jittered(box, rng), float(rng.uniform(-9, 9))
                piece = tilted_cut(grey, seen, SIZE, tilt)
            else:
                seen, piece = box, cut(grey, box, SIZE)
            if piece.std() >= MIN_DEVIATION:
                out.append((normalize(piece), shows(seen, sample.lines, SIZE)))
        return out

    def along_lines(self, sample: PageSample, rng: Generator) -> list[tuple[Floats, Shows]]:
        """Cut pieces along some lines of a page, as if a detector had found them; anywhere where there are none."""
        grey = np.asarray(cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY), np.uint8)
        lines = [line for line in sample.lines if not line.ignore]
        low, high = np.log(_LINE_HEIGHTS)
        out = []
        for _ in range(self.recipe.line_pieces):
            quad = lines[int(rng.integers(len(lines)))].quad if lines else anywhere(grey, rng)
            boxes = line_windows(quad, SIZE / float(np.exp(rng.uniform(low, high))), count=9)
            box = moved(boxes[int(rng.integers(len(boxes)))], rng, 0.12)
            piece = tilted_cut(grey, box, SIZE, slant(quad) + float(rng.normal(0, 3)))
            if piece.std() >= MIN_DEVIATION:
                out.append((normalize(piece), shows(box, sample.lines, SIZE)))
        return out


def angle_page(renderer: PageRenderer, recipe: AngleRecipe, seed: int, number: int) -> PageSample:
    """Return a rendered page: of any kind, or more often a street scene."""
    street = np.random.default_rng([seed, number, 7]).random() < recipe.street
    return renderer.page(seed, number, kind="street" if street else None)


def jittered(box: Floats, rng: Generator) -> Floats:
    """Move a square box by up to a quarter of its side and scale it by up to 1.5 either way."""
    box = moved(box, rng, 0.25)
    middle, half = (box[:2] + box[2:]) / 2, (box[2] - box[0]) / 2
    half = half * float(np.exp(rng.uniform(-0.4, 0.4)))
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def moved(box: Floats, rng: Generator, most: float) -> Floats:
    """Move a square box by up to a share of its side each way."""
    side = float(box[2] - box[0])
    return np.asarray(box + np.tile(rng.uniform(-most, most, 2) * side, 2), np.float32)


def anywhere(grey: Grey, rng: Generator) -> Floats:
    """Return the quad of a line that might be anywhere in a picture."""
    height, width = grey.shape
    size = np.exp(rng.uniform(np.log(10), np.log(max(12, height / 4)))) * np.array(
        [rng.uniform(1, 8), 1]
    )
    corner = rng.uniform(0, 1, 2) * np.maximum(0, np.array([width, height]) - size)
    return np.asarray(corner + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size, np.float32)


def shows(box: Floats, lines: Sequence[Line], size: int) -> Shows:
    """Tell what a piece cut at `box` shows of the lines of its page."""
    side = float(box[2] - box[0])
    corners = box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2).astype(np.float32)
    text = unsure = 0.0
    for line in lines:
        if _apart(line.quad, box):
            continue
        hull = cv2.convexHull(line.quad.astype(np.float32)[:, None])
        share = cv2.intersectConvexConvex(hull, corners)[0] / side**2
        short = min(quad_size(line.quad)) * size / side
        if line.ignore or short < MIN_TEXT_HEIGHT:
            unsure += share
        else:
            text += share
    if text >= MIN_TEXT_SHARE:
        return Shows.TEXT
    return Shows.UNSURE if text + unsure > 0 else Shows.NOTHING


def _apart(quad: Floats, box: Boxes) -> bool:
    low, high = quad.min(axis=0), quad.max(axis=0)
    return bool((high <= box[:2]).any() or (low >= box[2:]).any())
