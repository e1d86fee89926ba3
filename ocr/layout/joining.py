"""Join the lines of a paragraph to its text."""

from __future__ import annotations

from collections.abc import Iterable

from common.characters import is_wide


def join_lines(texts: Iterable[str]) -> str:
    """The text of lines in one: no space between Han characters, words parted by a hyphen put together."""
    result = ""
    for text in map(str.strip, texts):
        if not result or not text:
            result += text
        elif is_wide(result[-1]) or is_wide(text[0]):
            # Beside a Latin word a Han character needs no space either.
            result += text
        elif result[-1] == "-" and result[-2:-1].isalpha() and text[0].islower():
            result = result[:-1] + text
        else:
            result += " " + text
    return result
