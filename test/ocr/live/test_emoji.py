"""Colored pictures in a line are painted over; colored letters are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

from bench.live_clips import stamp
from common.arrays import Image
from ocr.formats.draw import find_font
from ocr.live.emoji import paint_over


@pytest.fixture(scope="module")
def font() -> ImageFont.FreeTypeFont:
    font = find_font(30)
    if font is None:
        pytest.skip("no Chinese font on this system")
    return font


def _line(
    text: str, color: tuple[int, int, int], font: ImageFont.FreeTypeFont, faces: int
) -> Image:
    layer = stamp([(text, color)], font, shade=1.0, faces=faces)
    return np.ascontiguousarray(layer.color)


@pytest.mark.parametrize("faces", [1, 3])
def test_emoji_are_painted_over_and_letters_kept(font: ImageFont.FreeTypeFont, faces: int) -> None:
    line = _line("你好", (255, 255, 255), font, faces)
    clean = paint_over(line)
    letters = int(font.getlength("你好")) + 8
    assert np.array_equal(clean[:, :letters], line[:, :letters])
    assert (line[:, letters + 4 :] > 180).any()
    assert not (clean[:, letters + 4 :] > 120).any()


@pytest.mark.parametrize("text", ["口国日回田圆", "赢囊鬱龍", "OQD08B@", "1lIi|"])
@pytest.mark.parametrize("color", [(255, 214, 102), (255, 0, 0), (60, 160, 255)])
def test_colored_letters_are_not_painted_over(
    font: ImageFont.FreeTypeFont, text: str, color: tuple[int, int, int]
) -> None:
    line = _line(text, color, font, 0)
    assert np.array_equal(paint_over(line), line)


def test_tiny_and_grey_crops_come_back_as_they_are() -> None:
    for shape in ((1, 1, 3), (5, 40, 3), (40, 5, 3)):
        crop = np.full(shape, 255, np.uint8)
        assert paint_over(crop) is crop
