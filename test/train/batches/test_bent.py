"""Lines that are bent for training: columns stay, nothing of the text is lost, every draw is another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recognition.charset import Charset
from train.batches.bent import bend
from train.batches.lines import LineBatches
from train.data.samples import LineSample
from train.loop.recipes import CrnnRecipe


def line(width: int = 200) -> LineSample:
    """A line (32, W) with a dark dot for each of three characters."""
    image = np.full((32, width), 255, np.uint8)
    centers = np.array([30, 100, 170], np.float32)
    for center in centers:
        image[8:24, int(center) - 3 : int(center) + 4] = 0
    return LineSample(image, "abc", centers, np.full(3, 20, np.float32))


def test_characters_stay_in_their_columns_and_in_the_picture() -> None:
    heights = set()
    for seed in range(40):
        bent = bend(line(), np.random.default_rng(seed))
        height, width = bent.image.shape
        heights.add(height)
        assert width == 200 and 28 <= height <= 32 * 2.8
        assert bent.text == "abc"
        np.testing.assert_array_equal(bent.centers, line().centers)
        for center in bent.centers.astype(int):
            around = bent.image[:, center - 16 : center + 17] < 128
            assert 60 < around.sum() < 170  # all of the dot of 112 pixels, and of no other
            assert abs(np.nonzero(around)[1].mean() - 16) < 6
    assert len(heights) > 15


def test_same_draw_bends_alike_and_colors_are_kept() -> None:
    gray, rng = line(), np.random.default_rng
    np.testing.assert_array_equal(bend(gray, rng(1)).image, bend(gray, rng(1)).image)
    colored = replace(gray, image=np.repeat(gray.image[:, :, None], 3, 2))
    np.testing.assert_array_equal(bend(colored, rng(1)).image[:, :, 1], bend(gray, rng(1)).image)


class Renderer:
    """Renders the same line again and again."""

    def line(self, seed: int, index: int, max_width: int) -> LineSample:
        return line()


def test_batches_bend_the_share_of_lines_that_the_recipe_says() -> None:
    for share in (0.0, 0.5, 1.0):
        recipe = replace(CrnnRecipe(), bent=share)
        batches = LineBatches(Renderer(), Charset("abc"), recipe, seed=1)  # type: ignore[arg-type]
        lines = batches.rendered(0, 60, 200)
        bent = sum(s.image.shape[0] != 32 for s in lines) / len(lines)
        assert abs(bent - share) < 0.2
