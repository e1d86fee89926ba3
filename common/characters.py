"""Tell the kinds of characters that more than one package goes by."""

from __future__ import annotations

_WIDE_FROM = "\u2e80"
_HAN_FIRST, _HAN_LAST = "\u4e00", "\u9fff"


def is_wide(character: str) -> bool:
    """Whether a character fills a square: Han, kana, full-width signs (all from U+2E80 on)."""
    return character >= _WIDE_FROM


def is_han(character: str) -> bool:
    """Whether a character is a Han character of the block of common ones (U+4E00 to U+9FFF)."""
    return _HAN_FIRST <= character <= _HAN_LAST
