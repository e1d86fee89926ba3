"""Make batches of small scenes with a few words below each other, their texts and places, for STN-OCR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
            words = self._words(first, int(rng.integers(1, most + 1)), rng)
            if rng.random() < recipe.cut_out and words:
                words = words[:1]
                image, boxes = self._cut_out(words[0], rng)
            else:
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

    def _words(self, first: int, count: int, rng: Generator) -> list[LineSample]:
        """Render so many words that can be read, of at most twelve characters, most of them in two colors."""
        found: list[LineSample] = []
        for i in range(100):
            sample = self._renderer.line(self._seed, first + i, self._recipe.width)
            if is_readable(sample.text, self._charset) and len(sample.text) <= 12:
                colored = rng.random() < self._recipe.colored
                image = _tinted(sample.image, rng) if colored else sample.image
                found.append(replace(sample, image=image))
            if len(found) == count:
                break
        return found

    def _cut_out(self, word: LineSample, rng: Generator) -> tuple[Image, Floats]:
        """Let a word fill its picture, but for a margin that repeats its border; return it and the region (1, 4)."""
        height, width = word.image.shape[:2]
        above, below, left, right = (
            int(margin * height) for margin in rng.uniform(0, self._recipe.margin, 4)
        )
        image = cv2.copyMakeBorder(
            word.image, above, below, left, right, borderType=cv2.BORDER_REPLICATE
        )
        square, scale = squared(np.asarray(image, np.uint8))
        box = np.float32([left + width / 2, above + height / 2, width / 2, height / 2])
        told = box * np.float32(2 * scale / SIDE) - np.float32([1, 1, 0, 0])
        return square, told[None]

    def _scene(self, words: list[LineSample], rng: Generator) -> tuple[Image, Floats]:
        """Put words below each other on a photograph, each anywhere in its row; return it and their regions (K, 4).

        Half of the photographs are square. Others are as high or as wide as the words allow at least, and repeat
        their border up to the square, as `spotting.stn_ocr.squared` does.
        """
        recipe = self._recipe
        least, most = recipe.heights
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
        for word, height, above, below in zip(words, heights, gaps, gaps[1:], strict=False):
            top += above
            scale = min(height / word.image.shape[0], 0.95 * wide / word.image.shape[1])
            size = [max(4, int(side * scale)) for side in word.image.shape[1::-1]]
            piece = cv2.resize(word.image, size, interpolation=cv2.INTER_AREA)
            left = int(rng.integers(0, wide - size[0] + 1))
            row = min(int(top), high - size[1])
            room = min(row, above / 2), below / 2, left, wide - left - size[0]
            chosen = rng.random(4) < recipe.carried_on
            reach = [side * share for side, share in zip(room, rng.random(4) * chosen, strict=True)]
            _put(scene, piece, (left, row), reach)
            regions.append([left + size[0] / 2, row + size[1] / 2, size[0] / 2, size[1] / 2])
            top += height
        told = np.array(regions, np.float32).reshape(-1, 4) * (2 / SIDE)
        square, _ = squared(np.asarray(scene, np.uint8))
        return square, told - np.float32([1, 1, 0, 0])


def _tinted(image: Image, rng: Generator) -> Image:
    """Return a grey picture in shades between a dark and a light color, as grey stands out on a photograph."""
    dark, light = rng.uniform(0, 110, 3), rng.uniform(145, 255, 3)
    grey = image.mean(axis=2, keepdims=True) / 255
    return np.asarray(dark + (light - dark) * grey, np.uint8)


def _put(scene: Image, piece: Image, corner: tuple[int, int], reach: Sequence[float]) -> None:
    """Put a word's picture on a scene, its ground carried on above, below, left and right by so many pixels.

    Where a ground ends would else tell where its word does, and a localizer would look for grounds.
    """
    (left, row), (height, width) = corner, piece.shape[:2]
    above, below, before, after = (int(side) for side in reach)
    below = min(below, scene.shape[0] - row - height)
    grown = cv2.copyMakeBorder(piece, above, below, before, after, borderType=cv2.BORDER_REPLICATE)
    scene[row - above : row + height + below, left - before : left + width + after] = grown
