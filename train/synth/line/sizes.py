"""Set lines in several sizes, faces and colours, as prices, posters and shop fronts are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.characters import is_han, is_wide
from train.synth.corpus import measures
from train.synth.corpus.sentences import Corpus
from train.synth.line import shares
from train.synth.line.lettering import stepped
from train.synth.line.sign_text import sign_text
from train.synth.typesetting.draw_line import TextMask, TextRun, draw_runs
from train.synth.typesetting.fonts import Face, FontLibrary

Rng = np.random.Generator

_SMALL_HAN, _SMALL_LATIN = 13, 10
"""Sizes in pixels below which nothing of a run could be read."""

_STYLES = {"": 0.5, "sans": 0.35, "display": 0.15}


def sized_line(
    rng: Rng, fonts: FontLibrary, corpus: Corpus, max_width: int
) -> tuple[TextMask, NDArray[np.float32]]:
    """Draw a price, a value with its unit, or a sentence whose parts differ in size.

    Returns:
        The line, and for each of its columns how strong its ink is, from 0.5 to 1.
    """
    draw = rng.random()
    if draw < 0.4:
        parts, scales = _price(rng)
    elif draw < 0.55:
        parts = list(measures.measure(rng))
        scales = [1.0, float(rng.uniform(0.4, 0.75))]
    else:
        parts, scales = _words(rng, corpus, max_width)
    return _drawn(rng, fonts, parts, scales)


def _price(rng: Rng) -> tuple[list[str], list[float]]:
    """Parts of a price and their sizes; large are the figures, above all those before the point."""
    sign, whole, fraction, unit = measures.price(rng)
    small, smaller = float(rng.uniform(0.4, 0.75)), float(rng.uniform(0.4, 1.0))
    if fraction and rng.random() < 0.5:
        whole, fraction, smaller = whole + fraction, "", 1.0
    parts = (sign, small), (whole, 1.0), (fraction, smaller), (unit, small)
    if rng.random() < 0.25:
        word = ("仅", "原价", "特价", "现价", "惊爆价", "只要", "低至", "满", "立减", "ONLY", "Now")
        parts = ((word[int(rng.integers(len(word)))], small), *parts)
    kept = [(text, scale) for text, scale in parts if text]
    return [text for text, _ in kept], [scale for _, scale in kept]


def _words(rng: Rng, corpus: Corpus, max_width: int) -> tuple[list[str], list[float]]:
    """Two to four stretches of words; now and then the first letter alone is large."""
    count = int(rng.integers(2, 5 if max_width > 200 else 3))
    parts = [sign_text(rng, corpus, max(60, round(max_width / count * 1.2))) for _ in range(count)]
    scales = [float(rng.uniform(0.55, 1.0)) for _ in parts]
    scales[int(rng.integers(count))] = 1.0
    if rng.random() < 0.2 and len(parts[0]) > 1:
        parts[:1] = [parts[0][:1], parts[0][1:]]
        scales[:1] = [1.0, float(rng.uniform(0.6, 0.85))]
    return parts, scales


def _drawn(
    rng: Rng, fonts: FontLibrary, parts: Sequence[str], scales: Sequence[float]
) -> tuple[TextMask, NDArray[np.float32]]:
    size = float(np.exp(rng.uniform(np.log(26), np.log(50))))
    style = shares.draw(rng, _STYLES) or None
    whole = "".join(parts)
    one = fonts.choose(rng, whole, style=style) if rng.random() < 0.6 else None
    draw = rng.random()
    rise = 0.0 if draw < 0.6 else 0.5 if draw < 0.85 else 1.0
    gap = float(rng.uniform(0.0, 0.12) if rng.random() < 0.6 else rng.uniform(0.2, 0.8)) * size
    runs: list[TextRun] = []
    for text, scale in zip(parts, scales, strict=True):
        face: Face = one or fonts.choose(rng, text, style=style)
        least = _SMALL_HAN if any(map(is_han, text)) else _SMALL_LATIN
        font = face.at(max(least, stepped(scale * size)))
        between = _between(runs[-1].text, text, gap, size) if runs else ""
        if between:  # belongs to the run before it
            runs[-1] = runs[-1]._replace(text=runs[-1].text + between)
        runs.append(TextRun(text, font, gap if runs else 0.0))
    drawn = draw_runs(runs, rise)
    return drawn, _strengths(rng, drawn, [len(run.text) for run in runs])


def _between(before: str, after: str, gap: float, size: float) -> str:
    """Return the space that is read between two words, nothing where they touch or Chinese stands at the gap."""
    if is_wide(before[-1]) and is_wide(after[0]):
        return ""
    return " " if before[-1].isalpha() and after[0].isalnum() or gap > 0.3 * size else ""


def _strengths(rng: Rng, drawn: TextMask, lengths: Sequence[int]) -> NDArray[np.float32]:
    """Return the ink's strength in each column: half of the lines are of one colour."""
    strength = np.ones(drawn.mask.shape[1], np.float32)
    if rng.random() < 0.5:
        return strength
    first = 0
    for length in lengths:
        start = drawn.centers[first] - drawn.widths[first] / 2
        strength[max(0, int(start)) :] = float(rng.uniform(0.5, 1.0))
        first += length
    return strength
