"""Fonts of the system (or of one folder) with the characters that each can draw."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTCollection, TTFont
from PIL import ImageFont

from common.characters import WIDE_FROM
from train.synth.typesetting import pcf

FOLDERS = (Path("/usr/share/fonts"), Path.home() / ".local/share/fonts")
PACKAGES = Path(__file__).parents[1] / "font-packages.txt"

# Families of the packages in `font-packages.txt`. Families outside it would change what sample i
# of seed s is on a machine with more fonts; styles are what a page asks for.
STYLES = {
    "serif": "Serif|Ming|Song|Sung|Times|Termes|Pagella|Bonum|Schola|Nimbus Roman|P052|C059|Bookman|Libertine|"
    "Garamond|STIX|Caladea|Vollkorn|Old Standard|Quattrocento|FreeSerif|Slab|BabelStone|FangSong|cwfs|ming",
    "mono": "Mono|Courier|Cursor|Hack|Inconsolata|OCR|Terminus|3270|Typewriter|Nimbus Mono",
    "hand": "Kai|WenKai|Comic|Chancery|Z003|Kaushan|Lobster|Chorus",
    "display": "Smiley|Bebas|League|Yanone|Comfortaa|Quicksand|Dosis|Jura|Roadgeek|Play|cwyen|YEN|Yuan|Black",
}
_UNUSABLE = (
    "Emoji|Symbol|Dingbats|D050000L|Math|Icons|KR|JP|HK|Initials|Keyboard|Hana|OCRBE|OCRBX|Ukai TW"
    "|Hairline|Thin|MBE|Lato Black|ExtraLight Italic|UKai TW|Code"
)
_BITMAP = "wenquanyi"
_BITMAP_SIZES = range(9, 25)
_HAN_PROBE = "的一是不了在有人中大"
# What documents, receipts and signs are really set in comes several times into the draw of a
# family.
_OFTEN = {
    **{
        "Liberation": 8,
        "Nimbus": 5,
        "DejaVu": 3,
        "FreeSans": 2,
        "FreeSerif": 3,
        "Carlito": 3,
        "Roboto": 3,
    },
    **{
        "Open": 2,
        "Hack": 2,
        "OCR": 2,
        "Noto Sans": 6,
        "Noto Serif": 5,
        "WenQuanYi": 4,
        "AR PL": 6,
        "Droid": 2,
    },
}


@dataclass(frozen=True)
class Face:
    """One face of one file, with the code points that it draws.

    Attributes:
        name: family and style.
        style: sans, serif, mono, hand or display.
        han: draws everyday Chinese.
        pixels: the one size of a bitmap face, None where outlines give any size.
    """

    name: str
    path: Path
    index: int
    style: str
    codes: frozenset[int]
    han: bool
    pixels: int | None = None

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


class FontLibrary:
    """The faces that training may draw with, sorted by name so that a seed means the same everywhere."""

    def __init__(self, faces: Iterable[Face]) -> None:
        every = sorted(faces, key=lambda face: (face.name, str(face.path), face.index))
        self.bitmap = [face for face in every if face.pixels]
        self.faces = [face for face in every if not face.pixels]
        self.han = [face for face in self.faces if face.han]
        self.latin = [face for face in self.faces if not face.han]
        self._families = {
            (han, style): _families(
                f for f in self.faces if f.han == han and style in (None, f.style)
            )
            for han in (False, True)
            for style in (None, "sans", "serif", "mono", "hand", "display")
        }

    @classmethod
    def load(cls, folder: Path | None = None) -> FontLibrary:
        """Read every usable face below `folder`, or of the system.

        Raises:
            FileNotFoundError: fewer than 15 Chinese or 30 Latin faces; the message has the command
                to get them.
        """
        folders = FOLDERS if folder is None else (Path(folder),)
        paths = sorted(
            path
            for root in folders
            for path in root.rglob("*")
            if path.suffix.lower() in {".ttf", ".otf", ".ttc", ".pcf"}
        )
        library = cls(face for path in paths for face in _faces(path))
        if len(library.han) < 15 or len(library.latin) < 30:
            raise FileNotFoundError(
                f"{len(library.han)} Chinese and {len(library.latin)} Latin faces in "
                f"{', '.join(map(str, folders))}, expected at least 15 and 30; on Debian: "
                f"xargs apt-get install -y --no-install-recommends < {PACKAGES}"
            )
        return library

    def choose_bitmap(self, rng: np.random.Generator, text: str) -> Face | None:
        """Draw a bitmap face that covers `text`, None where there is none."""
        able = [face for face in self.bitmap if face.covers(text)]
        return able[int(rng.integers(len(able)))] if able else None

    def choose(self, rng: np.random.Generator, text: str, *, style: str | None = None) -> Face:
        """Draw a face that covers `text`, of `style` where there is one.

        Raises:
            LookupError: no face has all the characters.
        """
        # Latin letters inside Chinese documents are mostly drawn by the Chinese face.
        han = any(c >= WIDE_FROM for c in text) or rng.random() < 0.2
        for families in (self._families[(han, style)], self._families[(han, None)]):
            for _ in range(8 if families else 0):
                family = families[int(rng.integers(len(families)))]
                face = family[int(rng.integers(len(family)))]
                if face.covers(text):
                    return face
        able = [face for face in self.faces if face.covers(text)]
        if not able:
            raise LookupError(f"no face draws all of {text!r}; take such characters out first")
        return able[int(rng.integers(len(able)))]


def _families(faces: Iterable[Face]) -> list[list[Face]]:
    """Group faces by family, each family as often as it should be drawn."""
    groups: dict[str, list[Face]] = {}
    for face in faces:
        words = face.name.split()
        key = " ".join(words[:2]) if words[0] in {"Noto", "AR"} else words[0]
        key = next((often for often in _OFTEN if face.name.startswith(often)), key)
        groups.setdefault(key, []).append(face)
    return [group for key, group in sorted(groups.items()) for _ in range(_OFTEN.get(key, 1))]


def _faces(path: Path) -> list[Face]:
    """Return the usable faces of one file; a broken or unwanted file gives none."""
    if path.suffix.lower() == ".pcf":
        face = _bitmap_face(path)
        return [] if face is None else [face]
    with path.open("rb") as stream:
        try:
            if path.suffix.lower() == ".ttc":
                fonts = list(TTCollection(stream, lazy=True).fonts)
            else:
                fonts = [TTFont(stream, lazy=True)]
            faces = [_face(path, i, font) for i, font in enumerate(fonts)]
        except (
            Exception
        ):  # fontTools raises many types on broken files; such a file is no font to us
            return []
    return [face for face in faces if face is not None]


def _bitmap_face(path: Path) -> Face | None:
    """Return a Chinese bitmap face, as screens used before they smoothed small text."""
    if not _matches(_BITMAP, path.stem):
        return None
    try:
        codes = pcf.code_points(path)
    except (OSError, ValueError):
        return None
    if not all(ord(c) in codes for c in _HAN_PROBE):
        return None
    for size in _BITMAP_SIZES:
        try:
            name, style = ImageFont.truetype(str(path), size).getname()
        except OSError:  # a bitmap font opens at its own size alone
            continue
        return Face(f"{name} {style} {path.stem}", path, 0, "sans", codes, True, size)
    return None


def _matches(pattern: str, name: str) -> bool:
    return any(part in name for part in pattern.split("|"))


def _face(path: Path, index: int, font: TTFont) -> Face | None:
    name = (
        f"{font['name'].getDebugName(1) or path.stem} {font['name'].getDebugName(2) or ''}".strip()
    )
    name = f"{name} {path.stem}"
    cmap = font.getBestCmap() or {}
    han = all(ord(c) in cmap for c in _HAN_PROBE)
    latin = all(code in cmap for code in range(33, 127))
    if _matches(_UNUSABLE, name) or not (han or latin) or "fvar" in font:
        return None
    if "CJK" in name and " SC" not in name:
        return None  # the same glyphs again in the shapes of other regions
    style = next((s for s, pattern in STYLES.items() if _matches(pattern, name)), "sans")
    return Face(name, path, index, style, _drawn(font, cmap), han)


def _drawn(font: TTFont, cmap: dict[int, str]) -> frozenset[int]:
    """Return the code points whose glyph has an outline: some fonts map characters to empty glyphs."""
    codes = frozenset(code for code in cmap if 32 <= code < 0x10000)
    if "glyf" not in font:
        return codes
    loca, order = font["loca"], font.getReverseGlyphMap()
    return frozenset(c for c in codes if loca[order[cmap[c]] + 1] > loca[order[cmap[c]]])
