"""Setting type: wrapping, justifying, turning, painting. Every pixel of ink must lie in its quad."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from train.synth.drawing.canvas import Canvas, Ink
from train.synth.typesetting.fonts import Face
from train.synth.typesetting.typeset import (
    NOT_FIRST,
    Stamp,
    Type,
    justified,
    padded,
    slanted,
    turned,
    wrap,
)


@dataclass(frozen=True)
class BuiltIn(Face):
    """The face inside Pillow: these tests need no fonts. Han characters come out as boxes."""

    __hash__ = Face.__hash__

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        return _open(size)


@functools.cache
def _open(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


@pytest.fixture(scope="module")
def kind() -> Type:
    codes = frozenset([*range(33, 127), *range(0x4E00, 0x9FFF), *map(ord, "，。《》（）、：")])
    return Type(BuiltIn("Built in", Path("builtin"), 0, "sans", codes, True), 24)


def white(height: int = 200, width: int = 400) -> Canvas:
    return Canvas(np.full((height, width, 3), 255, np.uint8))


def bars(count: int, pitch: int = 10, high: int = 16) -> Stamp:
    """A line whose characters are bars of different ink, so that each can be told from the rest."""
    mask = np.zeros((high, count * pitch), np.uint8)
    for i in range(count):
        mask[:, i * pitch + 2 : (i + 1) * pitch - 2] = 50 + 200 * i // count
    width = count * pitch
    quad = np.array([[0, 0], [width, 0], [width, high], [0, high]], np.float32)
    centers = (np.arange(count, dtype=np.float32) + 0.5) / count
    text = "".join(chr(97 + i) for i in range(count))
    return Stamp(mask, quad, text, centers, np.full(count, 1 / count, np.float32))


def ink_at(stamp: Stamp) -> list[int]:
    """Ink at every character's middle."""
    row = stamp.mask[stamp.height // 2]
    return [int(row[int(center * stamp.width)]) for center in stamp.centers]


def test_wrap_of_empty_text_has_no_lines(kind: Type) -> None:
    assert wrap(kind, "", 100) == []
    assert wrap(kind, "   ", 100) == []


@pytest.mark.parametrize("width", [1, 30, 90, 200, 5000])
@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog, twice: (once) and again.",
        "今天的天气很好，我们《一起》去公园散步吧。天（气）很好",
        "会议定于下周三 at 9:00 a.m. 在三楼 Room 301 举行，谢谢。",
        "Donaudampfschifffahrtsgesellschaftskapitän",
    ],
)
def test_wrap_loses_nothing(kind: Type, text: str, width: int) -> None:
    lines = wrap(kind, text, width, indent=min(20, width / 2))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(line == line.strip() and line for line in lines)


def test_wrap_keeps_to_the_width_and_to_the_rules(kind: Type) -> None:
    text = "今天的天气很好，我们一起去公园散步吧。" * 5 + "with some words, too. " * 5
    lines = wrap(kind, text, 240)
    for line in lines:
        assert kind.measure(line).sum() <= 240
    assert not any(line[0] in NOT_FIRST for line in lines)
    assert {"with", "some", "words,", "too."} >= {
        word for line in lines for word in line.split() if word.isascii()
    }


def test_wrap_narrows_the_first_line(kind: Type) -> None:
    text = "国" * 40
    lines = wrap(kind, text, 240, indent=100)
    assert len(lines[0]) < len(lines[1])


def test_hyphens_mark_divided_words_only(kind: Type) -> None:
    text = "international understanding notwithstanding " * 4
    lines = wrap(kind, text, 230, hyphens=True)
    assert any(line.endswith("-") for line in lines)
    joined = "".join(line[:-1] if line.endswith("-") else line + " " for line in lines)
    assert joined.split() == text.split()


@pytest.mark.parametrize("extra", [1, 7, 20])
def test_justified_ends_at_the_width_and_moves_positions_with_the_ink(extra: int) -> None:
    stamp = bars(9)
    wide = justified(stamp, stamp.width + extra)
    assert wide.width == stamp.width + extra
    assert wide.mask.sum() == stamp.mask.sum()
    assert ink_at(wide) == ink_at(stamp)
    assert (np.diff(wide.centers) > 0).all()


def test_justified_opens_spaces_where_there_are_some(kind: Type) -> None:
    stamp = kind.draw("one two three four")
    wide = justified(stamp, stamp.width + 30)
    first = int(round(30 / 3))
    # Before the first space nothing moves; after it everything moves by its share.
    np.testing.assert_allclose(
        wide.centers[:3] * wide.width, stamp.centers[:3] * stamp.width, atol=1e-3
    )
    np.testing.assert_allclose(
        wide.centers[4:7] * wide.width, stamp.centers[4:7] * stamp.width + first, atol=1e-3
    )
    space = stamp.text.index(" ")
    assert wide.widths[space] * wide.width == pytest.approx(
        stamp.widths[space] * stamp.width + first
    )


def test_justified_keeps_text_that_cannot_be_stretched() -> None:
    stamp = bars(9)
    assert justified(stamp, stamp.width) is stamp
    assert justified(stamp, stamp.width - 5) is stamp
    assert justified(stamp, stamp.width * 3) is stamp
    assert justified(bars(1), 12).width == 10


