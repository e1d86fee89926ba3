"""Lay out posters, product pictures, covers: few words, large, decorated, on any ground."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from common.arrays import Image
from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.badges import badge
from train.synth.drawing.canvas import Canvas, Ink
from train.synth.drawing.display_text import (
    decorated,
    display_type,
    fitted,
    ground_under,
    letter_at,
    tilted,
)
from train.synth.drawing.resources import Resources, readable_on
from train.synth.typesetting.typeset import wrap


def poster(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """One picture with lettering, of any kind."""
    makers = (stacked, product, scattered)
    return makers[int(rng.choice(3, p=[0.43, 0.4, 0.17]))](resources, rng, lang)


def poster_ground(resources: Resources, rng: Generator, height: int, width: int) -> Image:
    """What a poster is printed on: a photograph, plain or tinted, a fade with patches, a grain or paper."""
    draw = rng.random()
    if draw < 0.3:
        return resources.grounds.photo(rng, height, width)
    if draw < 0.65:
        vivid = bool(rng.random() < 0.6)
        first, last = backgrounds.color(rng, vivid=vivid), backgrounds.color(rng, vivid=vivid)
        if rng.random() < 0.5:
            last = first
        image = backgrounds.gradient(height, width, first, last, float(rng.uniform(0, 6.3)))
        _patches(rng, image)
        return image
    if draw < 0.8:
        return backgrounds.texture(rng, height, width)
    if draw < 0.9:
        photo = resources.grounds.photo(rng, height, width)
        tint = np.array(backgrounds.color(rng, vivid=True), np.float32)
        depth = float(rng.uniform(0.4, 0.85))
        return (photo * (1 - depth) + tint * depth).astype(np.uint8)
    return backgrounds.paper(rng, height, width)


def _patches(rng: Generator, image: Image) -> None:
    """Flat shapes of a designer's hand."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(0, 6))):
        color = backgrounds.color(rng, vivid=True)
        x, y = (rng.uniform(-0.1, 1.1, 2) * (width, height)).astype(int).tolist()
        if rng.random() < 0.5:
            cv2.circle(image, (x, y), int(rng.uniform(0.03, 0.3) * width), color, -1, cv2.LINE_AA)
        else:
            corners = np.array([x, y]) + rng.uniform(-0.4, 0.4, (4, 2)) * (width, height)
            cv2.fillConvexPoly(image, cv2.convexHull(corners.astype(np.int32)), color, cv2.LINE_AA)


def words(resources: Resources, rng: Generator, lang: str, kind_of: str) -> tuple[str, float]:
    """A text for a part of a poster, and how large it is beside a title."""
    size = {"title": 1.0, "second": 0.5, "point": 0.33, "small": 0.2}[kind_of]
    most = {"title": 9, "second": 14, "point": 12, "small": 24}[kind_of] * (
        2 if lang == "en" else 1
    )
    sample = display_type(resources, rng, lang, 20)
    draw = rng.random()
    if draw < 0.25:
        return resources.pick(rng, sample, vocabulary.SIGNS, lang), size
    if draw < 0.35:
        return resources.number(rng, sample), size
    text = resources.title(rng, sample, lang, int(rng.integers(2, most + 1)))
    if lang == "en" and rng.random() < 0.5:
        text = text.upper() if rng.random() < 0.7 else text.title()
    return text, size


