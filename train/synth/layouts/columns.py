"""Lay out vertical writing: covers, couplets, old books, and columns beside rows as in newspapers."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from train.synth import backgrounds
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.display_text import (
    decorated,
    display_type,
    fitted,
    ground_under,
    letter_at,
)
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources, dark_ink, readable_on
from train.synth.layouts.poster import poster_ground, words
from train.synth.typesetting.typeset import Stamp, Type, turned


def columns(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """Vertical writing: couplets, covers, old books, from right to left; above it a title."""
    lang = "zh" if lang == "en" else lang
    width, height = int(rng.integers(400, 900)), int(rng.integers(440, 1000))
    canvas = Canvas(poster_ground(resources, rng, height, width))
    kind = replace(
        display_type(resources, rng, "zh", float(rng.uniform(16, min(90, height / 7)))),
        slant=0.0,
        latin=None,
    )
    kind = replace(kind, spacing=float(rng.uniform(0, 0.35)) * kind.size)
    top = height * float(rng.uniform(0.04, 0.3))
    if top > 60 and rng.random() < 0.7:
        title = display_type(resources, rng, lang, top * 0.5)
        text = title.clean(words(resources, rng, lang, "title")[0])
        stamp = fitted(title, text, width * 0.9) if text else None
        if stamp is not None:
            letter_at(canvas, rng, stamp, (width - stamp.width) / 2, top * 0.3)
    ground, spread = ground_under(canvas, 0, top, width, height)
    if spread > 30:
        ground, spread = backgrounds.color(rng), 0.0
        canvas.box(width * 0.04, top, width * 0.96, height * 0.97, ground)
    ink = decorated(rng, ground, spread, kind.size)
    pitch = kind.size * float(rng.uniform(1.3, 2.6))
    x = width * float(rng.uniform(0.8, 0.93)) - kind.size
    most = int((height * 0.95 - top - kind.size) / (kind.size + kind.spacing))
    for _ in range(int(rng.integers(1, 12))):
        if x < width * 0.06 or most < 2:
            break
        count = most if rng.random() < 0.4 else int(rng.integers(2, most + 1))
        text = resources.han(rng, kind, count)
        if len(text) > 1:
            canvas.put(kind.draw(text, vertical=True), x, top + 0.3 * kind.size, ink)
        x -= pitch
    return canvas


def book(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A page of an old book or a novel: small columns from right to left, often between rules."""
    width, height = int(rng.integers(420, 900)), int(rng.integers(480, 1100))
    canvas = Canvas(backgrounds.paper(rng, height, width))
    ink = dark_ink(rng)
    size = float(rng.uniform(13, min(40, height / 14)))
    kind = replace(resources.type(rng, "zh", size), slant=0.0, latin=None)
    kind = replace(kind, spacing=float(rng.uniform(0, 0.3)) * kind.size)
    left, right = width * float(rng.uniform(0.05, 0.15)), width * float(rng.uniform(0.85, 0.95))
    top, bottom = height * float(rng.uniform(0.05, 0.15)), height * float(rng.uniform(0.85, 0.95))
    pitch = kind.size * float(rng.uniform(1.35, 2.4))
    ruled = bool(rng.random() < 0.35)
    if ruled:
        edge = 0.4 * kind.size
        canvas.box(left - edge, top - edge, right + edge, bottom + edge, ink.color, thick=2)
    x = right - kind.size
    while x > left:
        part = _column_of_book(resources, rng, kind, bottom - top)
        if part is not None:
            lower = top + (float(rng.choice([0, 2])) * kind.size if rng.random() < 0.3 else 0)
            canvas.put(part, x, lower, ink)
        x -= pitch
        if ruled and x > left:
            middle = x + (pitch + kind.size) / 2
            canvas.rule(middle, top, middle, bottom, ink.color)
    return canvas


def _column_of_book(resources: Resources, rng: Generator, kind: Type, room: float) -> Stamp | None:
    """One column of running text, some shorter, as paragraphs end; None for an empty one."""
    most = int((room - 2 * kind.size) / (kind.size + kind.spacing))
    wanted = most if rng.random() < 0.7 else int(rng.integers(1, most + 1))
    text = ""
    for _ in range(8):
        text += resources.han(rng, kind, wanted)
        if len(text) >= wanted:
            break
    return (
        kind.draw(text[:wanted], vertical=True) if len(text) > 1 and rng.random() < 0.95 else None
    )


