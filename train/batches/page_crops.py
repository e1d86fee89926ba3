"""Make batches for a detector from rendered pages: crops at many scales, with the targets of its method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from common.arrays import Image, Quads
from common.image import rotate_ccw
from common.quads import is_column, quad_size, rotate_quads
from detection.method import CharacterMethod, DetectionMethod
from train.batches.characters import character_quads
from train.data.samples import PageSample
from train.loop.recipes import CropRecipe

MAX_MAGNIFICATION = 2.5
"""Enlarging further shows interpolation, not text."""

TURNED = 0.5
"""Share of the pages of vertical writing that are turned, as the detector gets them to find columns as lines."""


class Pages(Protocol):
    """What renders pages: the same page for the same numbers, in any process."""

    def page(self, seed: int, index: int) -> PageSample:
        """Return one page."""
        ...


class PageCrop(NamedTuple):
    """A square cut out of a page."""

    page: PageSample
    image: Image
    quads: Quads
    """(L, 4, 2) all lines of the page, in pixels of the crop."""
    ignore: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    """Of the lines: their characters are not told."""


class PageCrops:
    """Makes batch `i` of a seed: always the same one.

    Args:
        pages: renders.
        recipe: how to crop.
        seed: of the pages and of the crops.
        method: says what a detector should answer.
    """

    def __init__(
        self, pages: Pages, recipe: CropRecipe, seed: int, method: DetectionMethod
    ) -> None:
        self._pages = pages
        self._recipe = recipe
        self._seed = seed
        self._method = method

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Render, crop, and ask the method for targets.

        Returns:
            `images` (N, S, S, 3) uint8 and the method's targets.
        """
        return self.stacked(self.crops(index))

    def stacked(self, crops: Sequence[PageCrop]) -> dict[str, NDArray[np.generic]]:
        """Return what a call does, of crops that are cut already."""
        targets = [self._targets(c.page, c.quads, c.ignore, c.hidden) for c in crops]
        stacked = {name: np.stack([one[name] for one in targets]) for name in targets[0]}
        return {"images": np.stack([crop.image for crop in crops]), **stacked}

    def crops(self, index: int) -> list[PageCrop]:
        """Render the pages of a batch and cut its crops out of them."""
        recipe = self._recipe
        rng = np.random.default_rng((self._seed, index))
        crops: list[PageCrop] = []
        for number in range(recipe.pages):
            page = self._pages.page(self._seed, index * recipe.pages + number)
            picture = page.image
            quads = np.array([line.quad for line in page.lines], np.float32).reshape(-1, 4, 2)
            ignore = np.array([line.ignore for line in page.lines], np.bool_)
            hidden = self._hidden(page, rng)
            steep = self._method.max_degrees > 45
            turned = recipe.sideways if steep else TURNED * _is_vertical(quads)
            if turned and rng.random() < turned:
                quads = rotate_quads(quads, 90, (picture.shape[0], picture.shape[1]))
                picture = rotate_ccw(picture, 90)
            for _ in range(recipe.crops):
                slanted = steep and rng.random() < recipe.slanted
                cut = crop_slanted if slanted else crop_page
                image, moved = cut(picture, quads, ignore, rng, recipe)
                crops.append(PageCrop(page, recolor(image, rng), moved, ignore, hidden))
        return crops

    def _hidden(self, page: PageSample, rng: Generator) -> NDArray[np.bool_]:
        """Draw the lines whose characters are kept from a method that learns from them, (L,)."""
        if not isinstance(self._method, CharacterMethod):
            return np.ones(len(page.lines), np.bool_)
        return rng.random(len(page.lines)) < self._recipe.hidden

    def _targets(
        self,
        page: PageSample,
        quads: Quads,
        ignore: NDArray[np.bool_],
        hidden: NDArray[np.bool_],
    ) -> dict[str, NDArray[np.generic]]:
        """Ask the method for the targets of one crop, in whose pixels the quads are."""
        size = self._recipe.size, self._recipe.size
        if not isinstance(self._method, CharacterMethod):
            return self._method.targets(quads, ignore, size)
        characters = [
            None if hides else character_quads(line, quad)
            for line, quad, hides in zip(page.lines, quads, hidden, strict=True)
        ]
        return self._method.character_targets(quads, ignore, size, characters)


def _is_vertical(quads: Quads) -> bool:
    """Whether more than half of a page's lines are columns."""
    columns = sum(is_column(*quad_size(quad)) for quad in quads)
    return 2 * columns > len(quads)


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _scale(height: float, rng: Generator, recipe: CropRecipe) -> float:
    """Factor that brings a line of `height` pixels to a height worth learning."""
    low, high = recipe.usual if rng.random() < 0.5 else recipe.extreme
    return min(_log_uniform(rng, low, high) / max(height, 1.0), MAX_MAGNIFICATION)


