"""Rewrite a page's punctuation, half or full width, by a policy."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from common.characters import is_wide
from ocr.line.characters import characters_of
from ocr.result import Character, Page, TextLine

_FULL_FORMS = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}

# Chinese signs without a full-width form of ASCII, by what stands for them on an English keyboard.
_HALF = _FULL_FORMS | {
    "\u3000": " ", "。": ".", "、": ",", "・": "·", "“": '"', "”": '"', "‘": "'", "’": "'",
    "「": '"', "」": '"', "『": '"', "』": '"', "【": "[", "】": "]", "〔": "[", "〕": "]",
    "《": "<", "》": ">", "〈": "<", "〉": ">", "…": "...", "—": "-", "～": "~", "￥": "¥",
}  # fmt: skip

_FULL = {",": "，", ".": "。", "!": "！", "?": "？", ":": "：", ";": "；"}
_FULL_OPENING = {"(": "（", "[": "［"}
_FULL_CLOSING = {")": "）", "]": "］"}
_FULL_QUOTES = {'"': "“”", "'": "‘’"}
_OPENING = frozenset("（［“‘")


def apply(page: Page, policy: str) -> Page:
    """Write the text of a page by a policy.

    Args:
        page: As read.
        policy: "raw" leaves the text alone; "nfkc" is Unicode's compatibility form; "halfwidth" writes
            full-width letters, digits and Chinese punctuation as ASCII; "fullwidth" writes ASCII punctuation
            beside Chinese characters as Chinese punctuation.

    Returns:
        The page with the same lines, in which characters stand where they stood; a line of which nothing is left
        is dropped.

    Raises:
        ValueError: There is no such policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"no punctuation policy {policy!r}; there are: {', '.join(POLICIES)}")
    if policy == "raw":
        return page
    rewrite = POLICIES[policy]
    lines = (_rewritten(line, rewrite) for line in page.lines)
    tables = (
        replace(
            table,
            cells=tuple(
                replace(cell, text="".join(rewrite(list(cell.text))).strip())
                for cell in table.cells
            ),
        )
        for table in page.tables
    )
    return replace(
        page, lines=tuple(line for line in lines if line.text.strip()), tables=tuple(tables)
    )


def _raw(texts: Sequence[str]) -> list[str]:
    return list(texts)


def _nfkc(texts: Sequence[str]) -> list[str]:
    """Each text normalized; what combines with the text before it is put there, so that all joined are NFKC too."""
    result: list[str] = []
    source, place = "", -1  # what has combined so far, and whose place it takes
    for text in texts:
        new = unicodedata.normalize("NFKC", text)
        joined = unicodedata.normalize("NFKC", source + text)
        combines = place >= 0 and bool(new)
        combines = combines and (unicodedata.combining(new[0]) > 0 or joined != result[place] + new)
        if combines:
            source, result[place] = source + text, joined
            result.append("")
        else:
            source, place = text, len(result)
            result.append(new)
    return result


def _halfwidth(texts: Sequence[str]) -> list[str]:
    return ["".join(_HALF.get(character, character) for character in text) for text in texts]


def _fullwidth(texts: Sequence[str]) -> list[str]:
    """ASCII punctuation that follows a Chinese character, or opens before one, in full width.

    A full stop in a name or number (第3.5节, 文件.txt) stays, and a space beside such a sign goes, since the
    sign has its own white space.
    """
    result = list(texts)
    opened: list[bool] = []
    quotes: set[str] = set()
    for i, text in enumerate(texts):
        before, after = _before(result, i), texts[i + 1] if i + 1 < len(texts) else ""
        chinese = _is_chinese(before)
        if text in _FULL and chinese and not (text == "." and _is_in_name(before, after)):
            result[i] = _FULL[text]
        elif text in _FULL_OPENING:
            opened.append(chinese or _is_chinese(after))
            result[i] = _FULL_OPENING[text] if opened[-1] else text
        elif text in _FULL_CLOSING:
            is_full = opened.pop() if opened else chinese
            result[i] = _FULL_CLOSING[text] if is_full else text
        elif text in _FULL_QUOTES and (text in quotes or chinese or _is_chinese(after)):
            if text == "'" and _is_letter(after):
                continue  # an apostrophe
            result[i] = _FULL_QUOTES[text][text in quotes]
            quotes ^= {text}
    return ["" if _is_needless(texts, result, i) else text for i, text in enumerate(result)]


def _is_in_name(before: str, after: str) -> bool:
    """Whether a point between these is part of a name, a number or a row of points."""
    return "." in (before, after) or _is_letter(after)


def _is_letter(text: str) -> bool:
    return text[:1].isascii() and text[:1].isalnum()


def _is_needless(texts: Sequence[str], rewritten: Sequence[str], index: int) -> bool:
    """Whether a text is a space beside a sign that became a full-width one, on the sign's white side."""
    if texts[index] != " ":
        return False
    around = [i for i in (index - 1, index + 1) if 0 <= i < len(texts)]
    return any(
        rewritten[i] != texts[i] and (rewritten[i] in _OPENING) == (i > index) for i in around
    )


POLICIES: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "raw": _raw,
    "nfkc": _nfkc,
    "halfwidth": _halfwidth,
    "fullwidth": _fullwidth,
}
"""Policy name to what it does to the characters of a line: as many texts out as in, "" for what goes."""


def _before(texts: Sequence[str], index: int) -> str:
    """The last text before an index that is neither empty nor a space; "" where there is none."""
    return next((text for text in reversed(texts[:index]) if text.strip()), "")


def _is_chinese(text: str) -> bool:
    """Whether a text ends in a Han character, kana, or full-width sign."""
    return bool(text) and (is_wide(text[-1]) or text[-1] in "“”‘’…—")


def _rewritten(line: TextLine, rewrite: Callable[[Sequence[str]], list[str]]) -> TextLine:
    characters = characters_of(line)
    texts = rewrite([character.text for character in characters])
    changed = tuple(
        Character(text, character.score, character.start, character.stop)
        for text, character in zip(texts, characters, strict=True)
        if text
    )
    # Lines that did not know where their characters stand still do not.
    return replace(line, text="".join(texts), characters=changed if line.characters else ())
