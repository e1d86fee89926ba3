"""Tell the kinds of characters that more than one package goes by."""

from __future__ import annotations

_WIDE_FROM = "\u2e80"
_HAN = (("\u4e00", "\u9fff"), ("\u3400", "\u4dbf"), ("\U00020000", "\U000323af"))


def is_wide(character: str) -> bool:
    """Whether a character fills a square: Han, kana, full-width signs (all from U+2E80 on)."""
    return character >= _WIDE_FROM


def is_han(character: str) -> bool:
    """Whether a character is a Han character: of the block of common ones, or of one of the extensions A to H."""
    return any(first <= character <= last for first, last in _HAN)
