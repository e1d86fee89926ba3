"""Render values in frames: the frame's lines touch the crop's edges and are not read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from train.synth.corpus import measures, values
from train.synth.typesetting.draw_line import TextMask, TextRun, draw_runs
from train.synth.typesetting.fonts import FontLibrary

Rng = np.random.Generator


def framed_value(rng: Rng, fonts: FontLibrary) -> TextMask:
    """Draw a value in a frame, mostly with its unit in a second cell or outside, as plates and forms have them."""
    number, unit = measures.measure(rng)
    number = values.value(rng)[:14] if rng.random() < 0.25 else number
    alone = rng.random() < 0.25
    text = number if alone else number + unit
    size = int(np.exp(rng.uniform(np.log(20), np.log(44))))
    font = fonts.choose(rng, text, style=None if rng.random() < 0.4 else "sans").at(size)
    gap = float(rng.uniform(0.4, 1.1)) * size
    # A rule parts the two, so a space is read between them.
    runs = (
        [TextRun(number, font)]
        if alone
        else [TextRun(f"{number} ", font), TextRun(unit, font, gap)]
    )
    drawn = draw_runs(runs)
    ends = drawn.centers + drawn.widths / 2
    after = float(ends[len(number) - 1])
    return _frame(rng, drawn, None if alone else (after, after + gap), size)


def _frame(rng: Rng, drawn: TextMask, between: tuple[float, float] | None, size: int) -> TextMask:
    """Add rules left, right, above and below, some left out, and one where `between` says."""
    height, width = drawn.mask.shape
    thick = max(1, round(size * float(rng.uniform(0.04, 0.09))))
    left, right, above, below = (
        thick + round(size * float(share))
        for share in (*rng.uniform(0.1, 0.4, 2), *rng.uniform(0.06, 0.25, 2))
    )
    mask = np.pad(drawn.mask, ((above, below), (left, right)))
    everything = rng.random() < 0.5
    for side in range(4):
        if everything or rng.random() < 0.6:
            turned = np.rot90(mask, side)
            turned[:, :thick] = 255
    if between is not None:
        column = left + round(
            between[0] + (between[1] - between[0]) * float(rng.uniform(0.35, 0.65))
        )
        mask[:, column : column + thick] = 255
    return replace(drawn, mask=mask, centers=drawn.centers + np.float32(left))
