"""Choose the text of a line, as long as its width class allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from train.synth.corpus import values
from train.synth.corpus.contexts import in_context
from train.synth.corpus.sentences import Corpus
from train.synth.corpus.variation import recased
from train.synth.line import shares

Rng = np.random.Generator

_HAN, _MIXED, _LATIN = 27.0, 20.0, 13.5
"""Columns of a character at the recognizer's height, on average."""


def line_text(rng: Rng, corpus: Corpus, max_width: int) -> str:
    """Return a text for up to `max_width` columns of 32 pixels height, of a kind by `shares.TEXTS`."""
    # Half of the lines fill the width, the others end anywhere before it.
    fill = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.2, 1.0))
    text = _TEXTS[shares.draw(rng, shares.TEXTS)](rng, corpus, max_width, fill)
    missing = corpus.charset.missing(text)
    return "".join(c for c in text if c not in missing).strip() or "1"


def screen_text(rng: Rng, corpus: Corpus, max_width: int) -> str:
    """Return a text as screens show it: small Han characters are what is hard to read there, rare ones most of all."""
    text = line_text(rng, corpus, max_width)
    if text.isascii() and rng.random() < 0.6:
        length = max(2, round(max_width / _MIXED * rng.uniform(0.2, 1)))
        rare = rng.random() < 0.5
        text = corpus.rare(rng, length) if rare else corpus.phrase(rng, "mixed", length)
    return text


def _count(width: float, each: float, least: int = 1) -> int:
    return max(least, round(width / each))


def _english(rng: Rng, corpus: Corpus, width: int, fill: float) -> str:
    limit = max(3, round(int(width / _LATIN) * fill))
    return recased(rng, corpus.phrase(rng, "en", limit))[:limit].strip() or "a"


def _words(rng: Rng, corpus: Corpus, width: int, fill: float) -> str:
    limit = min(_count(width, _LATIN, 2), int(rng.integers(3, 16)))
    return recased(rng, corpus.phrase(rng, "en", limit))[:limit].strip() or "a"


_TEXTS: Mapping[str, Callable[[Rng, Corpus, int, float], str]] = {
    "zh": lambda rng, corpus, width, fill: corpus.phrase(rng, "zh", _count(width * fill, _HAN)),
    "en": _english,
    "words": _words,
    "number": lambda rng, corpus, width, fill: corpus.number(rng)[: _count(width, _LATIN, 2)],
    "value": lambda rng, corpus, width, fill: values.value(rng)[: _count(width, 15.0, 2)],
    "cell": lambda rng, corpus, width, fill: values.cell(rng),
    "context": lambda rng, corpus, width, fill: in_context(
        rng, corpus, _count(width * fill, 24.0, 2)
    )[: _count(width, 18.0, 2)],
    "random": lambda rng, corpus, width, fill: corpus.random_characters(
        rng, max(1, round(min(width / _HAN, 14) * fill))
    ),
    "rare": lambda rng, corpus, width, fill: corpus.rare(rng, _count(width * fill, _HAN)),
    "mixed": lambda rng, corpus, width, fill: corpus.phrase(
        rng, "mixed", _count(width * fill, _MIXED, 2)
    ),
    "entry": lambda rng, corpus, width, fill: corpus.entry(rng)[: _count(width, _MIXED, 2)],
    "point": lambda rng, corpus, width, fill: corpus.point(rng, _count(width * fill, 24.0, 2)),
    "leaders": lambda rng, corpus, width, fill: corpus.leaders(
        rng, _count(1.5 * width * fill, _LATIN, 3)
    ),
}
