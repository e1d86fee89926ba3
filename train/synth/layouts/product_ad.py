"""Lay out product pictures of online shops: bold words, price, badges and logo over the goods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.badges import badge, device
from train.synth.drawing.canvas import Canvas, Ink
from train.synth.drawing.display_text import (
    decorated,
    display_type,
    fitted,
    ground_under,
    letter_at,
)
from train.synth.drawing.resources import Resources, readable_on
from train.synth.layouts.poster import poster_ground, strip
from train.synth.typesetting.typeset import Stamp, Type


def goods(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A square picture with a large thing in it, and words of all sizes about and on it."""
    side = int(rng.integers(420, 860))
    canvas = Canvas(poster_ground(resources, rng, side, side))
    if rng.random() < 0.75:
        x, y, wide, tall = (side * rng.uniform((0, 0.1, 0.3, 0.3), (0.5, 0.4, 0.8, 0.7))).tolist()
        shapes.picture(canvas, resources, rng, (x, y, min(x + wide, side), min(y + tall, side)))
    if rng.random() < 0.4:
        tall = side * float(rng.uniform(0.07, 0.17))
        y = side - tall if rng.random() < 0.75 else 0.0
        canvas.box(0, y, side, y + tall, backgrounds.color(rng, vivid=True))
        strip(canvas, resources, rng, lang, y, tall)
        canvas.reserve(0, y, side, y + tall)
    if rng.random() < 0.4:
        _lockup(canvas, resources, rng, lang)
    if rng.random() < 0.85:
        _stack(canvas, resources, rng, lang)
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.35, 0.35, 0.2, 0.1]))):
        badge(canvas, resources, rng, lang, side * float(rng.uniform(0.06, 0.18)))
    if rng.random() < 0.35:
        _price(canvas, resources, rng)
    if rng.random() < 0.4:
        _stack(canvas, resources, rng, lang)
    if rng.random() < 0.2:
        _mark(canvas, resources, rng, lang)
    return canvas


def _free_place(
    canvas: Canvas, rng: Generator, wide: float, tall: float
) -> tuple[float, float] | None:
    """Where a box may stand, more often near an edge than in the middle; None where there was no luck."""
    for _ in range(6):
        x, y = rng.beta(0.7, 0.7, 2) * (canvas.width - wide - 8, canvas.height - tall - 8) + 4
        if x > 0 and y > 0 and canvas.is_free(x, y, x + wide, y + tall):
            return float(x), float(y)
    return None


def _words(resources: Resources, rng: Generator, lang: str, kind: Type, most: int) -> str:
    if rng.random() < 0.25:
        return resources.pick(rng, kind, vocabulary.SIGNS, lang)
    text = resources.title(rng, kind, lang, int(rng.integers(2, most + 1)))
    return text.upper() if lang == "en" and rng.random() < 0.6 else text


def _stack(canvas: Canvas, resources: Resources, rng: Generator, lang: str) -> None:
    """One to four lines close under each other, of one face or each of its own, aligned."""
    largest = canvas.width * float(np.exp(rng.uniform(np.log(0.04), np.log(0.17))))
    one = display_type(resources, rng, lang, largest)
    if rng.random() < 0.3:
        one = replace(one, slant=float(rng.uniform(0.08, 0.3)))
    same = rng.random() < 0.6
    stamps: list[Stamp] = []
    for _ in range(int(rng.integers(1, 5))):
        kind = one if same else display_type(resources, rng, lang, largest)
        size = largest * float(rng.choice([1.0, 1.0, rng.uniform(0.3, 0.9)]))
        kind = replace(kind.at(max(10.0, size)), bold=float(rng.random() < 0.55))
        most = 18 if lang == "en" else 10
        stamp = fitted(kind, _words(resources, rng, lang, kind, most), 0.92 * canvas.width)
        if stamp is not None:
            stamps.append(stamp)
    if not stamps:
        return
    pitch = float(rng.uniform(1.04, 1.5))
    wide = max(stamp.width for stamp in stamps)
    place = _free_place(canvas, rng, wide, sum(stamp.height for stamp in stamps) * pitch)
    if place is None:
        return
    (x, y), share = place, float(rng.choice([0.0, 0.0, 0.5, 1.0]))
    for stamp in stamps:
        letter_at(canvas, rng, stamp, x + share * (wide - stamp.width), y, plate=_plate(rng))
        y += stamp.height * pitch


def _plate(rng: Generator) -> bool | None:
    """A patch below lettering as usual, or none whatever the ground: designers do both."""
    return None if rng.random() < 0.4 else False


def _lockup(canvas: Canvas, resources: Resources, rng: Generator, lang: str) -> None:
    """A device with a name beside it and one or two lines of small print under the name."""
    side = canvas.width * float(rng.uniform(0.06, 0.18))
    kind = replace(display_type(resources, rng, lang, side * 0.55), slant=0.0)
    name = fitted(kind, _words(resources, rng, lang, kind, 6), canvas.width - 1.5 * side)
    if name is None:
        return
    small: list[Stamp] = []
    for _ in range(int(rng.integers(0, 3))):
        script = "en" if rng.random() < 0.5 else lang
        print_kind = display_type(resources, rng, script, max(9.0, side * 0.16))
        stamp = fitted(print_kind, _words(resources, rng, script, print_kind, 16), name.width * 1.3)
        if stamp is not None:
            small.append(stamp)
    gap = side * float(rng.uniform(0.08, 0.35))
    wide = side + gap + max(stamp.width for stamp in [name, *small])
    tall = max(side, 1.15 * sum(stamp.height for stamp in [name, *small]))
    place = _free_place(canvas, rng, wide, tall)
    if place is None:
        return
    x, y = place
    below, spread = ground_under(canvas, x, y, x + wide, y + tall)
    ink = decorated(rng, below, spread, kind.size)
    device(canvas, rng, x, y + (tall - side) / 2, side, ink.color)
    for stamp in [name, *small]:
        canvas.put(stamp, x + side + gap, y, ink if stamp is name else Ink(ink.color))
        y += 1.15 * stamp.height
    canvas.reserve(place[0], place[1], place[0] + wide, place[1] + tall)


def _price(canvas: Canvas, resources: Resources, rng: Generator) -> None:
    """An amount in large figures."""
    kind = display_type(resources, rng, "en", canvas.width * float(rng.uniform(0.08, 0.2)))
    stamp = fitted(kind, resources.price(rng)[:6], 0.5 * canvas.width)
    place = _free_place(canvas, rng, stamp.width, stamp.height) if stamp is not None else None
    if stamp is not None and place is not None:
        letter_at(canvas, rng, stamp, *place, plate=_plate(rng))


def _mark(canvas: Canvas, resources: Resources, rng: Generator, lang: str) -> None:
    """The seller's name across the picture, seen through; what is too faint counts neither way."""
    kind = display_type(resources, rng, lang, canvas.width * float(rng.uniform(0.05, 0.12)))
    stamp = fitted(kind, _words(resources, rng, lang, kind, 9), 0.8 * canvas.width)
    place = _free_place(canvas, rng, stamp.width, stamp.height) if stamp is not None else None
    if stamp is None or place is None:
        return
    below, spread = ground_under(canvas, *place, place[0] + stamp.width, place[1] + stamp.height)
    opacity = float(rng.uniform(0.35, 0.85))
    faint = opacity < 0.5 or (spread > 35 and opacity < 0.65)
    ink = Ink(readable_on(rng, below, contrast=100), opacity=opacity)
    canvas.put(stamp, *place, ink, ignore=faint)
