"""Draw what a line says: faces, sizes and spacing of print, screens and signs."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from common.characters import is_han
from recognition.preprocess import HEIGHT
from train.synth.corpus.sentences import Corpus
from train.synth.line import shares
from train.synth.line.sign_text import sign_spacing, sign_text
from train.synth.line.strokes import restyle, worn
from train.synth.line.texts import line_text, screen_text
from train.synth.line.uneven import brushed, unsteady, weathered
from train.synth.typesetting.draw_line import TextMask, draw_text
from train.synth.typesetting.fonts import FontLibrary

Rng = np.random.Generator

_NARROWEST, _LOWEST = 8.0, 8.5
"""Pixels of a Han character on a screen that was saved smaller, at least."""

_UNEVEN_FROM = 28
"""Size in pixels from which letters lose ink to a dry brush or the weather."""

_SIGN_STYLES = {"": 0.38, "sans": 0.2, "display": 0.28, "hand": 0.14}
_COLUMN_STYLES = {"": 0.7, "display": 0.15, "hand": 0.15}


def print_size(rng: Rng, *, han: bool) -> int:
    """Return a size in pixels; below the least strokes run together and only guessing could be learned."""
    if rng.random() < 0.3:
        return int(rng.integers(12 if han else 9, 19))
    return stepped(float(np.exp(rng.uniform(np.log(17), np.log(46)))))


def stepped(size: float) -> int:
    """Return a size in whole pixels, in steps of a twelfth: few sizes keep few faces open."""
    step = max(1, int(size / 12))
    return step * round(size / step)


def printed(rng: Rng, fonts: FontLibrary, corpus: Corpus, max_width: int) -> TextMask:
    """Draw a line of print."""
    parted = shares.happens(rng, "parted")
    text = line_text(rng, corpus, round(0.7 * max_width) if parted else max_width)
    han = any(map(is_han, text))
    face = fonts.choose(rng, text, style="mono" if rng.random() < 0.07 else None)
    size, latin, spacing = print_size(rng, han=han), None, 0.0
    if han and shares.happens(rng, "latin_face"):
        wanted = "Ag0" + "".join(c for c in text if 32 < ord(c) < 128)
        latin = fonts.choose(rng, wanted).at(size)
    if shares.happens(rng, "spaced"):
        spacing = float(rng.uniform(-0.04, 0.5 if rng.random() < 0.3 else 0.15)) * size
    drawn = draw_text(text, face.at(size), latin=latin, spacing=spacing)
    if parted:
        drawn = with_wide_gap(rng, drawn, 0.3 * max_width)
    if face.style == "hand" and shares.happens(rng, "unsteady"):
        drawn = unsteady(rng, drawn)
    drawn = restyle(rng, drawn, vertical=False)
    if shares.happens(rng, "worn"):
        drawn = replace(drawn, mask=worn(rng, drawn.mask))
    return drawn


def with_wide_gap(rng: Rng, drawn: TextMask, room: float) -> TextMask:
    """Widen one space of a line, as between the columns of a table or a label and its value.

    Args:
        rng: which space, and how wide.
        drawn: returned as it is where no space can be widened.
        room: columns at the recognizer's height that the space grows by, at most.
    """
    spaces = [i for i, c in enumerate(drawn.text) if c == " "]
    if not spaces:
        return drawn
    by = room * float(rng.uniform(0.2, 1.0)) * len(drawn.mask) / HEIGHT
    try:
        return drawn.parted(int(rng.choice(spaces)), round(by))
    except ValueError:  # a slanted letter leans over the space
        return drawn


def column(rng: Rng, fonts: FontLibrary, corpus: Corpus, max_width: int) -> TextMask:
    """Draw characters one under the other, tight or loose; the mask stands upright.

    Raises:
        ValueError: the text is Latin or a single character.
    """
    board = max_width <= shares.SCENE_WIDTH and rng.random() < 0.5
    text = sign_text(rng, corpus, max_width) if board else line_text(rng, corpus, max_width)
    text = text.replace(" ", "")
    if len(text) < 2 or not any(map(is_han, text)):
        raise ValueError(f"{text!r} is not written in columns")
    style = shares.draw(rng, _COLUMN_STYLES) or None
    size = print_size(rng, han=True)
    spacing = float(rng.uniform(0.1, 0.8) if rng.random() < 0.4 else rng.uniform(-0.02, 0.15))
    font = fonts.choose(rng, text, style=style).at(size)
    drawn = draw_text(text, font, spacing=spacing * size, vertical=True)
    return restyle(rng, drawn, vertical=True)


def on_screen(rng: Rng, fonts: FontLibrary, corpus: Corpus, max_width: int) -> TextMask:
    """Draw small text to the pixel, then most of the time shrink it."""
    text = screen_text(rng, corpus, max_width)
    han = any(map(is_han, text))
    bitmap = fonts.choose_bitmap(rng, text) if rng.random() < 0.6 else None
    size = int(rng.integers(10, 16)) if han else int(rng.integers(8, 15))
    if bitmap is not None:
        drawn = draw_text(text, bitmap.at(0), crisp=True)
    else:
        font = fonts.choose(rng, text, style="mono" if rng.random() < 0.07 else None).at(size)
        drawn = draw_text(text, font, crisp=bool(rng.random() < 0.6))
    if not han or not shares.happens(rng, "shrunk"):
        return drawn
    wide, high = float(drawn.widths.max()), drawn.mask.shape[0]
    # Most are shrunk nearly as far as they can be read: that is what is hard.
    least = min(1.0, _NARROWEST / wide)
    across = least + (1.0 - least) * float(rng.random()) ** 1.7
    least = min(1.0, max(_LOWEST / high, 0.8 * across))
    down = least + (min(1.0, 1.3 * across) - least) * float(rng.random())
    return drawn.resized(across, down)


def sign(rng: Rng, fonts: FontLibrary, corpus: Corpus, max_width: int) -> TextMask:
    """Draw a word or two in the lettering of signs."""
    text = sign_text(rng, corpus, max_width)
    size = stepped(float(np.exp(rng.uniform(np.log(22), np.log(48)))))
    style = shares.draw(rng, _SIGN_STYLES) or None
    face = fonts.choose(rng, text, style=style)
    drawn = draw_text(text, face.at(size), spacing=sign_spacing(rng, text, size))
    if face.style == "hand" and shares.happens(rng, "unsteady"):
        drawn = unsteady(rng, drawn)
    drawn = bold(rng, restyle(rng, drawn, vertical=False, lettered=True), size)
    # On small letters nothing would be left to be read.
    if size < _UNEVEN_FROM:
        return drawn
    if shares.happens(rng, "brushed"):
        return replace(drawn, mask=brushed(rng, drawn.mask))
    if shares.happens(rng, "weathered"):
        return replace(drawn, mask=weathered(rng, drawn.mask))
    return drawn


def bold(rng: Rng, drawn: TextMask, size: int) -> TextMask:
    """Thicken the strokes of a sign now and then, where they do not run together."""
    fine = drawn.text.isascii() or size >= 32
    if fine and rng.random() < 0.3 and drawn.mask.mean() < 75:
        mask = cv2.dilate(drawn.mask, np.ones((3, 3), np.uint8))
        return replace(drawn, mask=np.asarray(mask, np.uint8))
    return drawn
