"""Encode text as class indices, and back. Class 0 is the CTC blank; the characters follow in the file's order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parent / "charsets"

LARGEST = "zh_8105_en"
"""Begins with all others."""

# Look-alikes that carry no meaning of their own: one class for each, so that the truth is
# consistent.
_FOLD = str.maketrans(
    {"\u00a0": " ", "\u3000": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ", "\t": " "}
    | {"﹒": ".", "․": ".", "‧": "·", "・": "·", "∙": "·", "－": "-", "―": "—", "─": "—", "‐": "-"}
    | {
        "\u2011": "-",
        "−": "-",
        "〜": "～",
        "∶": ":",
        "｜": "|",
        "．": ".",
    }
    | {"µ": "μ", "ﬁ": "fi", "ﬂ": "fl", "￡": "£", "º": "°", "˚": "°", "▪": "■", "⋯": "…"}
    | {chr(code): chr(code - 0xFEE0) for code in [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B)]}
    | {chr(code): chr(code - 0xFEE0) for code in [*range(0xFF41, 0xFF5B), 0xFF20, 0xFF3E, 0xFF3F]}
)


class Charset:
    """An ordered set of characters.

    Args:
        characters: each a single character, none twice; class i + 1 is character i.

    Raises:
        ValueError: a character comes twice, is longer than one code point or is a control.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters: tuple[str, ...] = tuple(characters)
        for character in self.characters:
            if len(character) != 1 or unicodedata.category(character) in {"Cc", "Cs", "Cf"}:
                raise ValueError(
                    f"charset holds {character!r}, expected single printable characters"
                )
        if len(self._index) != len(self.characters):
            seen: set[str] = set()
            twice = [c for c in self.characters if c in seen or seen.add(c)]  # type: ignore[func-returns-value]
            raise ValueError(f"charset holds {twice[:5]} more than once; remove the duplicates")

    @classmethod
    def load(cls, name: str = "zh_hant_en") -> Charset:
        """Read a charset of this package: a text file whose line breaks do not count.

        Each begins with the one before it, so that weights of the smaller charset can grow into the larger:
        `zh_en`, simplified Chinese and English; `zh_hant_en`, traditional characters too; `zh_8105_en`, all of the
        8 105 characters of the Table of General Standard Chinese Characters (2013; after Unihan's kTGH), footnote
        marks and the letters of names in French, German, Spanish and Scandinavian.
        """
        text = (FOLDER / f"{name}.txt").read_text(encoding="utf8")
        return cls(text.replace("\n", ""))

    @classmethod
    def of_classes(cls, classes: int) -> Charset:
        """Return the charset of weights of so many classes, the blank among them: the first of `LARGEST`.

        Raises:
            ValueError: it has not so many characters, or there is none but the blank.
        """
        characters = cls.load(LARGEST).characters
        if not 1 < classes <= len(characters) + 1:
            raise ValueError(f"weights have {classes} classes, expected 2 to {len(characters) + 1}")
        return cls(characters[: classes - 1])

    @cached_property
    def _index(self) -> dict[str, int]:
        return {character: i for i, character in enumerate(self.characters, 1)}

    def __len__(self) -> int:
        """Characters, the blank not counted."""
        return len(self.characters)

    def __contains__(self, character: str) -> bool:
        """Say whether the charset has a class for this character."""
        return character in self._index

    @property
    def classes(self) -> int:
        """Classes of a network: the characters and the blank."""
        return len(self.characters) + 1

    def encode(self, text: str) -> list[int]:
        """Return one class per character.

        Raises:
            ValueError: the text has characters outside the charset; the message names them.
        """
        missing = sorted({c for c in text if c not in self._index})
        if missing:
            raise ValueError(
                f"{missing[:10]} not in the charset; normalize() and filter the text first"
            )
        return [self._index[c] for c in text]

    def decode(self, indices: Sequence[int]) -> str:
        """Return the characters of class indices; blanks give nothing."""
        return "".join(self.characters[i - 1] for i in indices if i)

    def missing(self, text: str) -> set[str]:
        """Return the characters of `text` that have no class."""
        return {c for c in text if c not in self._index}


def normalize(text: str) -> str:
    """Fold look-alike code points (full-width letters and digits, odd spaces) to the charset's own."""
    return unicodedata.normalize("NFC", text).translate(_FOLD)
