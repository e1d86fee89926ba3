"""Measure how many lines and pages one core renders a second, as trainings ask for them.

    python -m bench.rendering --corpus TEXT --backgrounds PHOTOS

Lines are of the widths of a recognizer's batches, as many of each as fill its columns; pages of all kinds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from train.loop.recipes import CrnnRecipe
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.page import PageRenderer
from train.synth.typesetting.fonts import FontLibrary

WARMING = 0.2
"""Share of the time in which typefaces are opened before the clock starts."""


def rate(make: Callable[[int], object], seconds: float) -> float:
    """Return how many samples a second `make` makes of their numbers, after `WARMING` of the time."""
    number, start = 0, time.perf_counter()
    while time.perf_counter() - start < WARMING * seconds:
        make(number)
        number += 1
    first, start = number, time.perf_counter()
    while time.perf_counter() - start < (1 - WARMING) * seconds or number == first:
        make(number)
        number += 1
    return (number - first) / (time.perf_counter() - start)


def line_widths(rng: np.random.Generator, recipe: CrnnRecipe) -> list[int]:
    """Return the width classes of a few batches' lines, shuffled."""
    batches = (round(100 * share) for share in recipe.shares)
    widths = [
        width
        for width, count in zip(recipe.widths, batches, strict=True)
        for _ in range(count * (recipe.columns // width))
    ]
    rng.shuffle(widths)
    return widths


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.rendering", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--fonts", type=Path, help="folder of fonts (default: the system's)")
    parser.add_argument("--corpus", type=Path, help="folder of zh*.txt and en*.txt")
    parser.add_argument("--backgrounds", type=Path, help="folder of photographs to write on")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each of both (20)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    start = time.perf_counter()
    fonts = FontLibrary.load(args.fonts)
    took, faces = time.perf_counter() - start, len(fonts.faces) + len(fonts.bitmap)
    corpus = Corpus.load(args.corpus)
    lines = LineRenderer(fonts, corpus, args.backgrounds)
    pages = PageRenderer(fonts, corpus, Backgrounds.load(args.backgrounds))
    widths = line_widths(np.random.default_rng(args.seed), CrnnRecipe())
    by_line = rate(lambda i: lines.line(args.seed, i, widths[i % len(widths)]), args.seconds)
    by_page = rate(lambda i: pages.page(args.seed, i), args.seconds)
    print(
        f"{faces} faces open in {took:.1f} s; {by_line:.0f} lines and {by_page:.1f} pages a second"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
