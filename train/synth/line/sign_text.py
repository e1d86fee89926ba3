"""Write what signs and boards say, in a few words, and choose how far apart their letters stand."""

from __future__ import annotations

import re

import numpy as np

from common.characters import is_wide
from train.synth.corpus.sentences import Corpus, variation

Rng = np.random.Generator

_CHINESE, _NUMBER = 0.42, 0.07
"""Shares of signs; the others are Latin words."""

_CODE = re.compile(r"[^A-Za-z0-9 '&.,:!?-]")

_TRADITIONAL = 0.45
"""Of Chinese signs, besides those of the corpus: faces and strokes of signs are unlike those of books."""


def sign_text(rng: Rng, corpus: Corpus, max_width: int) -> str:
    """Return a word or two, or a few characters, for up to `max_width` columns of 32 pixels height."""
    draw, room = rng.random(), max(2, int(max_width / 20))
    if draw < _CHINESE:
        text = corpus.phrase(rng, "zh", min(max(1, room // 2), int(rng.integers(2, 8))))
        if rng.random() < _TRADITIONAL:
            other = variation.traditional(rng, text)
            text = text if corpus.charset.missing(other) else other
    elif draw < _CHINESE + _NUMBER:
        text = corpus.number(rng)[:room].strip()
    else:
        text = variation.few_words(rng, corpus.sentence(rng, "en"), room)
        if _CODE.search(text):  # documents say names of programs more often than signs
            text = variation.few_words(rng, corpus.sentence(rng, "en"), room)
        text = variation.recased(rng, text, upper=0.62)
    return text.strip(" ,.;:-") or "SALE"


def sign_spacing(rng: Rng, text: str, size: int) -> float:
    """Return extra pixels between characters: signs fill their boards, Chinese ones most of all."""
    wide = any(map(is_wide, text))
    if rng.random() >= (0.5 if wide else 0.12):
        return 0.0
    return (
        float(rng.uniform(-0.06, 0.3 if rng.random() < 0.5 else 1.2)) * size * (1 if wide else 0.4)
    )