def couplet(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A door: tall strips of large characters on both sides, four more on a strip above."""
    width, height = int(rng.integers(420, 1000)), int(rng.integers(480, 1000))
    canvas = Canvas(poster_ground(resources, rng, height, width))
    fill = (200, 30, 35) if rng.random() < 0.6 else backgrounds.color(rng, vivid=True)
    ink = Ink(readable_on(rng, fill, contrast=80))
    count = int(rng.integers(4, 12))
    size = min(0.8 * height / (1.15 * count), 0.2 * width) * float(rng.uniform(0.6, 1.0))
    kind = replace(display_type(resources, rng, "zh", size), slant=0.0, latin=None)
    kind = replace(kind, spacing=float(rng.uniform(0, 0.15)) * kind.size)
    top = height * float(rng.uniform(0.04, 0.16))
    if top > 1.6 * kind.size:
        text = resources.han(rng, kind, 4)
        stamp = fitted(kind, text, width * 0.5) if text else None
        if stamp is not None:
            _on_strip(canvas, stamp, (width - stamp.width) / 2, 0.3 * kind.size, ink, fill)
    inset = float(rng.uniform(0.02, 0.3)) * width
    for x in (inset, width - inset - 1.1 * kind.size):
        text = resources.han(rng, kind, count)
        stamp = kind.draw(text, vertical=True) if len(text) > 1 else None
        if stamp is not None:
            _on_strip(canvas, stamp, x, top + 0.5 * kind.size, ink, fill)
    return canvas


def _on_strip(canvas: Canvas, stamp: Stamp, x: float, y: float, ink: Ink, fill: Color) -> None:
    """Print a line on a strip of paper, where both are free."""
    edge = 0.25 * min(stamp.width, stamp.height)
    box = (x - edge, y - edge, x + stamp.width + edge, y + stamp.height + edge)
    if canvas.is_free(*box):
        canvas.box(*box, fill)
        canvas.put(stamp, x, y, ink)


def newspaper(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """Rows of text with a headline, a name or a title of an axis that runs down or up beside them."""
    lang = "zh" if lang == "en" and rng.random() < 0.6 else lang
    width, height = int(rng.integers(480, 1000)), int(rng.integers(480, 1000))
    canvas = Canvas(backgrounds.paper(rng, height, width))
    ink = dark_ink(rng)
    kind = replace(resources.type(rng, lang, float(rng.uniform(11, 24))), slant=0.0)
    room = width * float(rng.uniform(0.1, 0.3))
    at_left = bool(rng.random() < 0.5)
    x0, x1 = (room, width * 0.95) if at_left else (width * 0.05, width - room)
    flow = Flow(canvas, resources, rng, lang, kind, ink, x0, x1, height * 0.05, height * 0.95)
    while not flow.full:
        flow.running_text(float(rng.uniform(2, 9)))
        flow.space(float(rng.uniform(0, 1.5)))
    begin, end = (0.0, room) if at_left else (width - room, float(width))
    size = min(float(rng.uniform(0.8, 4.5)) * kind.size, 0.6 * (end - begin))
    x = begin + float(rng.uniform(0.1, 0.35)) * (end - begin)
    y = height * float(rng.uniform(0.04, 0.4))
    for _ in range(int(rng.integers(1, 4))):
        stamp = _beside(resources, rng, size, height * 0.95 - y)
        if stamp is None or not canvas.is_free(x, y, x + stamp.width, y + stamp.height):
            break
        canvas.put(stamp, x, y, ink)
        x += 1.5 * stamp.width
    return canvas


def _beside(resources: Resources, rng: Generator, size: float, room: float) -> Stamp | None:
    """A line that runs down or, of letters, up; None where it would be too small."""
    if rng.random() < 0.65:
        kind = replace(resources.type(rng, "zh", max(size, 12)), slant=0.0, latin=None)
        text = resources.han(rng, kind, max(2, min(14, int(room / kind.size))))
        return fitted(kind, text, room, vertical=True) if len(text) > 1 else None
    kind = replace(resources.type(rng, "en", max(min(size, 30), 12)), slant=0.0)
    stamp = fitted(kind, resources.title(rng, kind, "en", 24), room)
    return turned(stamp, 90.0 if rng.random() < 0.7 else -90.0) if stamp else None
