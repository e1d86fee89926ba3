"""Vary sentences by what plain text lacks: the other script, rarer punctuation, lists, acronyms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from train.synth.corpus.opencc_scripts import converter

Rng = np.random.Generator

_VARIANTS = ("s2t", "s2tw", "s2hk", "s2twp")
_MARKS = "，。；：、！？"
_QUOTES = ("“”", "“”", "“”", "‘’", "「」", "《》", "【】", "''", '""')
_BULLETS = "•••·●○■□◆★☆※–-*→√"
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
_ORDINALS = "一二三四五六七八九十"


def traditional(rng: Rng, text: str) -> str:
    """Return simplified Chinese as it is written in one of the regions that write traditional characters."""
    return converter(_VARIANTS[int(rng.integers(len(_VARIANTS)))])(text)


def other_marks(rng: Rng, text: str) -> str:
    """Exchange half of the full-width marks, so that the strokes tell them and not the sentence."""
    return "".join(
        _MARKS[int(rng.integers(len(_MARKS)))] if c in _MARKS and rng.random() < 0.5 else c
        for c in text
    )


def acronym(rng: Rng) -> str:
    """Return capitals as technical texts have them: `NPC`, `AI`, `F1`, `COVID-19`."""
    letters = "".join(chr(65 + int(i)) for i in rng.integers(0, 26, int(rng.integers(1, 6))))
    if rng.random() < 0.25:
        letters += ("-" if rng.random() < 0.4 else "") + str(int(rng.integers(1, 100)))
    return letters


def enumeration(rng: Rng, words: Sequence[str]) -> str:
    """Return words in quotes or brackets, one after the other, with marks between them or none."""
    opening, closing = _QUOTES[int(rng.integers(len(_QUOTES)))]
    between = ("、", "、", "、", "，", ", ", "和", "")[int(rng.integers(7))]
    return between.join(f"{opening}{word}{closing}" for word in words)


def item(rng: Rng, text: str) -> str:
    """Return a text as a point of a list: behind a number or a bullet."""
    number = int(rng.integers(1, 10 if rng.random() < 0.7 else 100))
    gap = " " if rng.random() < 0.6 else ""
    heads = (
        f"{number}.",
        f"{number}.",
        f"{number}、",
        f"({number})",
        f"（{number}）",
        f"{number})",
        f"[{number}]",
        f"{_ORDINALS[number % 10]}、",
        f"（{_ORDINALS[number % 10]}）",
        f"{_CIRCLED[number % 10]}",
        f"{'abcdeABCDE'[number % 10]}.",
        *2 * (_BULLETS[int(rng.integers(len(_BULLETS)))],),
    )
    return f"{heads[int(rng.integers(len(heads)))]}{gap}{text}"


def few_words(rng: Rng, sentence: str, most: int) -> str:
    """Return a word of a sentence, or two, in at most `most` characters; a longer one is cut where all are longer."""
    words = sentence.split()
    words = [word for word in words if len(word) <= most] or words
    # Of two the longer one: else half of all signs would say "the", "of" and "to".
    drawn = rng.integers(len(words), size=2).tolist() if words else [0]
    first = max(drawn, key=lambda i: len(words[i]) if words else 0)
    text = "".join(words[first : first + 1])
    if first + 1 < len(words) and len(text) + 1 + len(words[first + 1]) <= most:
        text = f"{text} {words[first + 1]}" if rng.random() < 0.3 else text
    return text[:most]


def recased(rng: Rng, text: str, upper: float = 0.25) -> str:
    """Return a text in capitals with a chance of `upper`, in title case now and then."""
    draw = rng.random()
    if draw >= upper + 0.08 or not text.isascii():  # the capital of µ, say, is of another alphabet
        return text
    return text.upper() if draw < upper else text.title()
