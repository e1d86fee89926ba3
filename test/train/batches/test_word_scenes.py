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


def scenes(*, grown: bool = False, index: int = 0) -> dict[str, Any]:
    recipe = StnOcrRecipe(scenes=12, steps_a_word=10)
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


def test_a_batch_is_always_the_same() -> None:
    for name, value in scenes(index=3).items():
        np.testing.assert_array_equal(value, scenes(index=3)[name])
