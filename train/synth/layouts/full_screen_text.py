"""Lay out screens full of text: articles, desktop programs, editors and consoles."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.resources import Resources, brightness, readable_on
from train.synth.drawing.screen_theme import contrary, start, title_bar
from train.synth.layouts.table import looks, table
from train.synth.typesetting.typeset import wrap


def article(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A web page or a reader: a headline, a byline, running text, pictures."""
    canvas, look, flow = start(resources, rng, lang, phone=rng.random() < 0.6, style=None)
    if rng.random() < 0.5:
        title_bar(flow, look)
    if rng.random() < 0.7:
        flow.heading(
            resources.phrase(rng, flow.kind, lang, 60 if lang == "en" else 24),
            float(rng.uniform(1.2, 1.8)),
        )
        small = flow.kind.at(max(9, flow.kind.size * 0.75))
        flow.line(resources.number(rng, small), kind=small, ink=Ink(look.faint))
    while not flow.full:
        if rng.random() < 0.2 and flow.y + 9 * flow.kind.size < flow.y1:
            box = (flow.x0, flow.y, flow.x1, flow.y + 7 * flow.kind.size)
            shapes.figure(canvas, resources, rng, box, flow.kind)
            flow.y = box[3] + flow.kind.size
        link = rng.random() < 0.12
        shown = (
            replace(flow, ink=Ink(look.accent))
            if link and _differs(look.accent, look.ground)
            else flow
        )
        shown.running_text(float(rng.uniform(1, 6)))
        flow.y = shown.y + float(rng.uniform(0, 1)) * flow.kind.size
    return canvas


def _differs(first: Color, second: Color) -> bool:
    return abs(brightness(first) - brightness(second)) > 70


def window(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A desktop program: title, menus, a side list, a table or text, a status line."""
    canvas, look, flow = start(resources, rng, lang, phone=False)
    kind = flow.kind.at(min(flow.kind.size, 20))
    flow.kind = kind
    title = kind.draw(resources.phrase(rng, kind, lang, 40 if lang == "en" else 16))
    canvas.box(
        0, 0, canvas.width, 1.9 * kind.size, look.accent if rng.random() < 0.4 else look.card
    )
    bar: Color = tuple(int(v) for v in canvas.image[1, 1])
    canvas.put(title, kind.size * 0.6, 0.5 * kind.size, Ink(contrary(bar)))
    y, x = 2.4 * kind.size, 0.6 * kind.size
    while x + 6 * kind.size < canvas.width and rng.random() < 0.9:
        word = kind.draw(resources.pick(rng, kind, vocabulary.MENUS, lang))
        canvas.put(word, x, y, Ink(look.text))
        x += word.width + 2.3 * kind.size
    top = 4.2 * kind.size
    canvas.rule(0, top - 0.4 * kind.size, canvas.width, top - 0.4 * kind.size, look.faint)
    left = canvas.width * float(rng.uniform(0.16, 0.28))
    side = replace(
        flow, x0=0.7 * kind.size, x1=left - kind.size, y=top, y1=canvas.height - 2.5 * kind.size
    )
    chosen = int(rng.integers(0, 12))
    for number in range(int(rng.integers(4, 22))):
        if side.full:
            break
        if number == chosen:
            canvas.box(0, side.y - 0.3 * kind.size, left, side.y + 1.2 * kind.size, look.card)
        side.line(resources.phrase(rng, kind, lang, 14 if lang == "en" else 7))
    canvas.rule(left, top, left, canvas.height, look.faint)
    body = replace(side, x0=left + kind.size, x1=canvas.width - kind.size, y=top)
    if rng.random() < 0.5:
        style = looks(rng, kind, Ink(look.text), dark=look.dark)
        table(canvas, resources, rng, lang, style, (body.x0, body.y, body.x1, body.y1))
    else:
        while not body.full:
            body.running_text(float(rng.uniform(0.5, 4)))
            body.space(0.5)
    foot = replace(flow, x0=left, y=canvas.height - 1.6 * kind.size, y1=float(canvas.height))
    foot.pair(resources.phrase(rng, kind, lang, 12), resources.number(rng, kind))
    return canvas


def editor(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """Source code or a console: a monospaced face, indents, colors, line numbers."""
    canvas, look, flow = start(resources, rng, lang, phone=False, style="mono")
    kind = resources.type(rng, "en", min(flow.kind.size, 22), style="mono")
    comment = resources.type(rng, lang, kind.size)
    numbered = rng.random() < 0.6
    dx = 3.2 * kind.size if numbered else 0.0
    colors = [
        look.text,
        *(readable_on(rng, look.ground, contrast=80, vivid=True) for _ in range(3)),
    ]
    number, indent = int(rng.integers(1, 200)), 0
    while flow.y + 1.2 * kind.size < flow.y1:
        if numbered:
            canvas.put(kind.draw(str(number)), flow.x0, flow.y, Ink(look.faint))
        number += 1
        indent = max(0, min(5, indent + int(rng.integers(-1, 2))))
        if rng.random() < 0.88:
            own = comment if rng.random() < 0.25 and lang != "en" else kind
            text = resources.phrase(
                rng, own, lang if own is comment else "en", int(rng.integers(4, 50))
            )
            marks = (
                "# {}",
                "{}",
                "{}()",
                "{} = {}",
                "return {}",
                "if {}:",
                "// {}",
                "> {}",
                "{};",
                "def {}(x):",
            )
            text = own.clean(
                marks[int(rng.integers(len(marks)))].replace("{}", text, 1).replace("{}", "0")
            )
            x = flow.x0 + dx + indent * 2 * kind.size
            lines = wrap(own, text, flow.x1 - x)
            if lines:
                ink = Ink(colors[int(rng.integers(len(colors)))])
                canvas.put(own.draw(lines[0]), x, flow.y, ink)
        flow.y += flow.leading * kind.size
    return canvas
