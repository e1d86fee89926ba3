"""Make batches of upright patches for the angle model, cut from pages as in deployment.

Every patch is upright; a training rotates it all four ways itself, which costs nothing, while
rendering does.
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
    SIZE,
    Grey,
    choose_windows,
    cut,
    line_windows,
    normalize,
    skew_degrees,
    tilted_cut,
)
from angle.settings import Patches
from common.arrays import Boxes, Floats, Image
from common.quads import quad_size
from train.data.samples import Line, PageSample
from train.loop.recipes import AngleRecipe
from train.synth.backgrounds import Backgrounds
from train.synth.page import PageRenderer

MIN_TEXT_SHARE = 0.02
"""Share of a patch that lines must cover before its turn can be told."""

MIN_TEXT_HEIGHT = 4.0
"""Height of a line in a patch, in pixels, below which nothing of its strokes is left."""

_LINE_HEIGHTS = (16, 64)  # of lines in the patches that are cut along them, in pixels


class PatchLabel(IntEnum):
    """Whether the turn of a patch can be told."""

    NO_TEXT = 0
    TEXT = 1
    UNSURE = 2  # only text of unknown reading, or too little to decide


@dataclass(frozen=True)
class PatchBatches:
    """Make batch i of a training: patches of several pages.

    Attributes:
        page: from a number to a rendered page.
        photo: from a generator to a picture without text.
        recipe: how many patches, and how they are varied.
        seed: of everything drawn here.
    """

    page: Callable[[int], PageSample]
    photo: Callable[[Generator], Image]
    recipe: AngleRecipe
    seed: int

    @classmethod
    def of(
        cls, renderer: PageRenderer, backgrounds: Backgrounds, recipe: AngleRecipe, seed: int
    ) -> PatchBatches:
        """Take pages from a renderer and pictures without text, of 400 to 1200 pixels, from its backgrounds."""
        return cls(
            lambda number: angle_page(renderer, recipe, seed, number),
            lambda rng: backgrounds.photo(rng, *(int(side) for side in rng.integers(400, 1200, 2))),
            recipe,
            seed,
        )

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return `patches`, (N, 1, S, S) float32, and `known`, (N,) bool: which show text."""
        found: list[Floats] = []
        known: list[bool] = []
        for number in range(index * self.recipe.pages, (index + 1) * self.recipe.pages):
            rng = np.random.default_rng([self.seed, number])
            blank = rng.random() < self.recipe.photo_share
            sample = PageSample(self.photo(rng), ()) if blank else self.page(number)
            for patch, label in self.page_patches(sample, rng) + self.line_patches(sample, rng):
                if label != PatchLabel.UNSURE:
                    found.append(patch)
                    known.append(label == PatchLabel.TEXT)
        if not found:  # a batch must have something in it
            found, known = [np.zeros((1, SIZE, SIZE), np.float32)], [False]
        return {"patches": np.stack(found), "known": np.array(known, np.bool_)}

    def page_patches(self, sample: PageSample, rng: Generator) -> list[tuple[Floats, PatchLabel]]:
        """Cut the patches of one page, some of them varied, and label them."""
        grey = np.asarray(cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY), np.uint8)
        boxes = choose_windows(grey, size=SIZE, settings=Patches(count=self.recipe.patches))
        out = []
        for box in boxes:
            if rng.random() < self.recipe.jitter:
                seen, tilt = jittered(box, rng), float(rng.uniform(-9, 9))
                patch = tilted_cut(grey, seen, SIZE, tilt)
            else:
                seen, patch = box, cut(grey, box, SIZE)
            if patch.std() >= MIN_DEVIATION:
                out.append((normalize(patch), patch_label(seen, sample.lines, SIZE)))
        return out

    def line_patches(self, sample: PageSample, rng: Generator) -> list[tuple[Floats, PatchLabel]]:
        """Cut patches along some lines of a page, as if a detector had found them; anywhere on a page without lines."""
        grey = np.asarray(cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY), np.uint8)
        lines = [line for line in sample.lines if not line.ignore]
        low, high = np.log(_LINE_HEIGHTS)
        out = []
        for _ in range(self.recipe.line_patches):
            quad = lines[int(rng.integers(len(lines)))].quad if lines else random_quad(grey, rng)
            boxes = line_windows(quad, SIZE / float(np.exp(rng.uniform(low, high))), count=9)
            box = moved(boxes[int(rng.integers(len(boxes)))], rng, 0.12)
            patch = tilted_cut(grey, box, SIZE, skew_degrees(quad) + float(rng.normal(0, 3)))
            if patch.std() >= MIN_DEVIATION:
                out.append((normalize(patch), patch_label(box, sample.lines, SIZE)))
        return out


def angle_page(renderer: PageRenderer, recipe: AngleRecipe, seed: int, number: int) -> PageSample:
    """Return a rendered page: of any kind, or more often a street scene."""
    street = np.random.default_rng([seed, number, 7]).random() < recipe.street
    return renderer.page(seed, number, kind="street" if street else None)


def jittered(box: Floats, rng: Generator) -> Floats:
    """Move a square box by up to a quarter of its side and scale it by up to 1.5 up or down."""
    box = moved(box, rng, 0.25)
    middle, half = (box[:2] + box[2:]) / 2, (box[2] - box[0]) / 2
    half = half * float(np.exp(rng.uniform(-0.4, 0.4)))
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def moved(box: Floats, rng: Generator, most: float) -> Floats:
    """Move a square box by up to a share of its side each way."""
    side = float(box[2] - box[0])
    return np.asarray(box + np.tile(rng.uniform(-most, most, 2) * side, 2), np.float32)


def random_quad(grey: Grey, rng: Generator) -> Floats:
    """Draw the quad of a line anywhere in a picture."""
    height, width = grey.shape
    size = np.exp(rng.uniform(np.log(10), np.log(max(12, height / 4)))) * np.array(
        [rng.uniform(1, 8), 1]
    )
    corner = rng.uniform(0, 1, 2) * np.maximum(0, np.array([width, height]) - size)
    return np.asarray(corner + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size, np.float32)


def patch_label(box: Floats, lines: Sequence[Line], size: int) -> PatchLabel:
    """Label a patch cut at `box` by what it shows of the lines of its page."""
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
        return PatchLabel.TEXT
    return PatchLabel.UNSURE if text + unsure > 0 else PatchLabel.NO_TEXT


def _apart(quad: Floats, box: Boxes) -> bool:
    low, high = quad.min(axis=0), quad.max(axis=0)
    return bool((high <= box[:2]).any() or (low >= box[2:]).any())
