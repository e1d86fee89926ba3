"""Lay out parts of games and videos: small colored text on dark grounds, subtitles, buttons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources, readable_on
from train.synth.typesetting.typeset import Type

BRIGHT: tuple[Color, ...] = (
    (20, 230, 40),
    (235, 220, 90),
    (240, 140, 30),
    (240, 230, 180),
    (120, 200, 240),
    (240, 240, 240),
    (150, 240, 190),
    (240, 90, 80),
    (200, 160, 240),
    (255, 255, 255),
)


def panel(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A small panel of a few lines, 8 to 20 pixels high, as tools cut it out of a game's window."""
    width, height = int(rng.integers(260, 640)), int(rng.integers(60, 420))
    # Pages are 400 pixels and more: a panel is cut with what is around it.
    canvas_width, canvas_height = max(400, width), max(400, height)
    ground = _ground(resources, rng, canvas_height, canvas_width)
    canvas = Canvas(ground)
    kind = _small_type(resources, rng, lang)
    shade = (int(rng.integers(10, 60)), int(rng.integers(10, 60)), int(rng.integers(15, 70)))
    y = float(rng.uniform(0.2, 1.0)) * kind.size
    while y + 3 * kind.size < canvas_height:
        tall = min(
            canvas_height - y - 2, float(height if rng.random() < 0.6 else rng.uniform(50, 200))
        )
        x = float(rng.uniform(0, canvas_width - width + 1))
        if rng.random() < 0.75:
            _veil(canvas, (x, y, x + width, y + tall), shade, float(rng.uniform(0.5, 1.0)))
            outline = None
        else:
            outline = (0, 0, 0)
        flow = Flow(
            canvas,
            resources,
            rng,
            lang,
            kind,
            Ink((240, 240, 240), outline=outline),
            x + kind.size,
            x + width - kind.size,
            y + 0.5 * kind.size,
            y + tall,
            float(rng.uniform(1.2, 1.9)),
            align="left",
            indent=0.0,
        )
        _lines(flow)
        y += tall + float(rng.uniform(0.5, 4)) * kind.size
    return canvas


def _ground(resources: Resources, rng: Generator, height: int, width: int) -> np.ndarray:
    if rng.random() < 0.5:
        return resources.grounds.photo(rng, height, width)
    first, last = backgrounds.color(rng, dark=True), backgrounds.color(rng, dark=True)
    return backgrounds.gradient(height, width, first, last, float(rng.uniform(0, 6.3)))


def _small_type(resources: Resources, rng: Generator, lang: str) -> Type:
    han = lang != "en"
    bitmap = resources.bitmap_type(rng) if han and rng.random() < 0.4 else None
    if bitmap is not None:
        return bitmap
    size = float(rng.uniform(11, 17) if rng.random() < 0.7 else rng.uniform(16, 26))
    kind = resources.type(
        rng, lang, size if han else size * 1.1, style="sans" if rng.random() < 0.6 else None
    )
    return replace(kind, slant=0.0)


def _veil(
    canvas: Canvas, box: tuple[float, float, float, float], color: Color, depth: float
) -> None:
    x0, y0, x1, y1 = (round(v) for v in box)
    part = canvas.image[max(0, y0) : y1, max(0, x0) : x1]
    part[:] = (part * (1 - depth) + np.array(color) * depth).astype(np.uint8)


def _lines(flow: Flow) -> None:
    rng, resources, kind, lang = flow.rng, flow.resources, flow.kind, flow.lang
    while not flow.full:
        color = BRIGHT[int(rng.integers(len(BRIGHT)))]
        ink = replace(flow.ink, color=color)
        draw = rng.random()
        if draw < 0.5:
            text = resources.phrase(
                rng, kind, lang, int(rng.integers(2, 44 if lang == "en" else 22))
            )
        elif draw < 0.8:
            label = resources.pick(rng, kind, vocabulary.GAME, lang)
            value = (
                f"{int(rng.integers(0, 11))}/10",
                str(int(rng.integers(0, 100_000))),
                f"+{int(rng.integers(1, 99))}%",
            )
            text = f"{label}{(':', '：', ' ')[int(rng.integers(3))]}{value[int(rng.integers(3))]}"
            if rng.random() < 0.4:
                text += f" {resources.pick(rng, kind, vocabulary.GAME, lang)}:{int(rng.integers(0, 99))}"
        else:
            text = resources.number(rng, kind)
        if rng.random() < 0.2:
            flow.ink = ink
            flow.pair(kind.clean(text), f"{int(rng.integers(0, 999))}")
        else:
            stamp_ink = (
                ink
                if flow.ink.outline is not None or rng.random() < 0.7
                else replace(ink, shadow=(0, 0, 0), shadow_offset=1)
            )
            flow.line(kind.clean(text), ink=stamp_ink)
        if rng.random() < 0.15:
            flow.space(0.8)
        if rng.random() < 0.04:
            return


def subtitles(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A frame of a video or game: a scene with subtitles at the foot, marks and buttons."""
    width = int(rng.integers(640, 1200))
    height = int(width * float(rng.uniform(0.5, 0.7)))
    canvas = Canvas(resources.grounds.photo(rng, height, width))
    kind = resources.type(rng, lang, width / float(rng.uniform(22, 40)))
    white = (255, 255, 255) if rng.random() < 0.7 else (250, 230, 80)
    ink = Ink(white, outline=(0, 0, 0), outline_width=max(1, kind.size // 16))
    flow = Flow(
        canvas,
        resources,
        rng,
        lang,
        kind,
        ink,
        width * 0.06,
        width * 0.94,
        height - kind.size * 3.2,
        height - 2.0,
        1.3,
        align="center",
        indent=0.0,
    )
    flow.paragraph(
        resources.phrase(rng, kind, lang, int(rng.integers(4, 60 if lang == "en" else 26))), most=2
    )
    small = kind.at(max(10, kind.size * 0.7))
    for number in range(int(rng.integers(0, 8))):
        text = resources.pick(rng, small, vocabulary.GAME, lang)
        if rng.random() < 0.4:
            text = f"{text} {int(rng.integers(1, 9999))}"
        stamp = small.draw(small.clean(text))
        x = float(rng.uniform(8, max(9, width - stamp.width - 16)))
        y = float(rng.choice([0.03, 0.1, 0.17, 0.5, 0.75])) * height
        box = (x - 6, y - 4, x + stamp.width + 6, y + stamp.height + 4)
        if not canvas.is_free(*box):
            continue
        if number % 2:
            fill = backgrounds.color(rng, vivid=True)
            canvas.box(*box, fill, radius=float(rng.choice([0, 5, 12])))
            canvas.put(stamp, x, y, Ink(readable_on(rng, fill, contrast=110)))
        else:
            canvas.put(
                stamp,
                x,
                y,
                replace(ink, color=BRIGHT[int(rng.integers(len(BRIGHT)))], outline_width=1),
            )
        canvas.reserve(*box)
    if rng.random() < 0.4:
        x, y = float(rng.uniform(0, width * 0.8)), float(rng.uniform(0, height * 0.7))
        if canvas.is_free(x, y, x + width * 0.15, y + 14):
            canvas.box(x, y, x + width * 0.15, y + 12, (60, 60, 60))
            shapes.icon(canvas, rng, x, y, 12, (230, 60, 60))
            canvas.box(x, y, x + width * 0.1, y + 12, (200, 50, 50))
    return canvas
