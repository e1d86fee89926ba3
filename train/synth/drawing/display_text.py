"""Draw large display text on any ground: contrasting colors, outlines, shadows, spacing, slant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from train.synth import backgrounds
from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.resources import Resources, brightness, readable_on
from train.synth.typesetting.typeset import Stamp, Type, padded, turned


def ground_under(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> tuple[Color, float]:
    """Mean color below a box of a canvas, and how much its brightness varies."""
    part = canvas.image[max(0, int(y0)) : max(1, int(y1)), max(0, int(x0)) : max(1, int(x1))]
    if part.size == 0:
        return (128, 128, 128), 0.0
    pixels = (
        part[:: max(1, part.shape[0] // 16), :: max(1, part.shape[1] // 48)]
        .reshape(-1, 3)
        .astype(np.float32)
    )
    red, green, blue = pixels.mean(axis=0).astype(int).tolist()
    return (red, green, blue), float((pixels @ np.array([0.299, 0.587, 0.114], np.float32)).std())


def decorated(rng: Generator, ground: Color, spread: float, size: int) -> Ink:
    """Paint for lettering over a ground of this color and spread of brightness.

    Over a restless ground the letters always get an outline or a shadow, as designers give them.
    """
    color = readable_on(rng, ground, contrast=85, vivid=bool(rng.random() < 0.6))
    if rng.random() < 0.35:
        color = (255, 255, 255) if brightness(ground) < 150 else (15, 15, 20)
    ink = Ink(color)
    against: Color = (0, 0, 0) if brightness(color) > 128 else (255, 255, 255)
    if rng.random() < 0.3:
        against = readable_on(rng, color, contrast=100)
    wide = int(max(1, min(9, size * float(rng.uniform(0.03, 0.1)))))
    draw = rng.random()
    if spread > 28:
        draw *= 0.45 if size < 36 else 0.52
    if draw < 0.27:
        ink = replace(ink, outline=against, outline_width=wide)
    elif draw < 0.45:
        soft = float(rng.choice([0.0, 1.0, 2.5])) * max(1.0, size / 40)
        offset = int(rng.integers(1, max(2, size // 12) + 1)) if rng.random() < 0.8 else 0
        ink = replace(
            ink, shadow=against, shadow_offset=offset, shadow_blur=max(soft, 0.0 if offset else 1.5)
        )
    elif draw < 0.52:
        ink = replace(
            ink, outline=against, outline_width=wide, shadow=(0, 0, 0), shadow_offset=wide + 1
        )
    elif draw < 0.58 and size > 36 and spread < 20:
        ink = replace(ink, outline=color, outline_width=max(1, size // 40), hollow=True)
    if size > 24 and rng.random() < 0.25:
        bottom = readable_on(rng, ground, contrast=85, vivid=True)
        ink = replace(ink, bottom=bottom)
    return ink


def display_type(resources: Resources, rng: Generator, lang: str, size: float) -> Type:
    """A face for signs: any style, often bold, slanted or spaced."""
    style = (None, None, "sans", "display", "hand")[int(rng.integers(5))]
    kind = resources.type(rng, lang, size, style=style)
    slant = float(rng.uniform(0.1, 0.3)) if rng.random() < 0.12 else 0.0
    spacing = 0.0
    if rng.random() < 0.3:
        # Up to a character's width: readers still take widely set shop names for one line.
        spacing = (
            float(rng.uniform(0.03, 0.25) if rng.random() < 0.7 else rng.uniform(0.25, 1.1)) * size
        )
        spacing *= 0.5 if lang == "en" else 1.0
    return replace(kind, slant=slant, spacing=spacing, bold=float(rng.random() < 0.3))


def fitted(kind: Type, text: str, width: float, *, vertical: bool = False) -> Stamp | None:
    """Set a text within `width` pixels, smaller if it must be; None if under 9 pixels."""
    length = (
        float(kind.measure(text).sum()) if not vertical else (kind.size + kind.spacing) * len(text)
    )
    if length > width:
        kind = kind.at(kind.size * width / length * 0.95)
    return kind.draw(text, vertical=vertical) if kind.size >= 9 else None


def letter_at(
    canvas: Canvas, rng: Generator, stamp: Stamp, x: float, y: float, *, plate: bool | None = None
) -> bool:
    """Print decorated lettering where the place is free; `plate` puts a patch of color below."""
    x1, y1 = x + stamp.width, y + stamp.height
    margin = 0.12 * min(stamp.height, stamp.width)
    if not canvas.is_free(x - margin, y - margin, x1 + margin, y1 + margin):
        return False
    size = min(stamp.height, stamp.width) if len(stamp.text) > 1 else stamp.height
    ground, spread = ground_under(canvas, x, y, x1, y1)
    if plate is None:
        # Small letters are lost on a restless ground, whatever their outline.
        restless = spread > 28
        plate = bool(rng.random() < (0.75 if restless and size < 20 else 0.3 if restless else 0.12))
    if plate:
        ground, spread = backgrounds.color(rng, vivid=bool(rng.random() < 0.6)), 0.0
        edge = 0.3 * size
        radius = float(rng.choice([0.0, 0.0, 0.3, 1.0])) * size
        box = (
            max(0.0, x - 1.5 * edge),
            max(0.0, y - edge),
            min(canvas.width, x1 + 1.5 * edge),
            min(canvas.height, y1 + edge),
        )
        canvas.box(*box, ground, radius=radius)
        canvas.reserve(*box)
    return canvas.put(stamp, x, y, decorated(rng, ground, spread, size))


def tilted(rng: Generator, stamp: Stamp, limit_deg: float) -> Stamp:
    """Turn lettering by up to `limit_deg` either way."""
    return turned(padded(stamp, 1), float(rng.uniform(-limit_deg, limit_deg)))
