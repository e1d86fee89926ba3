"""Lay out screens: settings, dialogs, chats, articles, editors, in light and dark themes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources, brightness, readable_on
from train.synth.drawing.screen_theme import Theme, contrary, start, title_bar
from train.synth.layouts.full_screen_text import article, editor, window
from train.synth.typesetting.typeset import Type, wrap


def screen(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """One screenshot of any kind."""
    makers = (settings, dialog, chat, article, window, editor, cards)
    return makers[int(rng.integers(len(makers)))](resources, rng, lang)


def settings(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """Rows with an icon, a name, a value or a switch at the right, and rules between."""
    canvas, look, flow = start(resources, rng, lang, phone=rng.random() < 0.75)
    title_bar(flow, look)
    kind, small = flow.kind, flow.kind.at(max(9, flow.kind.size * 0.78))
    tall = kind.size * float(rng.uniform(2.0, 3.4))
    icons, ruled = rng.random() < 0.5, rng.random() < 0.7
    while flow.y + tall < flow.y1:
        canvas.box(0, flow.y, canvas.width, flow.y + tall, look.card)
        x = flow.x0
        if icons:
            shapes.icon(
                canvas, rng, x, flow.y + 0.25 * tall, 0.5 * tall, backgrounds.color(rng, vivid=True)
            )
            x += 0.8 * tall
        if rng.random() < 0.5:
            name = resources.pick(rng, kind, vocabulary.MENUS, lang)
        else:
            name = resources.phrase(rng, kind, lang, 22 if lang == "en" else 9)
        stamp = kind.draw(name)
        double = tall > 2.6 * kind.size and rng.random() < 0.4
        canvas.put(
            stamp,
            x,
            flow.y + (0.16 * tall if double else (tall - stamp.height) / 2),
            Ink(look.text),
        )
        if double:
            note = small.draw(resources.phrase(rng, small, lang, 34 if lang == "en" else 16))
            canvas.put(note, x, flow.y + 0.84 * tall - note.height, Ink(look.faint))
        _row_end(flow, look, tall, x + stamp.width)
        if ruled:
            canvas.rule(x, flow.y + tall, canvas.width, flow.y + tall, look.ground)
        flow.y += tall
        if rng.random() < 0.12:
            flow.y += 0.9 * kind.size
            flow.line(
                resources.phrase(rng, small, lang, 20 if lang == "en" else 8),
                kind=small,
                ink=Ink(look.faint),
            )
    return canvas


def _row_end(flow: Flow, look: Theme, tall: float, used: float) -> None:
    """What stands at the right end of a row: a value, a switch, an arrow or nothing."""
    rng, kind, canvas = flow.rng, flow.kind, flow.canvas
    middle = flow.y + tall / 2
    draw = rng.random()
    if draw < 0.4:
        word = (
            kind.clean(flow.resources.number(rng, kind))
            if rng.random() < 0.5
            else (flow.resources.phrase(rng, kind, flow.lang, 10 if flow.lang == "en" else 5))
        )
        stamp = kind.draw(word)
        x = flow.x1 - stamp.width - 0.8 * kind.size
        if x > used + 2.2 * kind.size:
            canvas.put(
                stamp,
                x,
                middle - stamp.height / 2,
                Ink(look.faint if rng.random() < 0.7 else look.accent),
            )
    elif draw < 0.6:
        width, radius = 2.0 * kind.size, 0.55 * kind.size
        on = rng.random() < 0.5
        fill = look.accent if on else (180, 180, 185)
        canvas.box(flow.x1 - width, middle - radius, flow.x1, middle + radius, fill, radius=radius)
        x = flow.x1 - (1.8 if not on else 1.0) * radius * (1.0 if on else 1.8)
        canvas.box(
            x - radius * 0.8,
            middle - radius * 0.8,
            x + radius * 0.8,
            middle + radius * 0.8,
            (255, 255, 255),
            radius=radius,
        )
    elif draw < 0.85:
        step = 0.28 * kind.size
        canvas.rule(flow.x1 - step, middle - step, flow.x1, middle, look.faint)
        canvas.rule(flow.x1, middle, flow.x1 - step, middle + step, look.faint)


def button(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    kind: Type,
    x: float,
    y: float,
    fill: Color,
) -> float:
    """Draw a button with its word; return its right side."""
    stamp = kind.draw(resources.pick(rng, kind, vocabulary.BUTTONS, lang))
    wide, tall = stamp.width + kind.size * float(rng.uniform(1.0, 2.4)), 1.9 * kind.size
    if rng.random() < 0.75:
        canvas.box(
            x, y, x + wide, y + tall, fill, radius=float(rng.choice([0, 0.3, 1.0])) * kind.size
        )
        ink = Ink(contrary(fill))
    else:
        red, green, blue = canvas.image[int(y), int(x)].tolist()
        below = (red, green, blue)
        ink = Ink(fill if abs(brightness(fill) - brightness(below)) > 80 else contrary(below))
        canvas.box(x, y, x + wide, y + tall, ink.color, thick=1, radius=0.3 * kind.size)
    canvas.put(stamp, x + (wide - stamp.width) / 2, y + (tall - stamp.height) / 2, ink)
    return x + wide


def dialog(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A box over a dimmed screen: title, message, one to three buttons."""
    canvas, look, flow = start(resources, rng, lang, phone=rng.random() < 0.5)
    if rng.random() < 0.5:
        canvas.paste(resources.grounds.photo(rng, canvas.height, canvas.width), 0, 0)
        canvas.image[:] = (canvas.image * float(rng.uniform(0.3, 0.8))).astype(np.uint8)
    canvas.lines.clear()
    width = min(canvas.width * 0.9, flow.kind.size * float(rng.uniform(14, 26)))
    x0 = (canvas.width - width) / 2
    kind = flow.kind
    text = resources.paragraph(rng, kind, lang, int(rng.integers(12, 120 if lang == "en" else 70)))
    lines = wrap(kind, text, width - 3 * kind.size)[:8]
    tall = (len(lines) * flow.leading + 6.2) * kind.size
    y0 = max(2.0, (canvas.height - tall) / 2)
    canvas.box(
        x0, y0, x0 + width, min(y0 + tall, canvas.height - 2.0), look.card, radius=kind.size * 0.6
    )
    if look.card == look.ground:
        canvas.box(x0, y0, x0 + width, min(y0 + tall, canvas.height - 2.0), look.faint, thick=1)
    inner = replace(
        flow, x0=x0 + 1.5 * kind.size, x1=x0 + width - 1.5 * kind.size, y=y0 + kind.size
    )
    title = resources.phrase(rng, kind, lang, 20 if lang == "en" else 8)
    inner.heading(
        title, float(rng.uniform(1.0, 1.25)), align="center" if rng.random() < 0.5 else "left"
    )
    inner.space(0.4)
    for line in lines:
        inner.place(kind.draw(line), "left", Ink(look.text if not look.dark else (225, 225, 225)))
        inner.y += flow.leading * kind.size
    x = inner.x0 + float(rng.uniform(0, 0.3)) * inner.width
    for _ in range(int(rng.integers(1, 4))):
        if x + 5 * kind.size > inner.x1 or inner.y + 3 * kind.size > canvas.height:
            break
        fill = look.accent if rng.random() < 0.6 else look.faint
        x = (
            button(canvas, resources, rng, lang, kind, x, inner.y + 0.6 * kind.size, fill)
            + kind.size
        )
    return canvas