def crop_page(
    image: Image, quads: Quads, ignore: NDArray[np.bool_], rng: Generator, recipe: CropRecipe
) -> tuple[Image, Quads]:
    """Cut a square around a random line at a random scale, or anywhere in a page without lines.

    Where the page ends before the square does, its right and lower borders are repeated, as the
    detector does with pictures whose sides are no multiples of 16.

    Returns:
        (S, S, 3) and all quads in its pixels, those outside included.
    """
    height, width = image.shape[:2]
    seen = np.flatnonzero(~ignore)
    if len(seen):
        quad = quads[rng.choice(seen)]
        middle, scale = quad.mean(axis=0), _scale(quad_size(quad)[0], rng, recipe)
    else:
        middle = rng.uniform(0, 1, 2) * (width, height)
        scale = _log_uniform(rng, 0.4, 1.5)
    # The page keeps at least half of the square, so that a crop is not mostly repeated border.
    scale = max(scale, 0.5 * recipe.size / max(height, width))
    stretch = _log_uniform(rng, 1 / recipe.stretch, recipe.stretch) ** 0.5
    factors = np.array([scale * stretch, scale / stretch])
    wide, high = np.ceil(recipe.size / factors).astype(int)
    # The line stands anywhere in the middle three quarters of the square.
    corner = middle - rng.uniform(0.125, 0.875, 2) * (wide, high)
    left, top = np.clip(np.floor(corner), 0, np.maximum([width - wide, height - high], 0)).astype(
        int
    )
    piece = image[top : top + high, left : left + wide]
    factors = recipe.size / np.array([wide, high])
    size = np.clip(np.round(piece.shape[1::-1] * factors), 1, recipe.size).astype(int)
    how = cv2.INTER_AREA if scale < 1 else (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(2)]
    resized = cv2.resize(piece, (int(size[0]), int(size[1])), interpolation=how)
    right, below = recipe.size - size
    if right or below:
        resized = cv2.copyMakeBorder(
            resized, 0, int(below), 0, int(right), borderType=cv2.BORDER_REPLICATE
        )
    exact = size / np.array(piece.shape[1::-1])
    moved = (quads - np.array([left, top])) * exact
    return np.asarray(resized, np.uint8), moved.astype(np.float32)


def crop_slanted(
    image: Image, quads: Quads, ignore: NDArray[np.bool_], rng: Generator, recipe: CropRecipe
) -> tuple[Image, Quads]:
    """Cut a square as `crop_page` does, turned by up to 45 degrees about its line."""
    height, width = image.shape[:2]
    seen = np.flatnonzero(~ignore)
    if len(seen):
        quad = quads[rng.choice(seen)]
        middle, scale = quad.mean(axis=0), _scale(min(quad_size(quad)), rng, recipe)
    else:
        middle = rng.uniform(0, 1, 2) * (width, height)
        scale = _log_uniform(rng, 0.4, 1.5)
    scale = max(scale, 0.5 * recipe.size / max(height, width))
    if scale < 1:  # turning does not average: what shrinks is shrunk before
        wide, high = (max(1, round(side * scale)) for side in (width, height))
        image = np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
        back = np.array([wide / width, high / height])
        quads, middle, scale = quads * back, middle * back, 1.0
    matrix = cv2.getRotationMatrix2D((0, 0), rng.uniform(-45, 45), scale)
    place = rng.uniform(0.125, 0.875, 2) * recipe.size
    matrix[:, 2] = place - matrix[:, :2] @ middle
    # Middles of pixels are at integers in OpenCV and at halves here.
    half = matrix.copy()
    half[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    turned = cv2.warpAffine(
        image, half, (recipe.size, recipe.size), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    moved = quads @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(turned, np.uint8), moved.astype(np.float32)


def recolor(image: Image, rng: Generator) -> Image:
    """Change contrast and brightness, rarely turn dark into light or drop the colors."""
    values = image
    if rng.random() < 0.05:
        values = 255 - values
    if rng.random() < 0.1:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.5:
        gain, shift = _log_uniform(rng, 0.6, 1.4), rng.uniform(-30, 30)
        table = np.clip((np.arange(256) - 128.0) * gain + 128 + shift, 0, 255)
        values = table[np.asarray(values, np.uint8)]
    return np.ascontiguousarray(values, np.uint8)
