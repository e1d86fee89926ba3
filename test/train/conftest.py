"""A font made in code: boxes, one of its own width for every character."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

import pytest

MakeFont = Callable[..., bytes]


@pytest.fixture
def make_font() -> MakeFont:
    """Makes a font file of boxes; every character has its own size, `blank` ones have no outline."""
    pytest.importorskip("fontTools")
    return _make_font


def _make_font(
    text: Iterable[str],
    *,
    name: str = "Made",
    flavor: str | None = None,
    blank: str = "",
    boxed: str = "",
    capitals: bool = False,
) -> bytes:
    """Build the file.

    Args:
        text: its characters.
        name: of the family.
        flavor: woff2, or None for a TrueType file.
        blank: characters of `text` without outline.
        boxed: characters of `text` that look like the glyph for missing ones.
        capitals: small letters look like capitals.
    """
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    def outline(code: int, empty: bool = False) -> object:
        pen = TTGlyphPen(None)
        if not empty:
            width = 200 + code % 64 * 9
            x, y = width * (1 + code % 7) // 8, 700 * (1 + code // 7 % 9) // 10
            pen.moveTo((0, 0))
            for point in ((0, 700), (width, 700), (width, y), (x, y), (x, 0)):
                pen.lineTo(point)
            pen.closePath()
        return pen.glyph()

    characters = sorted(set(text))
    names = {ord(c): f"u{ord(c):04X}" for c in characters}
    glyphs = {".notdef": outline(1)}
    for c in characters:
        shown = c.upper() if capitals else c
        glyphs[names[ord(c)]] = outline(1 if c in boxed else ord(shown), empty=c in blank)
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(names)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200)
    builder.setupPost()
    builder.font.flavor = flavor
    stream = io.BytesIO()
    builder.save(stream)
    return stream.getvalue()