def chat(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """Messages in bubbles at both sides, with faces and times."""
    canvas, look, flow = start(resources, rng, lang, phone=True)
    title_bar(flow, look)
    kind, small = flow.kind, flow.kind.at(max(9, flow.kind.size * 0.7))
    mine = ((149, 236, 105), (60, 140, 250), (200, 230, 255), look.accent)[int(rng.integers(4))]
    face = 2.3 * kind.size
    while flow.y + 3 * kind.size < flow.y1:
        right = bool(rng.random() < 0.5)
        if rng.random() < 0.2:
            flow.line(resources.number(rng, small), kind=small, align="center", ink=Ink(look.faint))
        text = resources.paragraph(
            rng, kind, lang, int(rng.integers(2, 100 if lang == "en" else 60))
        )
        lines = wrap(kind, text, canvas.width - 2 * flow.x0 - 2 * face - 3 * kind.size)
        lines = lines[: max(1, min(7, int((flow.y1 - flow.y - kind.size) / (1.35 * kind.size))))]
        stamps = [kind.draw(line) for line in lines]
        wide = max(stamp.width for stamp in stamps) + 1.4 * kind.size
        tall = (1.35 * len(stamps) + 0.7) * kind.size
        x = flow.x1 - face - 0.5 * kind.size - wide if right else flow.x0 + face + 0.5 * kind.size
        fill = mine if right else look.card
        canvas.box(x, flow.y, x + wide, flow.y + tall, fill, radius=kind.size * 0.5)
        at = flow.x1 - face if right else flow.x0
        shapes.picture(canvas, resources, rng, (at, flow.y, at + face, flow.y + face))
        for number, stamp in enumerate(stamps):
            y = flow.y + (0.55 + 1.35 * number) * kind.size
            canvas.put(stamp, x + 0.7 * kind.size, y, Ink(contrary(fill)))
        flow.y += max(tall, face) + kind.size * 0.8
    return canvas


def cards(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A shop or video page: a grid of pictures with a name, a price and a badge."""
    canvas, look, flow = start(resources, rng, lang, phone=rng.random() < 0.6)
    title_bar(flow, look)
    kind = flow.kind
    columns = max(1, min(5, int(flow.width / (kind.size * float(rng.uniform(8, 14))))))
    room = flow.width / columns
    shot = room * float(rng.uniform(0.5, 1.0))
    tall = shot + 4.2 * kind.size
    while flow.y + tall < flow.y1 + 0.3 * tall:
        for column in range(columns):
            x, y = flow.x0 + column * room, flow.y
            canvas.box(x + 3, y, x + room - 3, y + tall - 4, look.card, radius=6)
            shapes.picture(canvas, resources, rng, (x + 3, y, x + room - 3, y + shot))
            cell = replace(
                flow,
                x0=x + 8,
                x1=x + room - 8,
                y=y + shot + 0.4 * kind.size,
                y1=min(y + tall, flow.y1),
            )
            cell.paragraph(resources.phrase(rng, kind, lang, 28 if lang == "en" else 14), most=2)
            price = readable_on(rng, look.card, contrast=80, vivid=True)
            cell.line(resources.price(rng), ink=Ink(price))
            if rng.random() < 0.25:
                small = kind.at(max(9, kind.size * 0.75))
                badge = small.draw(resources.pick(rng, small, vocabulary.BUTTONS, lang))
                canvas.box(x + 6, y + 3, x + 16 + badge.width, y + 9 + badge.height, look.accent)
                canvas.put(badge, x + 11, y + 6, Ink(contrary(look.accent)))
        flow.y += tall
    return canvas
