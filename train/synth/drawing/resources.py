"""Provide what every layout draws from: faces, words and backgrounds, by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import Generator

from common.characters import is_han
from train.synth import backgrounds
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.drawing.canvas import Color, Ink
from train.synth.typesetting.fonts import Face, FontLibrary
from train.synth.typesetting.typeset import Type, whole_size

ASCII_SAMPLE = "Ag09%$@"
EDGE_MARKS = " ，。、；：！？）（》《”“’‘.,:;!?()[]{}<>|_*`'\"\\/-—…·~+=#"
HAN_SAMPLE = "的一国中，。（）、：Ag09"


class Resources:
    """Faces, texts and grounds; holds no state of its own.

    Args:
        fonts: faces to draw with.
        corpus: what to write.
        grounds: what to write on.
    """

    def __init__(self, fonts: FontLibrary, corpus: Corpus, grounds: Backgrounds) -> None:
        self.fonts = fonts
        self.corpus = corpus
        self.grounds = grounds

    def type(self, rng: Generator, lang: str, size: float, *, style: str | None = None) -> Type:
        """A face for a language ("zh", "en", "mixed") at a size in pixels per em, mostly plain."""
        face = self._face(rng, lang, style)
        latin = None
        if lang != "en" and rng.random() < 0.35:
            latin = self._face(rng, "en", "serif" if face.style == "serif" else None)
        # A han face may stand for Latin text: its italics are as rare as in print.
        slant = float(rng.uniform(0.12, 0.25)) if rng.random() < 0.03 else 0.0
        bold = float(rng.uniform(0.3, 1.0)) if rng.random() < 0.08 and size > 16 else 0.0
        return Type(face, whole_size(size), latin, slant=slant, bold=bold)

    def bitmap_type(self, rng: Generator) -> Type | None:
        """A Chinese bitmap face at its size, None where there is none."""
        face = self.fonts.choose_bitmap(rng, HAN_SAMPLE)
        return None if face is None or face.pixels is None else Type(face, face.pixels)

    def _face(self, rng: Generator, lang: str, style: str | None) -> Face:
        if lang == "en":
            face = self.fonts.choose(rng, ASCII_SAMPLE, style=style)
            # Half of a family's files are italics; of a page's text they are little.
            for _ in range(3):
                if rng.random() < 0.1 or not any(
                    word in face.name for word in ("Italic", "Oblique")
                ):
                    break
                face = self.fonts.choose(rng, ASCII_SAMPLE, style=style)
            return face
        # One real sentence in the sample gives faces with traditional characters their share.
        sample = HAN_SAMPLE
        if rng.random() < 0.5:
            sample += self.corpus.sentence(rng, "zh")[:20]
        try:
            return self.fonts.choose(rng, sample, style=style)
        except LookupError:
            return self.fonts.choose(rng, HAN_SAMPLE, style=style)

    def phrase(self, rng: Generator, kind: Type, lang: str, max_chars: int) -> str:
        """A stretch of text that the face draws in full or nearly, never blank."""
        return self._clean(rng, kind, lang, max(1, max_chars))

    def han(self, rng: Generator, kind: Type, max_chars: int) -> str:
        """A phrase without all but Chinese characters, maybe empty: in columns the others lie on their side."""
        phrase = self.phrase(rng, kind, "zh", max_chars)
        return "".join(c for c in phrase if is_han(c))

    def sentence(self, rng: Generator, kind: Type, lang: str) -> str:
        """One line of the corpus that the face draws in full or nearly, never blank."""
        return self._clean(rng, kind, lang, None)

    def _clean(self, rng: Generator, kind: Type, lang: str, max_chars: int | None) -> str:
        for _ in range(6):
            text = (
                self.corpus.sentence(rng, lang)
                if max_chars is None
                else self.corpus.phrase(rng, lang, max_chars)
            )
            clean = kind.clean(text)
            if len(clean) * 10 >= len(text) * 9 and clean:
                return clean
        return kind.clean("国文字的" if lang == "zh" else "text and words") or "A"

    def title(self, rng: Generator, kind: Type, lang: str, max_chars: int) -> str:
        """A stretch of text as signs have it: no punctuation at its ends, never blank."""
        for _ in range(6):
            text = self.phrase(rng, kind, lang, max_chars).strip(EDGE_MARKS)
            if sum(c.isalnum() for c in text) * 2 > len(text):
                return text
        return kind.clean("文字" if lang == "zh" else "Text") or "A"

    def paragraph(self, rng: Generator, kind: Type, lang: str, chars: int) -> str:
        """Running text of about so many characters, at least one sentence."""
        parts: list[str] = []
        length = 0
        while length < chars:
            # A mixed page is a Chinese one with terms, figures and the odd Latin sentence in it.
            part_lang = lang if lang != "mixed" or rng.random() < 0.4 else "zh"
            part = self.sentence(rng, kind, part_lang)
            if part[-1].isalnum():
                part += "." if lang == "en" else "。" if kind.face.covers("。") else "."
            parts.append(part)
            length += len(part)
        text = (" " if lang == "en" else "").join(parts)
        return (
            text[: max(chars, 8)].rstrip()
            if rng.random() < 0.5
            else text[: 3 * chars + 40].rstrip()
        )

    def number(self, rng: Generator, kind: Type) -> str:
        """A figure, date or code that the face can draw."""
        for _ in range(6):
            text = self.corpus.number(rng)
            clean = kind.clean(text)
            if clean == text.strip() and clean:
                return clean
        return str(int(rng.integers(1, 10_000)))

    def price(self, rng: Generator) -> str:
        """An amount as receipts print it."""
        whole = int(10 ** rng.uniform(0, 3.5))
        text = f"{whole:,}.{int(rng.integers(100)):02d}" if rng.random() < 0.85 else str(whole)
        return (
            text
            if rng.random() < 0.8
            else ("¥", "$", "RM ", "£", "-", "€")[int(rng.integers(6))] + text
        )

    def pick(
        self, rng: Generator, kind: Type, words: Mapping[str, Sequence[str]], lang: str
    ) -> str:
        """A word of a list, in the language; a mixed page takes either."""
        if lang == "mixed":
            lang = "en" if rng.random() < 0.35 else "zh"
        options = words[lang]
        return kind.clean(options[int(rng.integers(len(options)))]) or "OK"


def pick_language(rng: Generator, zh: float, en: float) -> str:
    """One of "zh", "en" and "mixed" by the shares of the first two."""
    draw = rng.random()
    return "zh" if draw < zh else "en" if draw < zh + en else "mixed"


def dark_ink(rng: Generator) -> Ink:
    """Print on paper: black, nearly black, sometimes a dark color."""
    if rng.random() < 0.75:
        level = int(rng.integers(0, 70))
        return Ink((level, level, level))
    return Ink(backgrounds.color(rng, dark=True))


def brightness(color: Color | np.ndarray) -> float:
    """Perceived lightness of a color, 0 to 255."""
    return float(np.asarray(color, float) @ (0.299, 0.587, 0.114))


def readable_on(
    rng: Generator, ground: Color, *, contrast: float = 90.0, vivid: bool = False
) -> Color:
    """A color that stands out from another by at least `contrast` levels of brightness."""
    level = brightness(ground)
    for _ in range(12):
        color = backgrounds.color(rng, vivid=vivid)
        if abs(brightness(color) - level) >= contrast:
            return color
    return (255, 255, 255) if level < 128 else (10, 10, 10)