@pytest.mark.parametrize("slant", [0.25, -0.25, 0.1])
def test_slanted_keeps_ink_and_positions(slant: float) -> None:
    stamp = bars(8, pitch=14, high=20)
    leaning = slanted(stamp, slant)
    assert int(leaning.mask.sum()) == pytest.approx(int(stamp.mask.sum()), rel=0.02)
    np.testing.assert_allclose(ink_at(leaning), ink_at(stamp), atol=4)
    top, bottom = leaning.mask[1].nonzero()[0][0], leaning.mask[-2].nonzero()[0][0]
    assert (top > bottom) == (slant > 0)


@pytest.mark.parametrize("degrees", [0, 5, -30, 45, 90, -90, 180])
def test_turned_quad_holds_the_ink(degrees: float) -> None:
    stamp = bars(7, pitch=16, high=24)
    stamp = replace(stamp, mask=np.full_like(stamp.mask, 255))
    around = turned(stamp, degrees)
    sides = np.linalg.norm(np.roll(around.quad, -1, axis=0) - around.quad, axis=1)
    np.testing.assert_allclose(sides, [112, 24, 112, 24], atol=0.01)
    assert int(around.mask.sum()) == pytest.approx(int(stamp.mask.sum()), rel=0.03)
    rows, columns = np.nonzero(around.mask > 127)
    np.testing.assert_allclose(
        [columns.mean() + 0.5, rows.mean() + 0.5], around.quad.mean(axis=0), atol=0.2
    )
    edge = around.quad[1] - around.quad[0]
    # Counter-clockwise on a picture whose y runs down.
    assert np.degrees(np.arctan2(-edge[1], edge[0])) % 360 == pytest.approx(degrees % 360, abs=0.1)


@pytest.mark.parametrize("text", ["Hag", "国文字", "x", "Ty 12,5", "国A"])
@pytest.mark.parametrize("vertical", [False, True])
def test_quads_are_tight_about_ink(kind: Type, text: str, vertical: bool) -> None:
    stamp = kind.draw(text, vertical=vertical)
    canvas = white()
    assert canvas.put(stamp, 31, 17, Ink((0, 0, 0)))
    rows, columns = np.nonzero(canvas.image.min(axis=2) < 250)
    low, high = canvas.lines[0].quad.min(axis=0), canvas.lines[0].quad.max(axis=0)
    assert low[0] <= columns.min()
    assert columns.max() + 1 <= high[0]
    assert low[1] <= rows.min()
    assert rows.max() + 1 <= high[1]
    if vertical:
        assert rows.min() - low[1] <= 1
        assert high[1] - rows.max() - 1 <= 1
    else:
        assert columns.min() - low[0] <= 1
        assert high[0] - columns.max() - 1 <= 1


def test_put_refuses_what_does_not_fit() -> None:
    canvas = white(50, 60)
    assert not canvas.put(bars(9), 0, 0, Ink((0, 0, 0)))
    assert not canvas.put(bars(3), -1, 0, Ink((0, 0, 0)))
    assert not canvas.put(bars(3), 0, 40, Ink((0, 0, 0)))
    assert canvas.lines == []
    assert canvas.image.min() == 255
    assert canvas.put(bars(3), 30, 34, Ink((0, 0, 0)))


@pytest.mark.parametrize(
    "ink",
    [
        Ink((0, 0, 0), outline=(200, 0, 0), outline_width=3),
        Ink((0, 0, 0), outline=(200, 0, 0), outline_width=2, hollow=True),
        Ink((0, 0, 0), shadow=(0, 0, 200), shadow_offset=4),
        Ink((0, 0, 0), shadow=(0, 0, 200), shadow_offset=0, shadow_blur=2.0),
        Ink((0, 0, 0), bottom=(0, 200, 0)),
        Ink((0, 0, 0), opacity=0.5),
    ],
)
def test_decoration_stays_within_its_reach(ink: Ink) -> None:
    canvas = white()
    canvas.put(bars(5), 100, 80, ink)
    assert canvas.image.min() < 200
    canvas.image[80 - ink.reach : 96 + ink.reach, 100 - ink.reach : 150 + ink.reach] = 255
    assert canvas.image.min() > 250


def test_decoration_at_the_edge_is_cut_off_not_wrapped() -> None:
    canvas = white(40, 60)
    stamp = bars(5)
    canvas.put(stamp, 0, 0, Ink((0, 0, 0), outline=(0, 0, 0), outline_width=5))
    assert canvas.image[:, 57:].min() == 255
    assert canvas.image[30:].min() == 255


def test_reserved_places_are_not_free() -> None:
    canvas = white(100, 100)
    assert canvas.is_free(0, 0, 100, 100)
    assert not canvas.is_free(-1, 0, 10, 10)
    canvas.reserve(20, 20, 40, 40)
    assert not canvas.is_free(39, 39, 50, 50)
    assert canvas.is_free(40, 40, 50, 50)


def test_padding_moves_the_quad() -> None:
    stamp = padded(bars(3), 4)
    assert stamp.mask.shape == (24, 38)
    np.testing.assert_array_equal(stamp.quad[0], [4, 4])
