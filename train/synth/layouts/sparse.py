"""Lay out pages and pictures with hardly any text: one to five short lines, or none."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Ink
from train.synth.drawing.resources import Resources, dark_ink


def sparse(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A page or picture with one to five short lines, now and then with none."""
    width, height = int(rng.integers(400, 1100)), int(rng.integers(400, 1000))
    on_photo = rng.random() < 0.4
    ground = (
        resources.grounds.photo(rng, height, width)
        if on_photo
        else backgrounds.paper(rng, height, width)
    )
    canvas = Canvas(ground)
    for _ in range(int(rng.integers(0, 6))):
        kind = resources.type(rng, lang, float(np.exp(rng.uniform(np.log(12), np.log(60)))))
        text = resources.phrase(rng, kind, lang, int(rng.integers(2, 30 if lang == "en" else 14)))
        if rng.random() < 0.25:
            text = resources.number(rng, kind)
        stamp = kind.draw(text)
        if stamp.width + 4 >= width:
            continue
        x, y = (
            rng.uniform(2, width - stamp.width - 2),
            rng.uniform(2, max(3, height - stamp.height - 2)),
        )
        if not canvas.is_free(x, y, x + stamp.width, y + stamp.height):
            continue
        if on_photo:
            canvas.box(
                x - 6,
                y - 5,
                x + stamp.width + 6,
                y + stamp.height + 5,
                backgrounds.color(rng, dark=False),
            )
        ink = dark_ink(rng)
        canvas.put(stamp, x, y, Ink(ink.color))
    if rng.random() < 0.3 and not on_photo:
        size = float(rng.uniform(0.1, 0.4)) * width
        x, y = float(rng.uniform(0, width - size)), float(rng.uniform(0, height - size))
        if canvas.is_free(x, y, x + size, y + size):
            shapes.picture(canvas, resources, rng, (x, y, x + size, y + size))
    return canvas
