"""Make batches for a spotter: crops of pages with what a detector should find, and some of their lines to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from common.arrays import Floats
from recognition.charset import Charset
from recognition.preprocess import STRIDE, width_at_height
from spotting.roi_rotate import CELL, ROWS, places, read_size
from train.batches.line_crops import cut, jittered
from train.batches.lines import is_readable, stack_lines
from train.batches.page_crops import PageCrop, PageCrops
from train.data.samples import LineSample, PageSample
from train.loop.recipes import FotsRecipe


class CropLine(NamedTuple):
    """A line to be read on a crop."""

    picture: int
    """Number of the crop."""
    quad: Floats
    """(4, 2) along which it is cut out, in pixels of the crop."""
    sample: LineSample
    """Cut out."""


class SpottedLines:
    """Make batch i of a seed.

    Args:
        crops: makes the pictures and what is to be found on them.
        recipe: which lines are read.
        charset: numbers the characters.
        seed: of everything drawn here.
    """

    def __init__(self, crops: PageCrops, recipe: FotsRecipe, charset: Charset, seed: int) -> None:
        self._crops, self._recipe, self._charset, self._seed = crops, recipe, charset, seed

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return what `PageCrops` does, and of lines of one width class, those of a picture after each other.

        Returns:
            Besides, what `train.batches.lines.LineBatches` does (there may be no line at all), `places`
            (R, 16, W / 2, 2), see `spotting.roi_rotate.places`, and `picture` (R,), the number of each line's crop.
        """
        rng = np.random.default_rng([self._seed, index, 1])
        crops = self._crops.crops(index)
        lines = [line for i, crop in enumerate(crops) for line in self._lines(i, crop, rng)]
        width, chosen = self._one_class(lines, rng)
        # Room at the end, as lines of one class differ: as in `LineBatches.collate`.
        columns = int(width * 1.2) // (4 * STRIDE) * (4 * STRIDE)
        return {
            **self._crops.stacked(crops),
            **stack_lines([line.sample for line in chosen], columns, self._charset),
            "places": self._places(chosen, columns),
            "picture": np.array([line.picture for line in chosen], np.int64),
        }

    def _lines(self, picture: int, crop: PageCrop, rng: Generator) -> list[CropLine]:
        """Cut the readable lines out of a crop that are wholly inside it."""
        found, size = [], crop.image.shape[1::-1]
        page = PageSample(crop.image, ())
        for line, quad in zip(crop.page.lines, crop.quads, strict=True):
            loose = jittered(quad, rng, self._recipe.jitter)
            inside = (quad >= 0).all() and (quad <= size).all()
            low = read_size(quad)[0] < self._recipe.least_height
            if line.ignore or low or not inside or not is_readable(line.text, self._charset):
                continue
            sample = cut(page, replace(line, quad=quad), loose)
            if sample is not None:
                found.append(CropLine(picture, loose, sample))
        return found

    def _one_class(self, lines: Sequence[CropLine], rng: Generator) -> tuple[int, list[CropLine]]:
        """Choose a width class by how much text there is of it, and as many of its lines as a batch holds."""
        reading = self._recipe.reading
        classes: dict[int, list[CropLine]] = {width: [] for width in reading.widths}
        for line in lines:
            wide = width_at_height(*line.sample.image.shape[:2])
            width = next((w for w in reading.widths if wide <= 1.2 * w), None)
            if width is not None:
                classes[width].append(line)
        sizes = np.array([width * len(found) for width, found in classes.items()], np.float64)
        if not sizes.any():
            return reading.widths[0], []
        width = int(rng.choice(reading.widths, p=sizes / sizes.sum()))
        found, most = classes[width], reading.columns // width
        kept = sorted(rng.permutation(len(found))[:most].tolist())
        return width, [found[i] for i in kept]

    def _places(self, lines: Sequence[CropLine], columns: int) -> Floats:
        grids = [
            places(
                line.quad,
                (self._recipe.crops.size, self._recipe.crops.size),
                width_at_height(*line.sample.image.shape[:2], columns),
                columns,
            )
            for line in lines
        ]
        return np.array(grids, np.float32).reshape(len(lines), ROWS, columns // CELL, 2)
