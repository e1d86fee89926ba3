"""Lay out shop fronts: a name across most of the picture, logos, lists of goods and smaller boards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from common.arrays import Image
from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing.badges import device
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.display_text import decorated, display_type, fitted, ground_under
from train.synth.drawing.resources import Resources, brightness
from train.synth.layouts.street import board, board_ground, column_board, mount, somewhere
from train.synth.typesetting.typeset import Type

_ROWS = (
    ("name",),
    ("name", "second"),
    ("second", "name"),
    ("name", "list"),
    ("list",),
    ("list", "name", "second"),
)
_ROW_SHARES = (0.24, 0.24, 0.08, 0.26, 0.1, 0.08)


def front(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A photograph of a shop: one to three name boards, some small ones, seen from anywhere."""
    width, height = int(rng.integers(680, 1280)), int(rng.integers(500, 960))
    if lang == "en" and rng.random() < 0.5:
        lang = "zh"  # streets of Chinese shops are what such boards are common in
    if rng.random() < 0.5:
        canvas = Canvas(resources.grounds.photo(rng, height, width))
    else:
        canvas = Canvas(_house(rng, height, width))
    for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))):
        wide = width * float(rng.uniform(0.5, 1.0))
        tall = wide * float(np.exp(rng.uniform(np.log(0.12), np.log(0.42))))
        sign = name_board(resources, rng, lang, wide, min(tall, 0.6 * height))
        steep = float(rng.uniform(0.0, 0.35))
        matrix, box = somewhere(canvas, rng, sign.width, sign.height, steep)
        if canvas.is_free(*box):
            mount(canvas, sign, matrix, box)
    for _ in range(int(rng.integers(0, 5))):
        if lang != "en" and rng.random() < 0.4:
            column_board(canvas, resources, rng)
        else:
            wide = width * float(rng.uniform(0.08, 0.3))
            tall = wide * float(np.exp(rng.uniform(np.log(0.3), np.log(1.6))))
            board(canvas, resources, rng, lang, wide, tall, steep=0.35)
    return canvas


def _house(rng: Generator, height: int, width: int) -> Image:
    """A wall with windows, shutters and doors in it."""
    makers = (backgrounds.stripes, backgrounds.texture)
    canvas = Canvas(makers[int(rng.integers(2))](rng, height, width))
    for _ in range(int(rng.integers(1, 9))):
        wide, tall = (int(v) for v in rng.uniform(0.06, 0.6, 2) * (width, height))
        x, y = rng.uniform(-0.1, 0.95, 2) * (width, height)
        part = (*makers, backgrounds.blobs)[int(rng.integers(3))](rng, max(8, tall), max(8, wide))
        canvas.paste(part, float(x), float(y))
    return canvas.image


def name_board(resources: Resources, rng: Generator, lang: str, wide: float, tall: float) -> Canvas:
    """A board so many pixels wide and high, as seen from the front, with its lines.

    Its name may be spaced over the whole board; what it lists stands apart as lines of their own.
    """
    sign = Canvas(board_ground(resources, rng, max(24, int(tall)), max(40, int(wide))))
    left, right = 0.04 * sign.width, 0.96 * sign.width
    if rng.random() < 0.4:
        side = sign.height * float(rng.uniform(0.4, 0.9))
        device(sign, rng, left, (sign.height - side) / 2, side, backgrounds.color(rng, vivid=True))
        left += side + sign.height * float(rng.uniform(0.05, 0.3))
    rows = _ROWS[int(rng.choice(len(_ROWS), p=_ROW_SHARES))]
    rooms = np.array([1.0 if row == "name" else float(rng.uniform(0.3, 0.65)) for row in rows])
    rooms = rooms / rooms.sum() * sign.height * 0.9
    if len(rows) == 1 and rng.random() < 0.5:
        rooms *= float(rng.uniform(0.5, 1.0))
    y = (sign.height - float(rooms.sum())) / 2
    raised = rng.random() < 0.3
    for row, room in zip(rows, rooms.tolist(), strict=True):
        kind = display_type(resources, rng, lang, max(9.0, room * float(rng.uniform(0.68, 0.92))))
        kind = replace(kind, bold=float(rng.random() < 0.5), spacing=0.0)
        if row == "list":
            _list(sign, resources, rng, lang, kind, (left, y, right, y + room), raised)
        else:
            _name(sign, resources, rng, lang, kind, (left, y, right, y + room), raised)
        y += room
    return sign


