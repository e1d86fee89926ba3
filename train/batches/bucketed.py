"""Make batches of rendered lines of nearly one width (bucketing), so that little arithmetic goes into padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from recognition.charset import Charset
from recognition.preprocess import width_at_height
from train.batches.line_crops import line_crops
from train.batches.lines import LineBatches
from train.data.samples import LineSample, PageSample
from train.loop.recipes import CrnnRecipe
from train.synth.line.render import LineRenderer

Keep = Callable[[Sequence[LineSample], np.random.Generator], list[LineSample]]
"""From lines to those of them that are trained on."""

EDGES = (64, 96, 128, 160, 192, 224, 256, 304, 352, 416, 512, 640, 800, 1008)
"""Widths of batches in columns, multiples of the stride: every shape costs the convolution library a plan. Wider lines
are left out."""

_MOST_DRAWS = 1_000_000
"""Draws of one stream; the next stream begins behind them."""


class BucketedLineBatches(LineBatches):
    """`LineBatches` whose lines wait among others of their width until they fill a batch.

    Of the columns of a batch of `LineBatches` two fifths are padding, as half of its lines end anywhere; here a tenth.
    What a batch holds depends on those before it, so a run that is resumed goes on with other lines than one that was
    not.

    Args:
        renderer: see `LineBatches`.
        charset: likewise.
        recipe: likewise; `page_share` is the share of draws, each of half a batch of lines or of one page.
        seed: likewise.
        page: likewise.
        keep: chooses among the lines drawn; None keeps all.
    """

    def __init__(
        self,
        renderer: LineRenderer,
        charset: Charset,
        recipe: CrnnRecipe,
        seed: int,
        page: Callable[[int], PageSample] | None = None,
        keep: Keep | None = None,
    ) -> None:
        super().__init__(renderer, charset, recipe, seed, page)
        self.keep = keep
        self._waiting: dict[int, list[LineSample]] = {edge: [] for edge in EDGES}
        self._drawn: int | None = None

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return a batch as `LineBatches` does; the first `index` asked for chooses the stream of lines."""
        if self._drawn is None:
            self._drawn = index * _MOST_DRAWS
        while True:
            for edge, lines in self._waiting.items():
                count = max(1, self.recipe.columns // edge)
                if len(lines) >= count:
                    self._waiting[edge] = lines[count:]
                    return self.stacked(lines[:count], edge)
            self._draw(self._drawn)
            self._drawn += 1

    def _draw(self, number: int) -> None:
        """Draw half a batch of lines of a width class, or the lines of a page, and let them wait."""
        rng = np.random.default_rng([self.seed, number])
        width = int(rng.choice(self.recipe.widths, p=self.recipe.shares))
        samples: list[LineSample] = []
        if self.page is not None and rng.random() < self.recipe.page_share:
            samples = [s for s in line_crops(self.page(number), rng) if self.is_readable(s.text)]
        if not samples:
            count = max(1, self.recipe.columns // width // 2)
            samples = self.rendered(number * 1000, count, width)
        for sample in samples if self.keep is None else self.keep(samples, rng):
            wide = width_at_height(*sample.image.shape[:2])
            edge = next((edge for edge in EDGES if wide <= edge), None)
            if edge is not None:
                self._waiting[edge].append(sample)
