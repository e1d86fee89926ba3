"""Measure how well a recognizer reads typefaces that training never draws with: clean lines, nothing else varied.

Words in Latin families, phrases in Chinese display faces and in Chinese hands: black on white, from
fixed texts and by a fixed seed, so that the figures of two recognizers are of the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from common.arrays import Image
from train.evaluate.page_metrics import normalize
from train.synth.fonts.families import held_out_names
from train.synth.typesetting.draw_line import draw_text
from train.synth.typesetting.face import Face
from train.synth.typesetting.fonts import read_faces

TEXTS = Path(__file__).parent / "typeface_texts.txt"
SEED = 30_000_001
SIZE, MARGIN = 40, 10  # pixels
WORDS, PHRASES = 20, 60  # of each family; of fewer phrases, where a face draws fewer
_BATCH = 64

LATIN, LATIN_PRINT, LATIN_HANDS = "Latin words", "  of these print", "  of these script and hand"
DISPLAY, HANDS = "Chinese display", "Chinese hands"
GROUPS = (LATIN, LATIN_PRINT, LATIN_HANDS, DISPLAY, HANDS)
_WRITTEN = frozenset({"script", "hand"})


class _HasText(Protocol):
    @property
    def text(self) -> str: ...


Recognize = Callable[[Sequence[Image]], Sequence[_HasText]]


@dataclass(frozen=True)
class TypefaceLine:
    """One clean line.

    Attributes:
        groups: those of `GROUPS` that it counts in.
        family: of the face that it is drawn in.
        text: what it says.
        image: (h, w, 3) uint8.
    """

    groups: tuple[str, ...]
    family: str
    text: str
    image: Image


def held_out_lines(folder: Path) -> Iterator[TypefaceLine]:
    """Draw the lines in the held-out families below `folder`, family by family.

    Raises:
        FileNotFoundError: a held-out family is missing.
    """
    families: dict[str, list[Face]] = {}
    for face in sorted(read_faces([folder]), key=lambda face: face.path.name):
        families.setdefault(face.family, []).append(face)
    if missing := held_out_names() - families.keys():
        raise FileNotFoundError(
            f"{len(missing)} of {len(held_out_names())} held-out families are not in {folder} "
            f"({', '.join(sorted(missing)[:5])}, ...); python -m train.synth.fonts fetch"
        )
    words, phrases = read_texts()
    for number, name in enumerate(sorted(held_out_names())):
        rng = np.random.default_rng((SEED, number))
        yield from _lines_of(rng, families[name], words, phrases)


def read_texts(path: Path = TEXTS) -> tuple[list[str], list[str]]:
    """Return the Latin words and the Chinese phrases of a text file, in which blanks part them."""
    texts = path.read_text(encoding="utf8").split()
    return [t for t in texts if t.isascii()], [t for t in texts if not t.isascii()]


def _lines_of(
    rng: np.random.Generator, faces: Sequence[Face], words: Sequence[str], phrases: Sequence[str]
) -> Iterator[TypefaceLine]:
    """Draw a family's lines, each in one of its faces."""
    written = faces[0].style in _WRITTEN
    if faces[0].han:
        groups: tuple[str, ...] = (HANDS if written else DISPLAY,)
        texts, count = [t for t in phrases if faces[0].covers(t)], PHRASES
    else:
        groups, count = (LATIN, LATIN_HANDS if written else LATIN_PRINT), WORDS
        texts = [_cased(rng, word, faces[0]) for word in words]
    for i in rng.permutation(len(texts))[:count]:
        face = faces[int(rng.integers(len(faces)))]
        yield TypefaceLine(groups, face.family, texts[i], drawn(texts[i], face))


def _cased(rng: np.random.Generator, word: str, face: Face) -> str:
    """Return a word in small letters, with a capital or in capitals, as faces of its kind are used."""
    draw = rng.random()
    if not face.covers(word) or (draw < 0.25 and face.style != "script"):
        return word.upper()
    return word.capitalize() if draw < 0.5 else word


def drawn(text: str, face: Face) -> Image:
    """Draw a text black on white, as a picture (h, w, 3) uint8."""
    mask = np.pad(draw_text(text, face.at(SIZE)).mask, MARGIN)
    return np.repeat(255 - mask[:, :, None], 3, axis=2)


def measure_typefaces(
    lines: Sequence[TypefaceLine], recognize: Recognize
) -> dict[str, dict[str, float]]:
    """Read lines and return, by group and then by family, how many lines and the share read exactly."""
    pairs: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
    for start in tqdm(range(0, len(lines), _BATCH), unit="batch", disable=None):
        batch = lines[start : start + _BATCH]
        readings = recognize([line.image for line in batch])
        for line, reading in zip(batch, readings, strict=True):
            for name in (*line.groups, line.family):
                pairs.setdefault(name, []).append((line.text, reading.text))
    return {
        name: {
            "lines": len(read),
            "exact": sum(normalize(a) == normalize(b) for a, b in read) / len(read),
        }
        for name, read in pairs.items()
        if read
    }


def format_typefaces(figures: dict[str, dict[str, float]], worst: int = 12) -> str:
    """Lay out the figures of the groups, and of the families that are read worst."""
    families = sorted(figures.keys() - set(GROUPS), key=lambda name: (figures[name]["exact"], name))
    rows = [name for name in GROUPS if name in figures] + families[:worst]
    table = [f"{'typefaces never drawn with':28s} {'lines':>6s} {'exact':>6s}"]
    table += [
        f"{name:28s} {figures[name]['lines']:6.0f} {figures[name]['exact']:6.3f}" for name in rows
    ]
    return "\n".join(table)
