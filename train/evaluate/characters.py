"""Measure how each Han character of the charset is read, the rare as often as the common: clean lines, three faces.

Lines are of characters without sense, so that each is read by its strokes alone: no sentence tells what it should be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from common.arrays import Image
from common.characters import is_han
from recognition.charset import LARGEST, Charset
from train.evaluate.error_alignment import align
from train.evaluate.page_metrics import normalize
from train.evaluate.typefaces import Recognize, drawn
from train.synth.typesetting.face import Face

FAMILIES = ("Noto Sans CJK SC", "Noto Serif CJK SC", "LXGW WenKai")
"""Of the faces: a sans, a serif and a hand that draw all of `LARGEST`; their regular weights."""

CHARSETS = ("zh_en", "zh_hant_en", LARGEST)
"""Each begins with the one before; a group of characters is what one adds."""

SEED = 30_000_002
LENGTH = 8
"""Characters of a line."""
_BATCH = 64


class CharacterLine(NamedTuple):
    """One clean line: the family it is drawn in, its text, and the picture (h, w, 3) uint8."""

    family: str
    text: str
    image: Image


def regular_faces(faces: Sequence[Face]) -> list[Face]:
    """Return the regular face of each of `FAMILIES`.

    Raises:
        FileNotFoundError: one is missing.
    """
    found = [
        next((face for face in faces if face.name.startswith(f"{family} Regular")), None)
        for family in FAMILIES
    ]
    missing = [family for family, face in zip(FAMILIES, found, strict=True) if face is None]
    if missing:
        raise FileNotFoundError(
            f"no {', '.join(missing)} among {len(faces)} faces; on Debian: "
            "apt-get install fonts-noto-cjk fonts-noto-cjk-extra fonts-lxgw-wenkai"
        )
    return [face for face in found if face is not None]


def group_characters() -> dict[str, list[str]]:
    """Return the Han characters that each of `CHARSETS` adds to the one before."""
    groups, known = {}, 0
    for name in CHARSETS:
        characters = Charset.load(name).characters
        groups[name] = [c for c in characters[known:] if is_han(c)]
        known = len(characters)
    return groups


def character_lines(
    faces: Sequence[Face], characters: Sequence[str], length: int = LENGTH
) -> Iterator[CharacterLine]:
    """Draw every character once in each face that has it, so many in a line, in an order of chance."""
    for number, face in enumerate(faces):
        able = [c for c in characters if face.covers(c)]
        order = np.random.default_rng((SEED, number)).permutation(len(able))
        for start in range(0, len(able), length):
            text = "".join(able[int(i)] for i in order[start : start + length])
            yield CharacterLine(face.family, text, drawn(text, face))


def measure_characters(lines: Sequence[CharacterLine], recognize: Recognize) -> dict[str, float]:
    """Read lines; return of each character the share of its faces in which it was read."""
    shown: Counter[str] = Counter()
    read: Counter[str] = Counter()
    for start in tqdm(range(0, len(lines), _BATCH), unit="batch", disable=None):
        batch = lines[start : start + _BATCH]
        for line, reading in zip(batch, recognize([line.image for line in batch]), strict=True):
            # What comes in two forms of one character is compared in one.
            truth, text = [normalize(c) for c in line.text], normalize(reading.text)
            shown.update(line.text)
            for a, b in align(truth, list(text)):
                if a is not None and b is not None and truth[a] == text[b]:
                    read[line.text[a]] += 1
    return {character: read[character] / count for character, count in shown.items()}


def group_figures(shares: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return, of the characters of each group, how many, the share read, and that read in most faces."""
    out = {}
    for name, characters in group_characters().items():
        own = [shares[c] for c in characters if c in shares]
        if own:
            mostly = sum(share > 0.5 for share in own) / len(own)
            out[name] = {"characters": len(own), "read": sum(own) / len(own), "mostly": mostly}
    return out


def format_characters(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Lay out `group_figures` as text."""
    rows = [
        f"{'Han characters that are new in':32s} {'number':>6s} {'read':>6s} {'in most faces':>14s}"
    ]
    rows += [
        f"{name:32s} {row['characters']:6.0f} {row['read']:6.3f} {row['mostly']:14.3f}"
        for name, row in figures.items()
    ]
    return "\n".join(rows)
