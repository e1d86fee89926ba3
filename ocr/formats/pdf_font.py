"""Make the font of a PDF's invisible text layer: no strokes, but each glyph mapped to its character."""

from __future__ import annotations

import base64
import ctypes
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from ocr.formats.words import plain_text
from ocr.line.characters import characters_of
from ocr.result import Page

_MAX_CODE = 0xFFFE

# TrueType, made for this project: one glyph as wide as high, a contour without area, so that programs which measure
# ink find a whole square and programs which draw find nothing.
_FONT = (
    "eNqVULFKw1AUPS8vtrYVLaLiGIqogyA4SAdBBLW4KFR3DTU2Q2JD00K7iIOCoIPgLzgouAoOuvcDxFURhy66OcfzkidiB8FT7rvn3Hd773mB"
    "AJDFISSsjc3ZueXnlSNATLO6U/HtAANYpT6jnql67b2PpZd36nvqMdexd/OTp0XyG8a8y0I6Kwvkb4wJ12+0ZJcM4oSH6dUqNnOO+k5p324F"
    "3GtS91Nb+7bvXD9crVE/Uh8EtbDBe8LYUvdQXhm3x69T20MLn5DJ9KeLS/zkqCi70iKRMJCA/5FWRJ9JP0+B3xB6tqFvDPSCu8Q5+pTb/2GR"
    "0CMSDxY6PS3Wt7N4r3rxCE8RZxPjcT12FEVxJB5zKuvXko0K2e3oMUhhXXcJZJIvEE9JUwndkYl3CVNVhpHX3MAgCpqnVL3ktQPXc8Kw7FSb"
    "nl1HCR7aCOAyOwj5KzNX0aS2Udcv+ANf/0NNjA=="
)
_CMAP_HEAD = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
"""
_CMAP_TAIL = """endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
_CMAP_ENTRIES = 100  # of one section at most


class GlyphlessFont:
    """The font in a document, where each character has a number.

    Args:
        document: Of pypdfium2; the caller holds PDFium's lock.
        characters: Those that can be written.
    """

    def __init__(self, document: Any, characters: Iterable[str]) -> None:  # noqa: ANN401
        import pypdfium2.raw as pdfium

        # Two bytes number a character; a text with more than fits is no text of any language.
        used = sorted(set(characters))[:_MAX_CODE]
        self._codes = {character: code for code, character in enumerate(used, 1)}
        data = glyphless_truetype()
        glyphs = bytes(2 * (len(used) + 1))  # all are glyph 0
        self.handle = pdfium.FPDFText_LoadCidType2Font(
            document,
            (ctypes.c_uint8 * len(data)).from_buffer_copy(data),
            len(data),
            _to_unicode(self._codes).encode(),
            (ctypes.c_uint8 * len(glyphs)).from_buffer_copy(glyphs),
            len(glyphs),
        )
        if not self.handle:
            raise RuntimeError("PDFium does not take the font of the text layer")

    def codes(self, text: str) -> list[int]:
        """The numbers of a text's characters; 0, which means nothing, for those that are not in the font."""
        return [self._codes.get(character, 0) for character in text]

    def close(self) -> None:
        """Let go of it; what was written with it stays in the document."""
        import pypdfium2.raw as pdfium

        pdfium.FPDFFont_Close(self.handle)


def used_characters(pages: Sequence[Page]) -> set[str]:
    """The characters that the text layers of pages are made of."""
    return {
        single
        for page in pages
        for line in page.lines
        for character in characters_of(line)
        for single in plain_text(character.text)
    }


def glyphless_truetype() -> bytes:
    """The font file: its only glyph is 1000 units wide, 800 above the baseline and 200 below it."""
    return zlib.decompress(base64.b64decode(_FONT))


def _to_unicode(codes: dict[str, int]) -> str:
    """The map from a font's numbers back to text that copying and searching go by."""
    entries = [
        f"<{code:04X}> <{character.encode('utf-16-be').hex().upper()}>\n"
        for character, code in codes.items()
    ]
    sections = [
        entries[start : start + _CMAP_ENTRIES] for start in range(0, len(entries), _CMAP_ENTRIES)
    ]
    body = "".join(f"{len(s)} beginbfchar\n{''.join(s)}endbfchar\n" for s in sections)
    return _CMAP_HEAD + body + _CMAP_TAIL
