"""Draw one line of text as a mask, and say where every character stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from common.characters import is_han, is_wide


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

    def parted(self, index: int, by: int) -> TextMask:
        """Return the line with `by` more columns without ink after the middle of character `index`, a space.

        The space stays where it was, a little after the character before it: a network that reads step by step can
        tell that place, and cannot tell the middle of a wide gap.

        Raises:
            ValueError: there is ink in the middle of this character.
        """
        at = round(float(self.centers[index]))
        if self.mask[:, at].any():
            raise ValueError(f"character {index} of {self.text!r} has ink in its middle")
        mask = np.insert(self.mask, [at], np.zeros((len(self.mask), by), np.uint8), axis=1)
        centers = self.centers.copy()
        centers[index + 1 :] += by
        return TextMask(mask, self.text, centers, self.widths)


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
    return _masked(canvas, text, starts + pad, advances, (baseline - top, baseline + bottom))


class TextRun(NamedTuple):
    """A stretch of a line in one font, and how many pixels stand before it."""

    text: str
    font: ImageFont.FreeTypeFont
    gap: float = 0.0


def draw_runs(runs: Sequence[TextRun], rise: float = 0.0) -> TextMask:
    """Draw runs of several sizes and faces on one line.

    Args:
        runs: not empty, each like the text of `draw_text`.
        rise: where smaller runs stand: 0 on the baseline, 0.5 in the middle, 1 at the top of the largest.

    Raises:
        ValueError: nothing of the text leaves ink.
    """
    extents = [_extent(run.font, any(map(is_wide, run.text))) for run in runs]
    top, bottom = max(e[0] for e in extents), max(e[1] for e in extents)
    advances = [np.array([_advance(c, run.font) for c in run.text], np.float32) for run in runs]
    pad = int(max(run.font.size for run in runs))
    width = sum(float(a.sum()) + run.gap for a, run in zip(advances, runs, strict=True))
    canvas = Pillow.new("L", (int(width) + 2 * pad, 3 * pad), 0)
    draw, baseline, x = ImageDraw.Draw(canvas), int(1.75 * pad), float(pad)
    starts = []
    for run, widths, (above, _) in zip(runs, advances, extents, strict=True):
        x += run.gap
        draw.text((x, baseline - rise * (top - above)), run.text, 255, run.font, anchor="ls")
        starts.append(x + np.concatenate([[0.0], np.cumsum(widths)[:-1]]))
        x += float(widths.sum())
    text, every = "".join(run.text for run in runs), np.concatenate(advances)
    return _masked(canvas, text, np.concatenate(starts), every, (baseline - top, baseline + bottom))


def _masked(
    canvas: Pillow.Image,
    text: str,
    starts: NDArray[np.float32],
    advances: NDArray[np.float32],
    rows: tuple[int, int],
) -> TextMask:
    """Cut the ink out of a canvas, with `rows` at least; characters start and advance in its columns."""
    ink = canvas.getbbox()
    if ink is None:
        raise ValueError(f"{text!r} leaves no ink")
    upper, lower = min(ink[1], rows[0]), max(ink[3], rows[1])
    mask = np.asarray(canvas.crop((ink[0], upper, ink[2], lower)))
    centers = np.asarray(starts + advances / 2 - ink[0], np.float32)
    return TextMask(mask, text, centers, np.asarray(advances, np.float32))


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
    mask = np.asarray(canvas.crop((left, ink[1], right, ink[3])))
    return TextMask(mask, text, centers - ink[1], np.full(len(text), pitch, np.float32))


def _runs(text: str, fonts: list[ImageFont.FreeTypeFont], spacing: float) -> list[tuple[int, int]]:
    """Split into stretches that one call can draw: one font, and single characters where they are spaced."""
    if spacing:
        return [(i, i + 1) for i in range(len(text))]
    cuts = [0, *(i for i in range(1, len(text)) if fonts[i] is not fonts[i - 1]), len(text)]
    return list(zip(cuts[:-1], cuts[1:], strict=True))


# A cache keyed by the font itself would keep alive every font that was ever open, some 100 KB each.
_ADVANCES: WeakKeyDictionary[ImageFont.FreeTypeFont, dict[str, float]] = WeakKeyDictionary()
_EXTENTS: WeakKeyDictionary[ImageFont.FreeTypeFont, dict[bool, tuple[int, int]]] = (
    WeakKeyDictionary()
)


def _advance(character: str, font: ImageFont.FreeTypeFont) -> float:
    known = _ADVANCES.setdefault(font, {})
    if is_han(character):  # all are one em wide, and asking for each takes as long as drawing it
        character = "国"
    if character not in known:
        known[character] = font.getlength(character)
    return known[character]


def _extent(font: ImageFont.FreeTypeFont, han: bool) -> tuple[int, int]:
    """Return how far ordinary text reaches above and below the baseline, in pixels."""
    known = _EXTENTS.setdefault(font, {})
    if han not in known:
        box = font.getbbox("国" if han else "Hx", anchor="ls")
        known[han] = int(-box[1]), int(box[3])
    return known[han]