def stacked(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A title with smaller lines and points under it, centered or at the left."""
    width, height = int(rng.integers(400, 1000)), int(rng.integers(400, 1000))
    canvas = Canvas(poster_ground(resources, rng, height, width))
    title = float(np.clip(width * rng.uniform(0.08, 0.24), 28, 160))
    centered = rng.random() < 0.6
    left, right = width * 0.06, width * float(rng.uniform(0.55, 0.94) if not centered else 0.94)
    y = height * float(rng.uniform(0.04, 0.3))
    parts = ["second"] * int(rng.integers(0, 2)) + ["title"] * int(rng.integers(1, 3))
    parts += (
        ["second"] * int(rng.integers(0, 3))
        + ["point"] * int(rng.integers(0, 6))
        + ["small"] * int(rng.integers(0, 5))
    )
    kinds = {part: display_type(resources, rng, lang, 20) for part in dict.fromkeys(parts)}
    tilt = float(rng.uniform(-12, 12)) if rng.random() < 0.12 else 0.0
    for part in parts:
        text, share = words(resources, rng, lang, part)
        kind = kinds[part].at(max(11, title * share * float(rng.uniform(0.8, 1.2))))
        text = kind.clean(text)
        stamp = fitted(kind, text, right - left) if text else None
        if stamp is None:
            continue
        if tilt and part in {"title", "second"}:
            stamp = tilted(rng, stamp, abs(tilt))
        x = (width - stamp.width) / 2 if centered else left
        if y + stamp.height > height - 4:
            break
        letter_at(canvas, rng, stamp, x, y)
        y += stamp.height * float(rng.uniform(1.25, 1.9))
    if y < height * 0.75 and rng.random() < 0.5:
        _paragraph(canvas, resources, rng, lang, (left, y + 10, right, height - 10.0))
    return canvas


def _paragraph(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    box: tuple[float, float, float, float],
) -> None:
    """Small print in a few wrapped lines, on a plate or directly on the ground."""
    x0, y0, x1, y1 = box
    kind = resources.type(rng, lang, float(rng.uniform(11, 24)))
    if x1 - x0 < 8 * kind.size or not canvas.is_free(x0, y0, x1, min(y1, y0 + 4 * kind.size)):
        return
    text = resources.paragraph(rng, kind, lang, int(rng.integers(20, 120)))
    lines = wrap(kind, text, x1 - x0)[: max(1, min(6, int((y1 - y0) / (1.5 * kind.size))))]
    ground, spread = ground_under(canvas, x0, y0, x1, y0 + 1.5 * kind.size * len(lines))
    if spread > 20 or rng.random() < 0.3:
        ground = backgrounds.color(rng, dark=bool(rng.random() < 0.3))
        canvas.box(
            x0 - 8,
            y0 - 8,
            x1 + 8,
            y0 + 1.5 * kind.size * len(lines) + 4,
            ground,
            radius=float(rng.choice([0, 8])),
        )
    ink = Ink(readable_on(rng, ground, contrast=100))
    for number, line in enumerate(lines):
        canvas.put(kind.draw(line), x0, y0 + number * 1.5 * kind.size, ink)


def product(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A shop's picture: the thing in the middle, words at the sides, strips, badges."""
    side = int(rng.integers(480, 900))
    width, height = side, int(side * float(rng.choice([1.0, 1.0, 1.15, 0.8])))
    canvas = Canvas(poster_ground(resources, rng, height, width))
    if rng.random() < 0.7:
        x, y = float(rng.uniform(0.25, 0.45)) * width, float(rng.uniform(0.2, 0.4)) * height
        box = (
            x,
            y,
            x + float(rng.uniform(0.35, 0.55)) * width,
            y + float(rng.uniform(0.35, 0.5)) * height,
        )
        shapes.picture(canvas, resources, rng, box)
        canvas.reserve(*box)
    base = float(np.clip(width * rng.uniform(0.035, 0.075), 16, 70))
    if rng.random() < 0.55:
        tall = base * float(rng.uniform(1.5, 2.6))
        y = height - tall if rng.random() < 0.7 else 0.0
        fill = backgrounds.color(rng, vivid=True)
        canvas.box(0, y, width, y + tall, fill)
        strip(canvas, resources, rng, lang, y, tall)
        canvas.reserve(0, y, width, y + tall)
    kind = display_type(resources, rng, lang, base)
    x = width * float(rng.uniform(0.02, 0.08))
    y = height * float(rng.uniform(0.03, 0.2))
    for part in ["title"] + ["point"] * int(rng.integers(1, 6)):
        text, _ = words(resources, rng, lang, part)
        size = base * (float(rng.uniform(1.2, 2.2)) if part == "title" else 1.0)
        text = kind.clean(text)
        stamp = (
            fitted(kind.at(size), text, width * (0.9 if part == "title" else 0.5)) if text else None
        )
        if stamp is not None and letter_at(canvas, rng, stamp, x, y):
            y += stamp.height * float(rng.uniform(1.4, 2.0))
        else:
            y += base
    for _ in range(int(rng.integers(0, 4))):
        badge(canvas, resources, rng, lang, base * float(rng.uniform(1.5, 2.6)))
    if rng.random() < 0.2:
        _watermark(canvas, resources, rng, lang, base)
    return canvas


def strip(
    canvas: Canvas, resources: Resources, rng: Generator, lang: str, y: float, tall: float
) -> None:
    """One or two texts on a strip of one color."""
    kind = display_type(resources, rng, lang, tall * float(rng.uniform(0.4, 0.62)))
    x = canvas.width * float(rng.uniform(0.02, 0.1))
    for _ in range(int(rng.integers(1, 3))):
        text = kind.clean(words(resources, rng, lang, "second")[0])
        stamp = fitted(kind, text, canvas.width - x - 8) if text else None
        if stamp is None or stamp.height > tall or x + stamp.width > canvas.width:
            return
        ground, spread = ground_under(canvas, x, y, x + stamp.width, y + tall)
        ink = decorated(rng, ground, spread, stamp.height)
        canvas.put(stamp, x, y + (tall - stamp.height) / 2, ink)
        x += stamp.width + 2.5 * stamp.height


def _watermark(
    canvas: Canvas, resources: Resources, rng: Generator, lang: str, base: float
) -> None:
    """A shop's name across the picture, faint and often slanted; faint ones count neither way."""
    kind = display_type(resources, rng, lang, base * 0.9)
    stamp = tilted(
        rng, kind.draw(resources.phrase(rng, kind, lang, 20 if lang == "en" else 10)), 30
    )
    if stamp.width >= canvas.width or stamp.height >= canvas.height:
        return
    x = float(rng.uniform(0, canvas.width - stamp.width))
    y = float(rng.uniform(0, canvas.height - stamp.height))
    if not canvas.is_free(x, y, x + stamp.width, y + stamp.height):
        return
    ground, _ = ground_under(canvas, x, y, x + stamp.width, y + stamp.height)
    opacity = float(rng.uniform(0.3, 0.9))
    canvas.put(
        stamp,
        x,
        y,
        Ink(readable_on(rng, ground, contrast=90), opacity=opacity),
        ignore=opacity < 0.55,
    )


def scattered(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """Words of all sizes anywhere on a ground, some at an angle."""
    width, height = int(rng.integers(400, 1000)), int(rng.integers(400, 900))
    canvas = Canvas(poster_ground(resources, rng, height, width))
    for _ in range(int(rng.integers(3, 14))):
        size = float(np.exp(rng.uniform(np.log(12), np.log(min(110, height / 4)))))
        kind = display_type(resources, rng, lang, size)
        text = kind.clean(
            words(resources, rng, lang, ("title", "second", "point")[int(rng.integers(3))])[0]
        )
        stamp = fitted(kind, text, width * 0.85) if text else None
        if stamp is None:
            continue
        if rng.random() < 0.35:
            stamp = tilted(rng, stamp, 30 if rng.random() < 0.5 else 10)
        for _ in range(4):
            x = float(rng.uniform(0, max(1, width - stamp.width)))
            y = float(rng.uniform(0, max(1, height - stamp.height)))
            if letter_at(canvas, rng, stamp, x, y):
                break
    return canvas
