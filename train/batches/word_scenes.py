"""Make batches of small scenes with a few words below each other, their texts and places, for STN-OCR."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from common.arrays import Floats, Image
from recognition.charset import Charset
from spotting.stn_ocr import REGIONS, SIDE, squared
from train.batches.lines import is_readable
from train.data.samples import LineSample
from train.loop.recipes import StnOcrRecipe
from train.synth.backgrounds import Backgrounds
from train.synth.line.render import LineRenderer


class WordScenes:
    """Make batch i of a seed; words grow in number with i.

    Args:
        renderer: draws the words.
        backgrounds: what they are put on.
        charset: numbers the characters.
        recipe: sizes and numbers.
        seed: of everything drawn here.
        grown: scenes have as many words as they ever will.
    """

    def __init__(
        self,
        renderer: LineRenderer,
        backgrounds: Backgrounds,
        charset: Charset,
        recipe: StnOcrRecipe,
        seed: int,
        *,
        grown: bool = False,
    ) -> None:
        self._renderer, self._backgrounds, self._charset = renderer, backgrounds, charset
        self._recipe, self._seed, self._grown = recipe, seed, grown

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return a batch.

        Returns:
            `images` (N, SIDE, SIDE, 3) uint8; `labels` (N * REGIONS, L) and `lengths`, 0 where is no word; `regions`
            (N * REGIONS, 4), as `spotting.stn_ocr.boxes` takes them, around the words.
        """
        recipe, rng = self._recipe, np.random.default_rng([self._seed, index])
        most = REGIONS if self._grown else min(REGIONS, 1 + index // recipe.steps_a_word)
        images, texts = [], []
        regions = np.zeros((recipe.scenes, REGIONS, 4), np.float32)
        for scene in range(recipe.scenes):
            first = (index * recipe.scenes + scene) * 100
            words = self._words(first, int(rng.integers(1, most + 1)))
            image, boxes = self._scene(words, rng)
            images.append(image)
            regions[scene, : len(words)] = boxes
            texts += [w.text for w in words] + [""] * (REGIONS - len(words))
        labels = np.zeros((len(texts), max(1, *map(len, texts))), np.int64)
        for row, text in zip(labels, texts, strict=True):
            row[: len(text)] = self._charset.encode(text)
        lengths = np.array([len(text) for text in texts], np.int64)
        return {
            "images": np.stack(images),
            "labels": labels,
            "lengths": lengths,
            "regions": regions.reshape(-1, 4),
        }

    def _words(self, first: int, count: int) -> list[LineSample]:
        """Render so many words that can be read, of at most twelve characters."""
        found: list[LineSample] = []
        for i in range(100):
            sample = self._renderer.line(self._seed, first + i, self._recipe.width)
            if is_readable(sample.text, self._charset) and len(sample.text) <= 12:
                found.append(sample)
            if len(found) == count:
                break
        return found

    def _scene(self, words: list[LineSample], rng: Generator) -> tuple[Image, Floats]:
        """Put words below each other on a photograph, each anywhere in its row; return it and their regions (K, 4).

        Half of the photographs are square. Others are as high or as wide as the words allow at least, and repeat
        their border up to the square, as `spotting.stn_ocr.squared` does.
        """
        least, most = self._recipe.heights
        high, wide = SIDE, SIDE
        shape = rng.random()
        if shape < 0.4:
            high = int(rng.integers(min(SIDE, round(1.2 * least * len(words))), SIDE + 1))
        elif shape < 0.5:
            wide = int(rng.integers(SIDE // 2, SIDE + 1))
        photo = self._backgrounds.photo(rng, high, wide)
        heights = rng.uniform(least, most, len(words))
        heights *= min(1.0, 0.95 * high / max(heights.sum(), 1.0))
        free = high - heights.sum()
        gaps = rng.dirichlet(np.ones(len(words) + 1)) * max(free, 0)
        scene = photo.copy()
        top, regions = 0.0, []
        for word, height, gap in zip(words, heights, gaps, strict=False):
            top += gap
            scale = min(height / word.image.shape[0], 0.95 * wide / word.image.shape[1])
            size = [max(4, int(side * scale)) for side in word.image.shape[1::-1]]
            piece = cv2.resize(word.image, size, interpolation=cv2.INTER_AREA)
            left = int(rng.integers(0, wide - size[0] + 1))
            row = min(int(top), high - size[1])
            scene[row : row + size[1], left : left + size[0]] = piece
            regions.append([left + size[0] / 2, row + size[1] / 2, size[0] / 2, size[1] / 2])
            top += height
        told = np.array(regions, np.float32).reshape(-1, 4) * (2 / SIDE)
        square, _ = squared(np.asarray(scene, np.uint8))
        return square, told - np.float32([1, 1, 0, 0])
