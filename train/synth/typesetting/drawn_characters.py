"""Tell which characters a face really draws: some fonts map characters to nothing, to boxes, or to capitals."""

from __future__ import annotations

import functools
import string
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from fontTools.cffLib import CharStrings
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

# Letters whose capital has another shape, and not the same shape larger.
_TELLING = "abdeghnqrt"
_SAME_SHAPE = 0.8  # correlation of two letters stretched to one box and blurred
_PIXELS = 48
_LAST = 0x40000  # planes of characters end here; behind them are tags and private ones
_SHORT = 8  # bytes of a glyph's program: it may draw nothing, or call what draws it


def drawn_codes(font: TTFont, path: Path, index: int) -> frozenset[int]:
    """Return the code points below U+40000 whose glyph is neither empty nor the box for missing ones.

    Small letters are left out of a face that draws them as capitals: what it shows is not the text.
    """
    cmap = {code: name for code, name in (font.getBestCmap() or {}).items() if 32 <= code < _LAST}
    outlines = _outlines(font)
    missing = outlines(font.getGlyphOrder()[0])
    codes = {code for code, name in cmap.items() if (data := outlines(name)) and data != missing}
    if codes.issuperset(map(ord, _TELLING + _TELLING.upper())) and draws_capitals(path, index):
        codes -= set(map(ord, string.ascii_lowercase))
    return frozenset(codes)


def _outlines(font: TTFont) -> Callable[[str], bytes]:
    """Return a function from a glyph's name to what tells its outline, nothing where it is empty."""
    if "glyf" in font:
        order, loca, data = font.getReverseGlyphMap(), font["loca"], font.reader["glyf"]
        return lambda name: data[loca[order[name]] : loca[order[name] + 1]]
    if "CFF " in font:
        charstrings = font["CFF "].cff[0].CharStrings
        return functools.cache(lambda name: _charstring(charstrings, name))
    return str.encode


def _charstring(charstrings: CharStrings, name: str) -> bytes:
    """Return a glyph's program, or nothing where it only states a width."""
    charstring = charstrings[name]
    if charstring.bytecode is not None and len(charstring.bytecode) > _SHORT:
        return bytes(charstring.bytecode)
    pen = BoundsPen(charstrings)
    charstring.draw(pen)
    return b"" if pen.bounds is None else repr(pen.bounds).encode()


def draws_capitals(path: Path, index: int) -> bool:
    """Say whether small letters have the shapes of capitals, of whatever size and weight."""
    font = ImageFont.truetype(str(path), _PIXELS, index, layout_engine=ImageFont.Layout.BASIC)
    likeness = [float((_shape(font, c) * _shape(font, c.upper())).sum()) for c in _TELLING]
    return float(np.median(likeness)) > _SAME_SHAPE


def _shape(font: ImageFont.FreeTypeFont, character: str) -> npt.NDArray[np.float32]:
    """Draw a character, stretch its box to a square of 32 pixels and blur it; mean 0, norm 1."""
    canvas = Image.new("L", (4 * _PIXELS, 4 * _PIXELS))
    ImageDraw.Draw(canvas).text((_PIXELS, _PIXELS), character, fill=255, font=font)
    letter = np.asarray(canvas.crop(canvas.getbbox())).astype(np.float32)
    square = cv2.GaussianBlur(
        cv2.resize(letter, (32, 32), interpolation=cv2.INTER_AREA), (0, 0), 2.5
    )
    square -= square.mean()
    return square / (np.linalg.norm(square) + 1e-6)