def _name(
    sign: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    kind: Type,
    box: tuple[float, float, float, float],
    raised: bool,
) -> None:
    """One line in a row of a board, often spaced so that it fills it."""
    x0, y0, x1, y1 = box
    # As many characters as the row has room for, or half of that: painters fill a board.
    room = (x1 - x0) / (0.6 * kind.size if lang == "en" else 1.05 * kind.size)
    text = _words(resources, rng, lang, kind, max(2, int(room * float(rng.uniform(0.5, 1.0)))))
    free = x1 - x0 - float(kind.measure(text).sum())
    if free > 0 and len(text) > 1 and rng.random() < 0.6:
        most = (0.35 if lang == "en" else 1.1) * kind.size
        kind = replace(kind, spacing=min(most, free / len(text)) * float(rng.uniform(0.2, 0.95)))
    stamp = fitted(kind, text, x1 - x0)
    if stamp is None:
        return
    x = x0 + (x1 - x0 - stamp.width) * float(rng.choice([0.0, 0.5, 0.5, 0.5, 1.0]))
    y = y0 + max(0.0, (y1 - y0 - stamp.height) / 2)
    if sign.is_free(x, y, x + stamp.width, y + stamp.height):
        ground, spread = ground_under(sign, x, y, x + stamp.width, y + stamp.height)
        sign.put(stamp, x, y, _ink(rng, ground, spread, kind.size, raised))


def _list(
    sign: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    kind: Type,
    box: tuple[float, float, float, float],
    raised: bool,
) -> None:
    """What the shop sells: lines side by side, clearly apart, dots between some."""
    x0, y0, x1, y1 = box
    gap = kind.size * float(rng.uniform(1.0, 3.0))
    ground, spread = ground_under(sign, x0, y0, x1, y1)
    ink = _ink(rng, ground, spread, kind.size, raised)
    dots = rng.random() < 0.3
    x = x0 + float(rng.uniform(0, 0.2)) * (x1 - x0)
    for number in range(int(rng.integers(2, 7))):
        stamp = kind.draw(_words(resources, rng, lang, kind, 10 if lang == "en" else 4))
        y = y0 + max(0.0, (y1 - y0 - stamp.height) / 2)
        if x + stamp.width > x1 or not sign.is_free(x, y, x + stamp.width, y + stamp.height):
            return
        if number and dots:
            radius = max(1.0, 0.08 * kind.size)
            cx, cy = x - gap / 2, (y0 + y1) / 2
            sign.box(cx - radius, cy - radius, cx + radius, cy + radius, ink.color, radius=radius)
        sign.put(stamp, x, y, ink)
        x += stamp.width + gap


def _words(resources: Resources, rng: Generator, lang: str, kind: Type, most: int) -> str:
    draw = rng.random()
    if draw < 0.3:
        return resources.pick(rng, kind, vocabulary.SIGNS, lang)[:most].strip() or "A"
    if draw < 0.4:
        return resources.number(rng, kind)
    text = resources.title(rng, kind, lang, int(rng.integers(max(2, most // 2), most + 1)))
    return text.upper() if lang == "en" and rng.random() < 0.6 else text


def _ink(rng: Generator, ground: Color, spread: float, size: int, raised: bool) -> Ink:
    """Paint, or letters of nearly the board's color that stand out by their shadow."""
    if not raised:
        return decorated(rng, ground, spread, size)
    light, amount = brightness(ground), float(rng.uniform(30, 75))
    lighter = light < 200 and rng.random() < 0.5
    if not lighter and light > 120:  # on a dark board letters can only be lighter
        amount = -amount
    near = np.clip(np.array(ground) + amount, 0, 255).astype(int).tolist()
    deep = (np.array(ground) * 0.4).astype(int).tolist()
    return Ink(
        (near[0], near[1], near[2]),
        shadow=(deep[0], deep[1], deep[2]),
        shadow_offset=max(1, size // int(rng.integers(12, 30))),
        shadow_blur=float(rng.choice([0.0, 1.0])) * max(1.0, size / 40),
    )
