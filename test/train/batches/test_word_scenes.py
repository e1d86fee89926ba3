"""Scenes of words: as many as there may be yet, inside the picture, each with its text."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from recognition.charset import Charset
from spotting.stn_ocr import REGIONS, SIDE, boxes
from train.batches.word_scenes import WordScenes
from train.data.samples import LineSample
from train.loop.recipes import StnOcrRecipe
from train.synth.backgrounds import Backgrounds


class Renderer:
    """Renders red words, every third of which cannot be read."""

    def line(self, seed: int, index: int, max_width: int) -> LineSample:
        image = np.zeros((32, 40 + 20 * (index % 5), 3), np.uint8)
        image[..., 0] = 255
        return LineSample(image, ("ab", "b", "日本")[index % 3])


def scenes(*, grown: bool = False, index: int = 0, **shares: float) -> dict[str, Any]:
    shares = {"cut_out": 0.0, "carried_on": 0.0, "colored": 0.0, **shares}
    recipe = StnOcrRecipe(scenes=12, steps_a_word=10, **cast(Any, shares))
    make = WordScenes(cast(Any, Renderer()), Backgrounds(), Charset("ab"), recipe, 1, grown=grown)
    return make(index)


def test_words_grow_in_number() -> None:
    for index, most in ((0, 1), (9, 1), (10, 2), (25, 3), (90, REGIONS)):
        made = scenes(index=index)
        counts = (made["lengths"].reshape(-1, REGIONS) > 0).sum(axis=1)
        assert counts.min() >= 1 and counts.max() <= most
        assert counts.max() == most or index == 90
    assert (scenes(grown=True)["lengths"].reshape(-1, REGIONS) > 0).sum(axis=1).max() > 2


def test_every_word_is_on_the_picture_and_the_rest_is_empty() -> None:
    made = scenes(grown=True)
    assert made["images"].shape == (12, SIDE, SIDE, 3) and made["images"].dtype == np.uint8
    for image, lengths, labels, regions in zip(
        made["images"],
        made["lengths"].reshape(-1, REGIONS),
        made["labels"].reshape(12, REGIONS, -1),
        made["regions"].reshape(12, REGIONS, 4),
        strict=True,
    ):
        count = int((lengths > 0).sum())
        assert (
            (lengths[:count] > 0).all() and not lengths[count:].any() and not labels[count:].any()
        )
        red = (image[..., 0] == 255) & (image[..., 1] == 0)
        rows = np.flatnonzero(red.any(axis=1))
        assert len(rows) >= 12 * count
        shown = np.zeros_like(red)
        for left, top, right, bottom in np.rint(boxes(regions[:count])).astype(int):
            assert red[top:bottom, left:right].mean() > 0.5  # another word may lie on it
            shown[top:bottom, left:right] = True
        assert not (red & ~shown).any() and not regions[count:].any()


def test_a_word_that_is_cut_out_fills_its_picture() -> None:
    made = scenes(grown=True, cut_out=1.0)
    lengths = made["lengths"].reshape(-1, REGIONS)
    assert (lengths[:, 0] > 0).all() and not lengths[:, 1:].any()
    for image, regions in zip(made["images"], made["regions"].reshape(12, REGIONS, 4), strict=True):
        ((left, top, right, bottom),) = boxes(regions[:1])
        assert 0 <= left < right <= SIDE and 0 <= top < bottom <= SIDE
        assert right > 0.6 * SIDE, "the longer side of a picture is the square's"
        assert (image == (255, 0, 0)).all(), "its border is repeated"


def test_a_ground_goes_on_beyond_its_word_and_under_no_other() -> None:
    alone, more = scenes(grown=True), scenes(grown=True, carried_on=1.0)
    np.testing.assert_array_equal(alone["regions"], more["regions"])
    red = [(made["images"] == (255, 0, 0)).all(axis=3) for made in (alone, more)]
    assert red[1][red[0]].all() and red[1].sum() > 1.3 * red[0].sum()


def test_words_in_colors_are_in_two_of_any_hue() -> None:
    made = scenes(cut_out=1.0, colored=1.0)
    shades = [image[0, 0].astype(int) for image in made["images"]]
    assert max(np.ptp(shade) for shade in shades) > 30 and len({tuple(s) for s in shades}) > 6


def test_a_batch_is_always_the_same() -> None:
    for name, value in scenes(index=3).items():
        np.testing.assert_array_equal(value, scenes(index=3)[name])
