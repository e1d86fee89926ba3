"""Open one face of one font file, with the characters that it draws."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont


@dataclass(frozen=True)
class Face:
    """One face of one file, with the code points that it draws.

    Attributes:
        name: family, style and file.
        style: one of `families.STYLES`.
        codes: what it draws; a face that draws small letters as capitals draws no small letters.
        han: draws everyday Chinese.
        pixels: the one size of a bitmap face, None where outlines give any size.
        family: what faces of one design share.
    """

    name: str
    path: Path
    index: int
    style: str
    codes: frozenset[int]
    han: bool
    pixels: int | None = None
    family: str = ""

    def covers(self, text: str) -> bool:
        """Say whether every character of `text` has a glyph; a space needs none."""
        return all(ord(c) in self.codes or c == " " for c in text)

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """Return the face at a size in pixels per em; a bitmap face has one size, whatever is asked."""
        return _open(str(self.path), self.index, self.pixels or int(size))

    def __hash__(self) -> int:
        """Hash the file and the index: the code points would take long."""
        return hash((self.path, self.index))


@functools.lru_cache(maxsize=300)
def _open(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    # BASIC layout: one glyph per character, so that the place of every character is known.
    return ImageFont.truetype(path, size, index, layout_engine=ImageFont.Layout.BASIC)
