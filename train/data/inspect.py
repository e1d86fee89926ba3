"""Describe a labelled set: counts, histograms and a contact sheet."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
from numpy.random import Generator

from common.arrays import Image
from common.quads import quad_size
from common.wording import counted
from ocr.formats.draw import find_font
from recognition.charset import Charset, normalize
from train.data.contact_sheet import contact_sheet, drawn
from train.data.samples import LineSample, PageSample

HEIGHTS = (6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128)
"""Edges of the histogram of line heights, pixels."""
LENGTHS = (2, 3, 5, 8, 12, 18, 25, 35, 50, 80, 120)
"""Edges of the histogram of line lengths, characters."""
_BAR = 40  # characters of the longest bar
_CELL = (40, 900)  # height of a line on the sheet, and its width at most
_SCRIPTS = ("HIRAGANA", "KATAKANA", "HANGUL", "LATIN", "GREEK", "CYRILLIC", "ARABIC", "THAI")


@dataclass
class Contents:
    """What has been counted. Of ignored lines the number alone is."""

    pages: int = 0
    line_pictures: int = 0
    lines: int = 0
    ignored: int = 0
    wordless: int = 0
    heights: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    sides: list[int] = field(default_factory=list)
    characters: Counter[str] = field(default_factory=Counter)

    def add(self, sample: PageSample | LineSample) -> None:
        """Count one sample."""
        self.sides.append(max(sample.image.shape[:2]))
        if isinstance(sample, LineSample):
            self.line_pictures += 1
            self._add_line(sample.text, float(min(sample.image.shape[:2])))
            return
        self.pages += 1
        for line in sample.lines:
            if line.ignore:
                self.ignored += 1
            else:
                self._add_line(line.text, min(quad_size(line.quad)))

    def _add_line(self, text: str, height: float) -> None:
        text = normalize(text).strip()
        self.lines += 1
        self.wordless += not text
        self.heights.append(height)
        self.lengths.append(len(text))
        self.characters.update(text)

    def missing(self, charset: Charset) -> Counter[str]:
        """Return the characters that have no class, with how often each comes."""
        return Counter({c: n for c, n in self.characters.items() if c not in charset})

    def figures(self, charset: Charset) -> dict[str, Any]:
        """Return everything as plain numbers, for JSON."""
        missing, total = self.missing(charset), self.characters.total()
        return {
            "pages": self.pages,
            "line_pictures": self.line_pictures,
            "lines": self.lines,
            "ignored": self.ignored,
            "wordless": self.wordless,
            "characters": total,
            "different_characters": len(self.characters),
            "coverage": 1 - missing.total() / total if total else None,
            "missing": dict(missing.most_common()),
            "scripts": dict(scripts(self.characters).most_common()),
            "height": _quartiles(self.heights),
            "length": _quartiles(self.lengths),
            "side": _quartiles(self.sides),
        }


def scripts(characters: Counter[str]) -> Counter[str]:
    """Count characters by script; digits, punctuation and the like are `other`."""
    out: Counter[str] = Counter()
    for character, count in characters.items():
        name = unicodedata.name(character, "")
        script = "other"
        if name.startswith("CJK UNIFIED") or name.startswith("CJK COMPAT"):
            script = "han"
        elif character.isalpha():
            script = next((s.lower() for s in _SCRIPTS if name.startswith(s)), "other letters")
        out[script] += count
    return out


def describe(contents: Contents, charset: Charset, seen: str) -> str:
    """Lay out what was counted as text.

    Args:
        contents: complete.
        charset: of the recognizer.
        seen: the report's own line about what was read and left out.
    """
    facts = contents.figures(charset)
    pages, pictures = counted(facts["pages"], "page"), counted(facts["line_pictures"], "picture")
    out = [seen, f"{pages}, {pictures} of single lines"]
    out.append(
        f"{counted(facts['lines'], 'line')}, {facts['wordless']} of them without text; "
        f"{facts['ignored']} more are ignored"
    )
    if contents.characters:
        listed = "  ".join(f"{name} {count}" for name, count in facts["scripts"].items())
        out.append(
            f"{counted(facts['characters'], 'character')}, {facts['different_characters']} different: {listed}"
        )
        missing = contents.missing(charset)
        out.append(
            f"{facts['coverage']:.2%} of them in the charset; {len(missing)} different are not"
        )
    else:
        missing = Counter()
    if missing:
        shown = "  ".join(f"{c} {n}" for c, n in missing.most_common(40))
        out.append(f"    {shown}{'  …' if len(missing) > 40 else ''}")
    if contents.sides:
        out.append("longer side of a picture, pixels: {} / {} / {}".format(*facts["side"]))
    for title, values, edges in (
        ("height of a line, pixels", contents.heights, HEIGHTS),
        ("length of a line, characters", contents.lengths, LENGTHS),
    ):
        if values:
            out.append(f"{title}: quarter, middle, three quarters {_quartiles(values)}")
            out += histogram(values, edges)
    return "\n".join(out)


def histogram(values: Sequence[float], edges: Sequence[int]) -> list[str]:
    """Draw the counts between edges as bars; every value falls into one of them, empty ends are left away."""
    bounds = [-np.inf, *edges, np.inf]
    counts = np.histogram(values, bounds)[0]
    used = np.flatnonzero(counts)
    if not len(used):
        return []
    names = [f"under {edges[0]}", *(f"{a} to {b}" for a, b in zip(edges, edges[1:], strict=False))]
    names.append(f"{edges[-1]} or more")
    rows = range(used[0], used[-1] + 1)
    longest = counts.max()
    return [
        f"    {names[i]:>12s} {counts[i]:8d} {'#' * -(-int(counts[i]) * _BAR // int(longest))}"
        for i in rows
    ]


class ContactSheet:
    """A contact sheet of samples drawn evenly from a stream of unknown length.

    Args:
        count: pictures on it.
        rng: draws which.
    """

    def __init__(self, count: int, rng: Generator) -> None:
        self._count, self._rng = count, rng
        self._seen = 0
        self._kept: list[tuple[int, bool, Image]] = []

    def watch(
        self, samples: Iterable[PageSample | LineSample]
    ) -> Iterator[PageSample | LineSample]:
        """Pass samples on, keeping reduced copies of some."""
        for sample in samples:
            place = self._seen
            self._seen += 1
            if len(self._kept) < self._count:
                self._kept.append(self._cell(place, sample))
            elif (slot := int(self._rng.integers(self._seen))) < self._count:
                self._kept[slot] = self._cell(place, sample)
            yield sample

    def image(self) -> Image:
        """Return pages in rows, with their quads, above lines, each with its label; gray for none."""
        parts = []
        cells = sorted(self._kept, key=lambda cell: cell[0])
        if pages := [image for _, is_line, image in cells if not is_line]:
            parts.append(contact_sheet(pages))
        parts += [image for _, is_line, image in cells if is_line]
        if not parts:
            return np.full((_CELL[0], _CELL[0], 3), 128, np.uint8)
        width = max(part.shape[1] for part in parts)
        return np.vstack([_padded(part, width) for part in parts])

    @staticmethod
    def _cell(place: int, sample: PageSample | LineSample) -> tuple[int, bool, Image]:
        if isinstance(sample, LineSample):
            return place, True, _line_cell(sample)
        # Twice the size of a cell: reducing it again does not show, and a large page is not kept.
        factor = min(1.0, 840 / max(sample.image.shape[:2]))
        height, width = (max(1, round(side * factor)) for side in sample.image.shape[:2])
        image = drawn(sample)
        return place, False, cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _line_cell(sample: LineSample) -> Image:
    """A line at one height, and below it its label."""
    height, most = _CELL
    rows, columns = sample.image.shape[:2]
    width = int(np.clip(round(columns * height / rows), 1, most))
    picture = cv2.resize(sample.image, (width, height), interpolation=cv2.INTER_AREA)
    font = find_font(18)
    label = PIL.Image.new("RGB", (most, 26), (255, 255, 255))
    if font is not None:
        PIL.ImageDraw.Draw(label).text((2, 1), sample.text[:120], fill=(0, 0, 0), font=font)
    return np.vstack([_padded(np.asarray(picture, np.uint8), most), np.asarray(label)])


def _padded(image: Image, width: int) -> Image:
    gap = [(0, 0), (0, width - image.shape[1]), (0, 0)]
    return np.pad(image, gap, constant_values=128)


def _quartiles(values: Sequence[float]) -> list[float]:
    """[lower quartile, median, upper quartile]; empty for no values."""
    return [round(float(v), 1) for v in np.percentile(values, [25, 50, 75])] if values else []
