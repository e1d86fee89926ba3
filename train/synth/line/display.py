"""Draw displays by rule: seven segments, and matrices of dots that show a small face."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from common.characters import is_han
from train.synth.corpus import values
from train.synth.corpus.sentences import Corpus
from train.synth.typesetting.draw_line import TextMask, draw_text
from train.synth.typesetting.fonts import FontLibrary

Grey = NDArray[np.float32]
Mask = NDArray[np.uint8]
Rng = np.random.Generator

# Segments of each character: top, upper right, lower right, bottom, lower left, upper left, middle.
_SEGMENTS = {
    **{
        "0": "abcdef",
        "1": "bc",
        "2": "abdeg",
        "3": "abcdg",
        "4": "bcfg",
        "5": "acdfg",
        "6": "acdefg",
    },
    **{"7": "abc", "8": "abcdefg", "9": "abcdfg", "-": "g", " ": "", "A": "abcefg", "b": "cdefg"},
    **{
        "C": "adef",
        "d": "bcdeg",
        "E": "adefg",
        "F": "aefg",
        "H": "bcefg",
        "L": "def",
        "P": "abefg",
        "U": "bcdef",
    },
}
_VARIANTS = {"6": "cdefg", "7": "abcf", "9": "abcfg"}
"""As some makers draw them: without the tail, or with a hook."""

_MARKS = ".:"
"""They stand between two characters, on the baseline or at two thirds and a third of the height."""

_HIGH = 48
"""Pixels of a character as it is drawn first."""


def display_text(rng: Rng) -> str:
    """Return what meters, clocks, scales and panels show: figures with a point, times, dates, short codes."""
    draw = rng.random()
    if draw < 0.6:
        digits = str(int(10 ** rng.uniform(0.5, 6)))
        point = int(rng.integers(0, min(4, len(digits))))
        text = f"{digits[:-point]}.{digits[-point:]}" if point else digits
        text = f"-{text}" if rng.random() < 0.12 else text
        return text.zfill(int(rng.integers(2, 7))) if rng.random() < 0.2 else text
    hour, minute, second = (int(rng.integers(n)) for n in (24, 60, 60))
    if draw < 0.8:
        clock = f"{hour:02d}:{minute:02d}" if rng.random() < 0.8 else f"{hour}:{minute:02d}"
        return f"{clock}:{second:02d}" if rng.random() < 0.3 else clock
    if draw < 0.87:
        year = int(rng.integers(2000, 2040))
        return f"{year}-{hour % 12 + 1:02d}-{minute % 28 + 1:02d}"
    letters = "AbCdEFHLPU"
    code = letters[int(rng.integers(len(letters)))] + str(int(rng.integers(100)))
    return code if rng.random() < 0.5 else f"{int(rng.integers(100))} {int(rng.integers(1000))}"


def seven_segments(rng: Rng, text: str) -> tuple[TextMask, Grey]:
    """Draw digits, some letters, `-`, `.` and `:` in bars.

    Returns:
        The line, and (h, w) the segments that are off, 255 where they stand.
    """
    wide, thick = (
        round(_HIGH * float(rng.uniform(0.42, 0.66))),
        float(rng.uniform(0.06, 0.19)) * _HIGH,
    )
    gap, slim = float(rng.uniform(0.0, 0.35)) * thick, max(0.28, 1.6 * thick / _HIGH) * _HIGH
    dot, round_ = thick * float(rng.uniform(0.7, 1.3)), bool(rng.random() < 0.5)
    between = thick * float(rng.uniform(0.6, 1.8)) + _HIGH * float(rng.uniform(0.0, 0.12))
    step = round(wide + max(between, 0.9 * dot))
    inset = bool(rng.random() < 0.7)  # a point inside its digit's cell takes little room or none
    cell = float(rng.uniform(0.0, 1.1)) * thick
    variants = {c: bars for c, bars in _VARIANTS.items() if rng.random() < 0.25}
    shapes = {**_SEGMENTS, **variants}
    places, x = [], float(thick)
    for c in text:
        advance = (cell if inset and c == "." else slim) if c in _MARKS else step
        places.append((x, float(advance)))
        x += float(advance)
    lit, unlit = (np.zeros((_HIGH, int(x + thick)), np.uint8) for _ in range(2))
    for c, (start, advance) in zip(text, places, strict=True):
        if c in _MARKS:
            middle = start + advance / 2 - (step - wide) / 2
            _dots(lit, c, middle, dot, round_=round_)
            continue
        for name, bar in _bars(wide, thick, gap).items():
            target = lit if name in shapes[c] else unlit
            corners = np.rint((bar + [start, 0]) * 16).astype(np.int32)
            cv2.fillPoly(target, [corners], 255, cv2.LINE_AA, 4)
    shear = float(rng.uniform(0.05, 0.22)) if rng.random() < 0.6 else 0.0
    lit, unlit = (_sheared(mask, shear) for mask in (lit, unlit))
    starts, advances = (np.array(each, np.float32) for each in zip(*places, strict=True))
    centers = starts + np.where([c in _MARKS for c in text], advances, wide) / 2
    columns = np.flatnonzero(lit.any(0))
    first, last = int(columns[0]), int(columns[-1]) + 1
    centers = np.asarray(centers + shear * _HIGH / 2 - first, np.float32)
    drawn = TextMask(lit[:, first:last], text, centers, advances)
    return drawn, unlit[:, first:last].astype(np.float32)


def _sheared(mask: Mask, shear: float) -> Mask:
    height, width = mask.shape
    matrix = np.array([[1, -shear, shear * (height - 1)], [0, 1, 0]], np.float32)
    out = cv2.warpAffine(mask, matrix, (width + int(shear * height) + 1, height))
    return np.asarray(out, np.uint8)


def _dots(mask: Mask, mark: str, middle: float, thick: float, *, round_: bool) -> None:
    rows = [_HIGH - thick / 2] if mark == "." else [_HIGH * 0.32, _HIGH * 0.68]
    for row in rows:
        if round_:
            cv2.circle(mask, (round(middle), round(row)), round(thick * 0.55), 255, -1, cv2.LINE_AA)
        else:
            low, high = (np.array([middle, row]) + side * thick / 2 for side in (-1, 1))
            cv2.rectangle(mask, np.rint(low).astype(int), np.rint(high).astype(int), 255, -1)


@functools.lru_cache(maxsize=64)
def _bars(wide: int, thick: float, gap: float) -> dict[str, NDArray[np.float64]]:
    """Return the six corners of each segment of a cell `wide` and `_HIGH` pixels large."""
    half, middle = thick / 2, _HIGH / 2
    left, right, top, bottom = half, wide - half, half, _HIGH - half

    def bar(x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
        a, b = np.array([x0, y0]), np.array([x1, y1])
        along = (b - a) / np.linalg.norm(b - a)
        across = np.array([-along[1], along[0]]) * half
        a, b = a + along * gap, b - along * gap
        tips = along * half
        return np.array(
            [a, a + tips + across, b - tips + across, b, b - tips - across, a + tips - across]
        )

    return {
        "a": bar(left, top, right, top),
        "b": bar(right, top, right, middle),
        "c": bar(right, middle, right, bottom),
        "d": bar(left, bottom, right, bottom),
        "e": bar(left, middle, left, bottom),
        "f": bar(left, top, left, middle),
        "g": bar(left, middle, right, middle),
    }


def matrix_text(rng: Rng, corpus: Corpus, max_width: int) -> str:
    """Return what boards of lamps say: a few words, a time, a value."""
    room = max(2, round(max_width / 26))
    draw = rng.random()
    if draw < 0.6:
        return (
            corpus.phrase(rng, "zh", max(2, round(room * rng.uniform(0.3, 1.0)))).strip()
            or "欢迎光临"
        )
    if draw < 0.8:
        return values.value(rng)[:room].strip()
    return corpus.phrase(rng, "en", room * 2).upper().strip() or "WELCOME"


def dot_matrix(rng: Rng, fonts: FontLibrary, text: str) -> tuple[TextMask, Grey]:
    """Draw a small face of which every pixel is a dot: a lamp, or a pin of a printer.

    Returns:
        The line, and (h, w) the lamps that are off, 255 where they stand.
    """
    bitmap = fonts.choose_bitmap(rng, text) if rng.random() < 0.7 else None
    han = any(map(is_han, text))
    size = int(rng.integers(13, 17)) if han else int(rng.integers(8, 13))
    font = bitmap.at(0) if bitmap is not None else fonts.choose(rng, text, style="sans").at(size)
    small = draw_text(text, font, crisp=True)
    pitch = int(rng.integers(3, 6 if small.mask.shape[1] < 100 else 4))
    dot = _dot(pitch, round(10 * float(rng.uniform(0.7, 1.05))))
    on = (small.mask > 127).astype(np.float32)
    mask = np.kron(on, dot)
    off = np.kron(1 - on, dot)
    centers, widths = small.centers * pitch, small.widths * pitch
    drawn = TextMask((255 * mask).astype(np.uint8), text, centers, widths)
    return drawn, np.asarray(255 * off, np.float32)


@functools.lru_cache(maxsize=64)
def _dot(pitch: int, tenths: int) -> Grey:
    """Return (pitch, pixel) of how much a dot covers, from 0 to 1; `tenths` of the pitch wide."""
    place = np.arange(pitch, dtype=np.float32) + 0.5 - pitch / 2
    radius = np.hypot(place[:, None], place[None])
    return np.clip(tenths / 20 * pitch - radius + 0.5, 0, 1).astype(np.float32)


def shine(rng: Rng, lit: Grey, unlit: Grey) -> Grey:
    """Return (H, W) grey levels of a display: bright on dark, or dark on a light panel of liquid crystal.

    Args:
        rng: draws the brightness.
        lit: (H, W), from 0 to 1: what is on.
        unlit: likewise, what is off.
    """
    if rng.random() < 0.35:  # liquid crystal
        ground, ink = float(rng.uniform(110, 220)), float(rng.uniform(10, 70))
        trace = float(rng.uniform(0.0, 0.12))
        return np.asarray(ground + (ink - ground) * (lit + trace * unlit), np.float32)
    ground, ink = float(rng.uniform(0, 60)), float(rng.uniform(120, 255))
    trace = float(rng.uniform(0.0, 0.16))
    canvas = ground + (ink - ground) * (lit + trace * unlit)
    if rng.random() < 0.5:
        glow = cv2.GaussianBlur(lit, (0, 0), float(rng.uniform(1.0, 0.12 * lit.shape[0] + 1.1)))
        canvas = canvas + float(rng.uniform(0.1, 0.6)) * (ink - ground) * glow
    return np.clip(canvas, 0, 255).astype(np.float32)
