"""Draw what screens have in common: colors, a status bar, a title bar."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.flow import Flow
from train.synth.drawing.resources import Resources, brightness, readable_on


@dataclass(frozen=True)
class Theme:
    """Colors of a screen: ground, cards on it, text, lesser text, and one accent."""

    ground: Color
    card: Color
    text: Color
    faint: Color
    accent: Color

    @property
    def dark(self) -> bool:
        """Light text on a dark ground."""
        return brightness(self.ground) < 110


def theme(rng: Generator) -> Theme:
    """Draw a light (60 %) or dark theme."""
    accent = backgrounds.color(rng, vivid=True)
    if rng.random() < 0.6:
        level = int(rng.integers(232, 256))
        text = int(rng.integers(0, 80))
        ground = (level, level, level) if rng.random() < 0.7 else backgrounds.color(rng, dark=False)
        return Theme(ground, (255, 255, 255), (text, text, text), (130, 130, 135), accent)
    level = int(rng.integers(8, 60))
    tint = rng.integers(0, 22, 3)
    ground = (level + int(tint[0]), level + int(tint[1]), level + int(tint[2]))
    card = (ground[0] + 14, ground[1] + 14, ground[2] + 16)
    text = int(rng.integers(190, 256))
    return Theme(ground, card, (text, text, text), (145, 145, 150), accent)


def start(
    resources: Resources, rng: Generator, lang: str, *, phone: bool, style: str | None = "sans"
) -> tuple[Canvas, Theme, Flow]:
    look = theme(rng)
    width = int(rng.integers(400, 800) if phone else rng.integers(560, 1300))
    height = int(
        np.clip(width * (rng.uniform(0.8, 2.0) if phone else rng.uniform(0.45, 0.85)), 400, 1400)
    )
    canvas = Canvas(backgrounds.plain(height, width, look.ground))
    size = float(np.clip(np.exp(rng.uniform(np.log(width / 50), np.log(width / 18))), 9, 34))
    kind = replace(
        resources.type(rng, lang, size, style=style if rng.random() < 0.85 else None), slant=0.0
    )
    margin = max(4.0, width * float(rng.uniform(0.02, 0.06)))
    flow = Flow(
        canvas,
        resources,
        rng,
        lang,
        kind,
        Ink(look.text),
        margin,
        width - margin,
        0.6 * size,
        height - 0.5 * size,
        float(rng.uniform(1.3, 1.8)),
        align="left",
        indent=0.0,
    )
    if phone and rng.random() < 0.6:
        _status_bar(flow)
    return canvas, look, flow


def _status_bar(flow: Flow) -> None:
    """Time, network and battery at the top of a telephone."""
    rng, kind = flow.rng, flow.kind.at(max(9, flow.kind.size * 0.75))
    clock = f"{int(rng.integers(24))}:{int(rng.integers(60)):02d}"
    right = ("4G", "5G", f"{int(rng.integers(1, 101))}%", f"{int(rng.integers(1, 900))} KB/s")[
        int(rng.integers(4))
    ]
    replace(flow, kind=kind).pair(clock, right)
    for number in range(int(rng.integers(0, 3))):
        x = flow.x1 - (7 + 1.5 * number) * kind.size
        shapes.icon(flow.canvas, rng, x, flow.y, kind.size * 0.8, flow.ink.color)
    flow.y += 1.6 * kind.size


def title_bar(flow: Flow, look: Theme) -> None:
    """A colored title bar across the picture."""
    rng, kind = flow.rng, flow.kind
    tall = kind.size * float(rng.uniform(1.8, 2.8))
    fill = look.accent if rng.random() < 0.45 else look.card
    flow.canvas.box(0, flow.y, flow.canvas.width, flow.y + tall, fill)
    ink = Ink(readable_on(rng, fill, contrast=110) if rng.random() < 0.3 else contrary(fill))
    title = kind.at(kind.size * 1.1)
    most = 24 if flow.lang == "en" else 10
    stamp = title.draw(flow.resources.phrase(rng, title, flow.lang, most))
    x = flow.x0 + 2 * kind.size if rng.random() < 0.5 else (flow.canvas.width - stamp.width) / 2
    flow.canvas.put(stamp, x, flow.y + (tall - stamp.height) / 2, ink)
    if rng.random() < 0.5:
        icon = kind.size * 0.9
        shapes.icon(flow.canvas, rng, flow.x0 * 0.5, flow.y + (tall - icon) / 2, icon, ink.color)
    if rng.random() < 0.4:
        word = kind.draw(flow.resources.pick(rng, kind, vocabulary.BUTTONS, flow.lang))
        x = flow.x1 - word.width
        if flow.canvas.is_free(x - 2 * kind.size, flow.y, x + word.width, flow.y + tall):
            flow.canvas.put(word, x, flow.y + (tall - word.height) / 2, ink)
    flow.y += tall + 0.4 * kind.size


def contrary(fill: Color) -> Color:
    return (255, 255, 255) if brightness(fill) < 150 else (25, 25, 30)
