"""Make batches of views for the scene model from photographs; some show nothing that has an up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from angle.scene import SIDE, normalize
from common.arrays import Floats, Image
from common.image import load
from train.loop.recipes import SceneRecipe
from train.synth.backgrounds import photograph_paths, scenery

KEPT = 2.5
"""Shorter side to which photographs are shrunk, in sides of a view."""


def photographs(folder: Path | None, held_out_every: int) -> tuple[list[Image], list[Image]]:
    """Load the photographs of a folder at a small size, split into training and held-out ones.

    Args:
        folder: of upright photographs.
        held_out_every: one of so many is held out.

    Raises:
        ValueError: no folder, or one with fewer photographs than would leave some of both.
    """
    paths = [] if folder is None else photograph_paths(folder)
    if len(paths) < held_out_every:
        raise ValueError(
            f"--backgrounds {folder}: found {len(paths)} photographs (.jpg, .png), expected at least {held_out_every}, "
            "taken upright: they are what is learned from"
        )
    found = [_small(load(path)) for path in paths]
    held = found[::held_out_every]
    return [image for i, image in enumerate(found) if i % held_out_every], held


def _small(image: Image) -> Image:
    share = KEPT * SIDE / min(image.shape[:2])
    size = [round(side * share) for side in image.shape[1::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class SceneBatches:
    """Make batch i of a training.

    Attributes:
        images: upright photographs.
        recipe: how views are cut and varied.
        seed: of everything drawn here.
    """

    images: Sequence[Image]
    recipe: SceneRecipe
    seed: int

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return `views`, (N, 3, S, S) float32, and `known`, (N,) bool: which have an up."""
        rng = np.random.default_rng([self.seed, index])
        known = rng.random(self.recipe.views) >= self.recipe.blank
        made = [self._photograph(rng) if up else self._blank(rng) for up in known]
        return {"views": np.stack(made), "known": known}

    def _photograph(self, rng: Generator) -> Floats:
        image = self.images[int(rng.integers(len(self.images)))]
        return normalize(varied(cut(image, rng, self.recipe), rng))

    def _blank(self, rng: Generator) -> Floats:
        # Of even light: a shade from above would be an up.
        return normalize(varied(np.rot90(scenery(rng, SIDE, SIDE), int(rng.integers(4))), rng))


def cut(image: Image, rng: Generator, recipe: SceneRecipe) -> Image:
    """Cut a view (SIDE, SIDE, 3) out of a photograph anywhere, tilted a little, mirrored or not."""
    height, width = image.shape[:2]
    side = min(height, width) * float(rng.uniform(recipe.smallest, 1.0))
    middle = [float(rng.uniform(side / 2, whole - side / 2)) for whole in (width, height)]
    tilt = float(rng.uniform(-recipe.tilt, recipe.tilt))
    matrix = cv2.getRotationMatrix2D((middle[0], middle[1]), tilt, SIDE / side)
    matrix[:, 2] += SIDE / 2 - np.array(middle)
    view = cv2.warpAffine(
        image, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(view[:, ::-1] if rng.random() < 0.5 else view, np.uint8)


def varied(view: Image, rng: Generator) -> Floats:
    """Change light, colors and sharpness of a view and cover parts of it, as signs and people do."""
    values = 255 * (view.astype(np.float32) / 255) ** float(rng.uniform(0.5, 2))
    values = values * float(rng.uniform(0.6, 1.4)) + rng.uniform(-40, 40, 3).astype(np.float32)
    if rng.random() < 0.2:
        values = np.repeat(values.mean(2, keepdims=True), 3, axis=2)
    for _ in range(int(rng.integers(4))):
        top, left = rng.integers(0, SIDE - 8, 2)
        high, wide = rng.integers(6, SIDE // 2, 2)
        part = values[top : top + high, left : left + wide]
        part *= float(rng.uniform(0, 0.5))
        part += rng.uniform(0, 150, 3).astype(np.float32)
    if rng.random() < 0.3:
        values = cv2.GaussianBlur(values, (0, 0), float(rng.uniform(0.5, 2)))
    noise = rng.normal(0, float(rng.uniform(0, 8)), values.shape)
    return np.asarray(np.clip(values + noise, 0, 255), np.float32)
