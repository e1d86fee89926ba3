"""Pieces of a web font become one font that draws the same."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageFont

pytest.importorskip("fontTools")
pytest.importorskip("brotli")

from fontTools.ttLib import TTFont

from train.synth.fonts import merge
from train.synth.fonts.merge import merge_pieces

MakeFont = Callable[..., bytes]


def saved(font: TTFont) -> bytes:
    stream = io.BytesIO()
    font.save(stream)
    return stream.getvalue()


def drawn(font: bytes, character: str) -> NDArray[np.uint8]:
    mask = ImageFont.truetype(io.BytesIO(font), 40).getmask(character)
    return np.array(mask, np.uint8).reshape(mask.size[::-1])


def test_merging_no_pieces_is_refused() -> None:
    with pytest.raises(ValueError, match="no pieces"):
        merge_pieces([])


def test_one_piece_stays_as_it_is(make_font: MakeFont) -> None:
    font = saved(merge_pieces([make_font("abc", flavor="woff2")]))
    assert font[:4] == b"\0\1\0\0"
    assert set(TTFont(io.BytesIO(font)).getBestCmap()) == set(map(ord, "abc"))


@pytest.mark.parametrize("decoder", ["woff2_decompress", "no such program"])
def test_merged_pieces_draw_what_each_drew(
    make_font: MakeFont, monkeypatch: pytest.MonkeyPatch, decoder: str
) -> None:
    monkeypatch.setattr(merge, "_DECODER", decoder)
    pieces = {text: make_font(text, flavor="woff2") for text in ("AB", "的一", "是B")}
    font = saved(merge_pieces(list(pieces.values())))
    assert set(TTFont(io.BytesIO(font)).getBestCmap()) == set(map(ord, "AB的一是"))
    for text, piece in pieces.items():
        for character in text:
            assert np.array_equal(drawn(font, character), drawn(piece, character)), character
    assert not np.array_equal(drawn(font, "A"), drawn(font, "B"))


def test_the_same_pieces_make_the_same_bytes(
    make_font: MakeFont, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = [make_font(text, flavor="woff2") for text in ("AB", "的一")]
    first = saved(merge_pieces(pieces))
    monkeypatch.setattr("time.time", lambda: 3_000_000_000.0)
    assert saved(merge_pieces(pieces)) == first


def test_pieces_that_are_no_fonts_are_refused() -> None:
    with pytest.raises(Exception, match="font"):
        merge_pieces([b"not a font at all"])
