"""Draw one line of text as a mask, and say where every character stands."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from common.characters import is_wide


@dataclass(frozen=True)
class TextMask:
    """A drawn line.

    Attributes:
        mask: (h, w) uint8, 255 where there is ink. Rows run from the top of capitals or Han
            characters to the
            baseline or their foot, further where ink reaches further; columns from the first ink
            to the last.
        text: what it says.
        centers: (n,) float32, the middle of each character along the line (down the column if
            vertical).
        widths: (n,) float32, the advance of each character.
    """

    mask: NDArray[np.uint8]
    text: str
    centers: NDArray[np.float32]
    widths: NDArray[np.float32]

    def resized(self, across: float, down: float) -> TextMask:
        """Return the line scaled by a factor across and one down, smoothed as pictures are scaled down."""
        height, width = self.mask.shape
        size = max(1, round(width * across)), max(1, round(height * down))
        mask = cv2.resize(self.mask, size, interpolation=cv2.INTER_AREA)
        exact = size[0] / width
        return TextMask(
            np.asarray(mask, np.uint8), self.text, self.centers * exact, self.widths * exact
        )


def draw_text(
    text: str,
    font: ImageFont.FreeTypeFont,
    *,
    latin: ImageFont.FreeTypeFont | None = None,
    spacing: float = 0.0,
    vertical: bool = False,
    crisp: bool = False,
) -> TextMask:
    """Draw `text` on one line, or as one column from the top down.

    Args:
        text: not empty, no line breaks, every character in the font.
        font: of any size.
        latin: draws the ASCII characters instead, on the same baseline.
        spacing: extra pixels between characters.
        vertical: characters upright, one below the other.
        crisp: pixels are ink or none, as screens drew small text before smoothing; not for columns.

    Raises:
        ValueError: nothing of the text leaves ink.
    """
    fonts = [latin if latin is not None and ord(c) < 128 else font for c in text]
    advances = np.array([_advance(c, f) for c, f in zip(text, fonts, strict=True)], np.float32)
    if vertical:
        return _draw_column(text, font, spacing)
    starts = np.concatenate([[0.0], np.cumsum(advances + spacing)[:-1]]).astype(np.float32)
    top, bottom = _extent(font, any(map(is_wide, text)))
    pad = font.size
    canvas = Pillow.new("L", (int(starts[-1] + advances[-1]) + 2 * int(pad), int(3 * pad)), 0)
    draw = ImageDraw.Draw(canvas)
    draw.fontmode = "1" if crisp else "L"
    baseline = int(1.75 * pad)
    for first, last in _runs(text, fonts, spacing):
        draw.text(
            (pad + float(starts[first]), baseline), text[first:last], 255, fonts[first], anchor="ls"
        )
    ink = canvas.getbbox()
    if ink is None:
        raise ValueError(f"{text!r} leaves no ink in {font.getname()}")
    left, right = ink[0], ink[2]
    upper, lower = min(ink[1], baseline - top), max(ink[3], baseline + bottom)
    mask = np.asarray(canvas)[upper:lower, left:right]
    return TextMask(mask, text, starts + pad + advances / 2 - left, advances)


def _draw_column(text: str, font: ImageFont.FreeTypeFont, spacing: float) -> TextMask:
    size = float(font.size)
    pitch = size + spacing
    canvas = Pillow.new("L", (int(2 * size), int(pitch * len(text) + 2 * size)), 0)
    draw = ImageDraw.Draw(canvas)
    centers = size + pitch * (np.arange(len(text), dtype=np.float32) + 0.5)
    for character, y in zip(text, centers, strict=True):
        draw.text((size, float(y)), character, 255, font, anchor="mm")
    ink = canvas.getbbox()
    if ink is None:
        raise ValueError(f"{text!r} leaves no ink in {font.getname()}")
    left, right = min(ink[0], int(0.6 * size)), max(ink[2], int(1.4 * size))
    mask = np.asarray(canvas)[ink[1] : ink[3], left:right]
    return TextMask(mask, text, centers - ink[1], np.full(len(text), pitch, np.float32))


def _runs(text: str, fonts: list[ImageFont.FreeTypeFont], spacing: float) -> list[tuple[int, int]]:
    """Split into stretches that one call can draw: one font, and single characters where they are spaced."""
    if spacing:
        return [(i, i + 1) for i in range(len(text))]
    cuts = [0, *(i for i in range(1, len(text)) if fonts[i] is not fonts[i - 1]), len(text)]
    return list(zip(cuts[:-1], cuts[1:], strict=True))


# A cache keyed by the font itself would keep alive every font that was ever open, some 100 KB each.
_ADVANCES: WeakKeyDictionary[ImageFont.FreeTypeFont, dict[str, float]] = WeakKeyDictionary()


def _advance(character: str, font: ImageFont.FreeTypeFont) -> float:
    known = _ADVANCES.setdefault(font, {})
    if character not in known:
        known[character] = font.getlength(character)
    return known[character]


def _extent(font: ImageFont.FreeTypeFont, han: bool) -> tuple[int, int]:
    """Return how far ordinary text reaches above and below the baseline, in pixels."""
    box = font.getbbox("国" if han else "Hx", anchor="ls")
    return int(-box[1]), int(box[3])
