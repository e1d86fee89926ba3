"""List what is in a font file: its usable faces, their names, styles and characters."""

from __future__ import annotations

import functools
import logging
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from fontTools.ttLib import TTCollection, TTFont
from PIL import ImageFont

from train.synth.fonts.families import CAPITALS, Family, read_families
from train.synth.typesetting import pcf
from train.synth.typesetting.drawn_characters import drawn_codes
from train.synth.typesetting.face import Face

SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".pcf"})

# Styles of families that are not in the list of `train.synth.fonts`, by parts of their names.
_STYLES = {
    "serif": "Serif|Ming|Song|Sung|Times|Termes|Pagella|Bonum|Schola|Nimbus Roman|P052|C059|Bookman|Libertine|"
    "Garamond|STIX|Caladea|Vollkorn|Old Standard|Quattrocento|FreeSerif|Slab|BabelStone|FangSong|cwfs|ming|"
    "Mincho|mincho|Essays|Prociono",
    "mono": "Mono|Courier|Cursor|Hack|Inconsolata|OCR|Terminus|3270|Typewriter|Nimbus Mono",
    "script": "Chancery|Z003|Kaushan|Lobster|Chorus|Havana",
    "hand": "Kai|WenKai|Comic|Kouzan|Soseki|SetoFont|kiloji|DkgHand|Breip|femkeklaver|Kristi|Rufscript|Delphine|Steve",
    "display": "Smiley|Reggae|Bebas|League|Yanone|Comfortaa|Quicksand|Dosis|Jura|Roadgeek|Play|cwyen|YEN|Yuan|Black",
}
_UNUSABLE = (
    "Emoji|Symbol|Dingbats|D050000L|Math|Icons|KR|JP|HK|Initials|Keyboard|Hana|OCRBE|OCRBX|Ukai TW"
    "|Hairline|Thin|MBE|Lato Black|ExtraLight Italic|UKai TW|Code"
)
_BITMAP = "wenquanyi"
_BITMAP_SIZES = range(9, 25)
_HAN_PROBE = "的一是不了在有人中大"
_LIBRARY_STEM = re.compile(r"(?P<family>.+?)-\d{3}-(normal|italic)")
# Without these a face draws no Latin; one of capitals alone is of use, and so is one without a brace.
_NEEDED = frozenset(map(ord, string.ascii_uppercase + string.digits + ".,:-!?&()"))


class RawFace(NamedTuple):
    """What takes long to find out about a face: its place in the file, its name, its characters."""

    index: int
    name: str
    codes: frozenset[int]
    pixels: int | None = None


def read_raw_faces(path: Path) -> list[RawFace]:
    """Read the faces of one file; a broken or unwanted file, or one of variable faces, has none."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of dates and unused tables
    try:
        if path.suffix.lower() == ".pcf":
            return _bitmap_faces(path)
        with path.open("rb") as stream:
            return [
                raw for i, font in _fonts(path, stream) for raw in _outline_faces(path, i, font)
            ]
    except Exception:  # fontTools raises many types on broken files; such a file is no font to us
        return []


def face_of(path: Path, raw: RawFace) -> Face | None:
    """Return a face with its style and family, None where it draws neither Latin nor Chinese."""
    listed, codes = listed_family(path), raw.codes
    if listed is not None and listed.name in CAPITALS:
        codes -= frozenset(map(ord, string.ascii_lowercase))
    han = codes.issuperset(map(ord, _HAN_PROBE))
    if not (han or codes >= _NEEDED):
        return None
    if listed is not None:
        style, family = listed.style, listed.name
    else:
        style = next((s for s, parts in _STYLES.items() if _matches(parts, raw.name)), "sans")
        family = _family(raw.name)
    return Face(raw.name, path, raw.index, style, codes, han, raw.pixels, family)


def listed_family(path: Path) -> Family | None:
    """Return the family of the list that a file's name says it is of, None where it is of none."""
    match = _LIBRARY_STEM.match(path.stem)
    return _listed().get(match["family"]) if match else None


@functools.cache
def _listed() -> dict[str, Family]:
    return {family.name: family for family in read_families()}


def _family(name: str) -> str:
    words = name.split()
    return " ".join(words[:2]) if words[0] in {"Noto", "AR"} else words[0]


def _fonts(path: Path, stream: IO[bytes]) -> Iterator[tuple[int, TTFont]]:
    if path.suffix.lower() == ".ttc":
        yield from enumerate(TTCollection(stream, lazy=True).fonts)
    else:
        yield 0, TTFont(stream, lazy=True)


def _outline_faces(path: Path, index: int, font: TTFont) -> Iterator[RawFace]:
    names = [font["name"].getDebugName(number) for number in (1, 2)]
    name = f"{names[0] or path.stem} {names[1] or ''}".strip() + f" {path.stem}"
    # Of the same glyphs in the shapes of several regions, those of one.
    unusable = _matches(_UNUSABLE, name) or ("CJK" in name and " SC" not in name)
    if "fvar" in font or (unusable and listed_family(path) is None):
        return
    yield RawFace(index, name, drawn_codes(font, path, index))


def _bitmap_faces(path: Path) -> list[RawFace]:
    """Return a Chinese bitmap face, as screens used before they smoothed small text."""
    codes = pcf.code_points(path) if _matches(_BITMAP, path.stem) else frozenset()
    if not codes.issuperset(map(ord, _HAN_PROBE)):
        return []
    for size in _BITMAP_SIZES:
        try:
            name, style = ImageFont.truetype(str(path), size).getname()
        except OSError:  # a bitmap font opens at its own size alone
            continue
        return [RawFace(0, f"{name} {style} {path.stem}", codes, size)]
    return []


def _matches(parts: str, name: str) -> bool:
    return any(part in name for part in parts.split("|"))
