"""Batches of lines seen in several views, among those of lines seen once, for recognizers that read them together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recognition.preprocess import HEIGHT, STRIDE, to_input, width_at_height
from train.batches.lines import IGNORE, LineBatches, align
from train.synth.line.views import ViewSample, line_views

_SEED = 909
"""Of what is drawn here beside what single lines are drawn with."""


def with_views(single: LineBatches, views: int) -> LineBatches | ViewBatches:
    """Return batches for a recognizer that reads so many views of a line together; of one, those there are."""
    return ViewBatches(single, views) if views > 1 else single


class ViewBatches:
    """Batch i of a seed: lines of one view, as another source makes them, or lines of two views and more.

    Args:
        single: makes batches of lines seen once; says with what, and how large.
        views: of a line at most. Each line of a batch has two or more; the others are zeros, as where there is none.
        share: of the batches that are of several views.
    """

    def __init__(self, single: LineBatches, views: int, share: float = 0.6) -> None:
        self.single, self.views, self.share = single, views, share

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return what `LineBatches` does; of several views `lines` is (N, V, 32, W), `aligned` (N, V * T)."""
        single = self.single
        rng = np.random.default_rng([single.seed, index, _SEED])
        if rng.random() >= self.share:
            return single(index)
        recipe = single.recipe
        width = int(rng.choice(recipe.widths, p=recipe.shares))
        count = max(2, recipe.columns // (width * self.views))
        lines: list[list[ViewSample]] = []
        for i in range(4 * count):
            number = int(rng.integers(2, self.views + 1))
            views = line_views(single.renderer, single.seed, index * 1000 + i, width, number)
            lines += [views] if single.is_readable(views[0].text) else []
            if len(lines) == count:
                break
        return self.collate(lines, int(width * 1.2) // (4 * STRIDE) * (4 * STRIDE))

    def collate(
        self, lines: list[list[ViewSample]], columns: int
    ) -> dict[str, NDArray[np.generic]]:
        """Bring views to the input height, those of a line to one width, and lines into so many columns."""
        number, steps = len(lines), columns // STRIDE
        longest = max(len(views[0].text) for views in lines)
        seen = np.zeros((number, self.views, HEIGHT, columns), np.float32)
        labels = np.zeros((number, longest), np.int64)
        aligned = np.full((number, self.views, steps), IGNORE, np.int64)
        widths = []
        for i, views in enumerate(lines):
            text = views[0].text
            labels[i, : len(text)] = self.single.charset.encode(text)
            widths.append(max(width_at_height(*view.image.shape[:2], columns) for view in views))
            for j, view in enumerate(views):
                seen[i, j, :, : widths[i]] = to_input(view.image, widths[i])
                says = align(view, widths[i], steps)
                # Nobody can tell there.
                says[np.isin(says, np.flatnonzero(view.hidden) + 1)] = IGNORE
                aligned[i, j] = says
        return {
            "lines": seen,
            "labels": labels,
            "lengths": np.array([len(views[0].text) for views in lines], np.int64),
            "steps": np.array([-(-width // STRIDE) for width in widths], np.int64),
            "aligned": aligned.reshape(number, -1),
        }
