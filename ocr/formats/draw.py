"""Draw the boxes on a page's picture, and beside it a sheet with the text read."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from common.arrays import Floats, Image
from common.characters import is_wide
from common.quads import is_column, quad_size
from ocr.result import Page

MAX_SIDE = 2000
"""Larger pictures are drawn reduced to this, in pixels."""

_GLYPH = 48  # height in pixels at which text is drawn before it is fitted to its box
_MAX_GLYPHS = 300  # longer lines are drawn cut off
_PIXELS_PER_STROKE = 1000  # of a panel's longer side, for each pixel of an outline
_MIN_NUMBER = 9.0  # height of a box's number in pixels
_NUMBER_SHARE = 0.012  # the same in longer sides of the panel, where lines are high enough
_NUMBER_IN_LINE = 0.75  # the same in the usual height of a line at most
_LETTER = 21.0  # height in pixels of OpenCV's digits at scale 1
_COLORS = ((214, 39, 40), (31, 119, 180), (44, 160, 44), (148, 103, 189), (227, 119, 0))

# Faces with Chinese, best first; nothing is downloaded and none is shipped.
_FONT_NAMES = (
    "NotoSansCJK*.ttc", "NotoSansCJK*.otf", "NotoSansSC*.[ot]tf", "SourceHanSans*.[ot]t[cf]",
    "wqy-*.tt[cf]", "msyh.tt[cf]", "PingFang.ttc", "Hiragino Sans GB.ttc", "STHeiti*.ttc",
    "simhei.ttf", "simsun.ttc", "DroidSansFallback*.ttf", "NotoSerifCJK*.ttc", "uming.ttc",
    "ukai.ttc", "Arial Unicode.ttf",
)  # fmt: skip


def draw(image: Image, page: Page) -> Image:
    """Draw a page: on the left the boxes with their numbers, on the right the text in place.

    Where no Chinese font is installed, the numbers alone stand in the boxes on the right.
    """
    scale = min(1.0, MAX_SIDE / max(image.shape[:2]))
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    left = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    right = np.full_like(left, 255)
    font = find_font(_GLYPH)
    quads = [np.array(line.box, np.float32) * scale for line in page.lines]
    for number, (line, quad) in enumerate(zip(page.lines, quads, strict=True)):
        if font is not None and line.text:
            rows, columns = quad_size(quad)
            mask = _line_mask(line.text, font)
            if is_column(rows, columns):
                # Latin letters lie on their side; only characters that fill a square stand upright.
                upright = any(map(is_wide, line.text))
                mask = _column_mask(line.text, font) if upright else np.rot90(mask, -1).copy()
            _paste(right, mask, quad)
        for panel in (left, right):
            _outline(panel, quad, number)
    return np.concatenate([_numbered(left, quads), right if font else _numbered(right, quads)], 1)


@lru_cache(maxsize=4)
def find_font(size: int) -> PIL.ImageFont.FreeTypeFont | None:
    """A font of this system with Chinese characters, at a size in pixels; None without one."""
    files = [
        path
        for folder in _font_folders()
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.suffix.lower() in {".ttf", ".ttc", ".otf"}
    ]
    for pattern in _FONT_NAMES:
        matching = [path for path in files if path.match(pattern)]
        for path in sorted(matching, key=lambda path: ("Regular" not in path.name, path)):
            try:
                return PIL.ImageFont.truetype(path, size)
            except OSError:
                continue
    return None


def _font_folders() -> list[Path]:
    if sys.platform == "darwin":
        return [
            Path("/System/Library/Fonts"),
            Path("/Library/Fonts"),
            Path.home() / "Library/Fonts",
        ]
    if sys.platform == "win32":
        return [Path("C:/Windows/Fonts")]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]


def _line_mask(text: str, font: PIL.ImageFont.FreeTypeFont) -> NDArray[np.uint8]:
    """Text in one row, as white on black (H, W)."""
    text = text[:_MAX_GLYPHS]
    width = max(1, round(font.getlength(text)))
    ascent, descent = font.getmetrics()
    sheet = PIL.Image.new("L", (width, ascent + descent))
    PIL.ImageDraw.Draw(sheet).text((0, 0), text, fill=255, font=font)
    return np.array(sheet)


def _column_mask(text: str, font: PIL.ImageFont.FreeTypeFont) -> NDArray[np.uint8]:
    """Text in one column, as white on black (H, W)."""
    text = text[:_MAX_GLYPHS]
    sheet = PIL.Image.new("L", (_GLYPH, _GLYPH * len(text)))
    pen = PIL.ImageDraw.Draw(sheet)
    for row, character in enumerate(text):
        pen.text((_GLYPH / 2, _GLYPH * (row + 0.5)), character, fill=255, font=font, anchor="mm")
    return np.array(sheet)


def _paste(panel: Image, mask: NDArray[np.uint8], quad: Floats) -> None:
    """Print a mask in black into a quad of the panel."""
    height, width = panel.shape[:2]
    x0, y0 = np.clip(np.floor(quad.min(axis=0)), 0, [width - 1, height - 1]).astype(int)
    x1, y1 = np.clip(np.ceil(quad.max(axis=0)), [x0 + 1, y0 + 1], [width, height]).astype(int)
    # First to the box's own size: a strong reduction in one step would drop the strokes.
    rows, columns = (max(1, round(side)) for side in quad_size(quad))
    mask = np.asarray(cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    corners = np.asarray(quad - np.array([x0, y0]), np.float32)
    matrix = cv2.getPerspectiveTransform(source - 0.5, corners - 0.5)
    ink = np.asarray(cv2.warpPerspective(mask, matrix, (int(x1 - x0), int(y1 - y0))), np.uint8)
    panel[y0:y1, x0:x1] = np.minimum(panel[y0:y1, x0:x1], 255 - ink[:, :, None])


def _outline(panel: Image, quad: Floats, number: int) -> None:
    points = np.round(quad - 0.5).astype(np.int32).reshape(-1, 1, 2)
    thick = max(1, round(max(panel.shape[:2]) / _PIXELS_PER_STROKE))
    cv2.polylines(panel, [points], True, _COLORS[number % len(_COLORS)], thick, cv2.LINE_AA)


def _numbered(panel: Image, quads: list[Floats]) -> Image:
    """The panel with the number of each quad, from 1, on a tag before its first corner."""
    height, width = panel.shape[:2]
    scale = _number_scale(quads, max(height, width))
    thick, face = max(1, round(scale)), cv2.FONT_HERSHEY_SIMPLEX
    for number, quad in enumerate(quads):
        text = str(number + 1)
        (wide, high), _ = cv2.getTextSize(text, face, scale, thick)
        edge = max(1, high // 6)
        x, y = (int(value) for value in np.round(quad[0]))
        left = max(0, min(x - wide - 2 * edge, width - wide - 2 * edge))
        top = max(0, min(y, height - high - 2 * edge))
        stop = left + wide + 2 * edge - 1, top + high + 2 * edge - 1
        cv2.rectangle(panel, (left, top), stop, _COLORS[number % len(_COLORS)], cv2.FILLED)
        place = left + edge, top + edge + high
        cv2.putText(panel, text, place, face, scale, (255, 255, 255), thick, cv2.LINE_AA)
    return panel


def _number_scale(quads: list[Floats], side: int) -> float:
    """Of OpenCV's letters: as high as the picture asks for, but lower than its lines, which they would hide."""
    lines = float(np.median([min(quad_size(quad)) for quad in quads])) if quads else 0.0
    high = min(side * _NUMBER_SHARE, lines * _NUMBER_IN_LINE)
    return max(high, _MIN_NUMBER) / _LETTER
