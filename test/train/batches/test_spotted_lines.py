"""Batches for a spotter: the grid of a line is where its picture was cut out, and its text is what stands there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.arrays import Image
from detection.east import EAST
from recognition.charset import Charset
from train.batches.page_crops import PageCrops
from train.batches.spotted_lines import SpottedLines
from train.data.samples import PageSample, PlacedLine
from train.loop.recipes import CrnnRecipe, CropRecipe, FotsRecipe

CHARSET = Charset("ab一")
RECIPE = FotsRecipe(
    crops=CropRecipe(
        size=256, pages=2, crops=2, usual=(20.0, 24.0), extreme=(18.0, 26.0), stretch=1.0
    ),
    reading=CrnnRecipe(columns=960, widths=(160, 480), shares=(0.5, 0.5)),
)


class Pages:
    """Pages of dark bars with text, and one without."""

    def __init__(self, text: str = "ab", *, empty: bool = False) -> None:
        self.text, self.empty = text, empty

    def page(self, seed: int, index: int) -> PageSample:
        image: Image = np.full((400, 500, 3), 230, np.uint8)
        lines = []
        for i in range(0 if self.empty else 6):
            x, y, w = 30 + 7 * index % 40, 20 + 62 * i, 90 + 20 * (i % 3)
            image[y : y + 22, x : x + w] = 40 + 10 * i
            image[y + 4 : y + 18, x + w // 2 :][:, : w // 4] = 200
            quad = np.array([[x, y], [x + w, y], [x + w, y + 22], [x, y + 22]], np.float32)
            share = np.array([0.25, 0.75], np.float32)
            lines.append(PlacedLine(quad, self.text, centers=share, widths=share * 0 + 0.5))
        return PageSample(image, tuple(lines))


def batch(pages: Pages, index: int = 0) -> dict[str, np.ndarray]:
    crops = PageCrops(pages, RECIPE.crops, 3, EAST())
    return SpottedLines(crops, RECIPE, CHARSET, 3)(index)


def test_what_is_sampled_is_what_was_cut_out() -> None:
    seen = 0
    for index in range(3):
        made = batch(Pages(), index)
        assert (np.diff(made["picture"]) >= 0).all()
        parts = (made[name] for name in ("places", "picture", "lines", "steps"))
        for grid, number, line, steps in zip(*parts, strict=True):
            grey = cv2.cvtColor(made["images"][number], cv2.COLOR_RGB2GRAY)
            x, y = ((grid[:, : 2 * steps, i] + 1) * 128 - 0.5 for i in (0, 1))
            found = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            cut = cv2.resize(line[0, :, : 4 * steps], (2 * steps, 16), interpolation=cv2.INTER_AREA)
            assert np.corrcoef(found.ravel(), cut.ravel())[0, 1] > 0.9
            seen += 1
    assert seen > 10


def test_labels_and_targets_are_those_of_the_lines() -> None:
    made = batch(Pages())
    count = len(made["places"])
    assert count and made["labels"].tolist() == [[1, 2]] * count
    assert made["lines"].shape[3] == 2 * made["places"].shape[2] and made["places"].shape[1] == 16
    assert {"score", "known", "distances", "angle"} <= set(made)
    assert len(made["images"]) == len(made["score"]) == 4


@pytest.mark.parametrize("pages", [Pages(empty=True), Pages("日本")])
def test_pages_without_readable_lines_have_none(pages: Pages) -> None:
    made = batch(pages)
    assert made["places"].shape[0] == len(made["lines"]) == len(made["labels"]) == 0
    assert made["score"].any() != pages.empty


def test_a_batch_is_always_the_same() -> None:
    for name, value in batch(Pages(), 1).items():
        np.testing.assert_array_equal(value, batch(Pages(), 1)[name])
