"""Lay out shopping streets and halls: many words, mostly small, on everything, from any viewpoint."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from common.arrays import Image
from train.synth.drawing.canvas import Canvas
from train.synth.drawing.resources import Resources
from train.synth.layouts.street import bare_words, board, column_board


def shops(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A photograph with five to thirty boards, posters and bare words in all directions."""
    width, height = int(rng.integers(720, 1280)), int(rng.integers(540, 900))
    canvas = Canvas(_lit(resources.grounds.photo(rng, height, width), rng))
    wordy = float(rng.uniform(0.1, 0.7))
    for _ in range(int(rng.integers(6, 34))):
        draw = rng.random()
        if draw < wordy:
            bare_words(canvas, resources, rng, lang, sizes=(10.0, 60.0), steep=0.45)
        elif draw < 0.95:
            wide = width * float(np.exp(rng.uniform(np.log(0.05), np.log(0.35))))
            tall = wide * float(np.exp(rng.uniform(np.log(0.18), np.log(1.3))))
            board(canvas, resources, rng, lang, wide, tall, steep=0.5)
        elif lang != "en":
            column_board(canvas, resources, rng)
    return canvas


def _lit(photo: Image, rng: Generator) -> Image:
    """Show a photograph in another light: often darker, as halls and evenings are."""
    if rng.random() < 0.5:
        return photo
    gain, gamma = float(rng.uniform(0.3, 1.2)), float(rng.uniform(0.7, 1.8))
    table = np.clip(255 * gain * (np.arange(256) / 255) ** gamma, 0, 255).astype(np.uint8)
    return np.asarray(table[photo], np.uint8)
