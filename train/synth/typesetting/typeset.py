"""Set text in a face as lines of type: masks with character positions; wrap it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from train.synth.effects.geometric import move_points
from train.synth.typesetting.draw_line import TextMask, draw_text
from train.synth.typesetting.fonts import Face

MEASURE_SIZE = 64
"""Advances are measured once per face at this size and scaled."""

NOT_FIRST = frozenset("，。、；：！？）》」』】〉”’…—～%℃·,.;:!?)]}’”％")
NOT_LAST = frozenset("（《「『【〈“‘([{￥$¥#＃")
WORD = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.,:%$/@_-+&)(;!?\""
)


@dataclass(frozen=True)
class Stamp:
    """A line ready to be printed.

    `mask` is (h, w) uint8 ink; `quad` (4, 2) float32 the line in its pixels; `centers` and `widths`
    the characters as fractions of the quad along the reading direction, downwards if `vertical`.
    """

    mask: NDArray[np.uint8]
    quad: Floats
    text: str
    centers: Floats
    widths: Floats
    vertical: bool = False

    @property
    def height(self) -> int:
        """Pixels of the mask."""
        return int(self.mask.shape[0])

    @property
    def width(self) -> int:
        """Pixels of the mask."""
        return int(self.mask.shape[1])


@dataclass(frozen=True)
class Type:
    """A face at a size, and how it is set.

    Args:
        face: draws the text; characters it lacks are dropped by `clean`.
        size: pixels per em.
        latin: draws ASCII instead, as word processors do in Chinese documents.
        slant: horizontal shift per pixel of height; italics of faces that have none.
        spacing: extra pixels between characters.
        bold: pixels by which strokes grow.
    """

    face: Face
    size: int
    latin: Face | None = None
    slant: float = 0.0
    spacing: float = 0.0
    bold: float = 0.0

    def at(self, size: float) -> Type:
        """The same at another size."""
        return replace(self, size=whole_size(size), spacing=self.spacing * size / self.size)

    def clean(self, text: str) -> str:
        """Drop what the face cannot draw, and the space at both ends."""
        if self.face.covers(text):
            return text.strip()
        kept = "".join(c for c in text if self.face.covers(c))
        return " ".join(kept.split())

    def measure(self, text: str) -> Floats:
        """Advances (n,) of the characters in pixels."""
        advances = [
            _advance(self.latin if self.latin is not None and ord(c) < 128 else self.face, c)
            for c in text
        ]
        return np.array(advances, np.float32) * (self.size / MEASURE_SIZE) + np.float32(
            self.spacing
        )

    def draw(self, text: str, *, vertical: bool = False) -> Stamp:
        """Set one line, or one column; `text` is clean and not blank."""
        latin = self.latin.at(self.size) if self.latin is not None else None
        drawn = draw_text(
            text, self.face.at(self.size), latin=latin, spacing=self.spacing, vertical=vertical
        )
        stamp = stamp_of(drawn, vertical=vertical)
        if self.bold > 0:
            stamp = replace(stamp, mask=_bolder(stamp.mask, self.bold))
        return slanted(stamp, self.slant) if self.slant else stamp


def whole_size(size: float) -> int:
    """The size that is drawn for a size asked for: whole pixels, in steps of about 5 % when large.

    An opened Chinese face takes a megabyte at every size; few sizes keep few of them open.
    """
    step = 1 if size < 28 else 2 if size < 56 else 4
    return max(6, step * int(size / step + 0.5))


@functools.lru_cache(maxsize=100_000)
def _advance(face: Face, character: str) -> float:
    font = face.at(MEASURE_SIZE)  # a bitmap face comes at its own size
    return float(font.getlength(character)) * MEASURE_SIZE / font.size


def _bolder(mask: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Grow strokes to the right by up to one pixel, as printers fake bold."""
    moved = np.zeros_like(mask)
    moved[:, 1:] = mask[:, :-1]
    return np.maximum(mask, cv2.convertScaleAbs(moved, alpha=min(1.0, amount)))


def stamp_of(drawn: TextMask, *, vertical: bool) -> Stamp:
    """Positions as fractions, the quad as the whole mask."""
    height, width = drawn.mask.shape
    length = float(height if vertical else width)
    quad = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return Stamp(
        drawn.mask, quad, drawn.text, drawn.centers / length, drawn.widths / length, vertical
    )


def slanted(stamp: Stamp, slant: float) -> Stamp:
    """Lean an upright line to the right; the quad stays a rectangle about the ink."""
    height, width = stamp.mask.shape
    extra = math.ceil(abs(slant) * height)
    # Row y moves by slant * (height - y), so that nothing goes below column 0.
    start = float(extra) if slant > 0 else 0.0
    matrix = np.array([[1, -slant, start], [0, 1, 0]], np.float32)
    mask = cv2.warpAffine(stamp.mask, matrix, (width + extra, height))
    middle = start - slant * height / 2  # where characters are read
    new_width = width + extra
    quad = np.array([[0, 0], [new_width, 0], [new_width, height], [0, height]], np.float32)
    centers = (stamp.centers * width + middle) / new_width
    widths = stamp.widths * (width / new_width)
    return replace(stamp, mask=mask, quad=quad, centers=centers, widths=widths)


def turned(stamp: Stamp, degrees: float) -> Stamp:
    """Turn a line counter-clockwise by any angle; the mask grows to hold it."""
    height, width = stamp.mask.shape
    radians = math.radians(degrees)
    cos, sin = math.cos(radians), math.sin(radians)
    new_width = math.ceil(width * abs(cos) + height * abs(sin)) + 2
    new_height = math.ceil(height * abs(cos) + width * abs(sin)) + 2
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])
    turn[:2, 2] = np.array([new_width, new_height]) / 2 - turn[:2, :2] @ (width / 2, height / 2)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centers = np.linalg.inv(half) @ turn @ half
    mask = cv2.warpAffine(stamp.mask, centers[:2], (new_width, new_height), flags=cv2.INTER_LINEAR)
    return replace(stamp, mask=mask, quad=move_points(stamp.quad, turn))


def padded(stamp: Stamp, margin: int) -> Stamp:
    """Add empty pixels on every side, for outlines and shadows."""
    return replace(stamp, mask=np.pad(stamp.mask, margin), quad=stamp.quad + np.float32(margin))


def wrap(
    kind: Type, text: str, width: float, *, indent: float = 0.0, hyphens: bool = False
) -> list[str]:
    """Break a text into lines of at most `width` pixels, the first shorter by `indent`.

    Latin words stay whole unless one alone is wider than the line; punctuation does not begin one.
    `hyphens` divides long Latin words at line ends. An empty text gives no lines.
    """
    ends = np.concatenate([[0.0], np.cumsum(kind.measure(text))])
    lines, start = [], 0
    while start < len(text):
        room = width - (indent if not lines else 0.0)
        stop = int(np.searchsorted(ends, ends[start] + room, side="right")) - 1
        stop = max(stop, start + 1)
        mark = ""
        if stop < len(text):
            whole = _back_to_break(text, start, stop)
            if hyphens and stop - whole >= 5 and text[whole : stop + 2].isalpha():
                stop, mark = stop - 2, "-"
            else:
                stop = whole
        line = text[start:stop].strip()
        if line:
            lines.append(line + mark)
        start = stop
    return lines


def _back_to_break(text: str, start: int, stop: int) -> int:
    """The last place at or before `stop` where a line may end; `stop` where there is none."""
    for place in range(stop, start + 1, -1):
        before, after = text[place - 1], text[place]
        if before in WORD and after in WORD:
            continue
        if after not in NOT_FIRST and before not in NOT_LAST:
            return place
    return stop


def justified(stamp: Stamp, width: int) -> Stamp:
    """Stretch a line to `width` pixels: at its spaces if it has any, else at all characters.

    A line that is already as wide, has one character, or would come out torn is returned as it is.
    """
    old = stamp.width
    extra = width - old
    spaces = [i for i, c in enumerate(stamp.text) if c == " "]
    if extra <= 0 or extra > 0.25 * width or len(stamp.text) < 2:
        return stamp
    if len(spaces) * 12 >= len(stamp.text):
        places = stamp.centers[spaces] * old
        after = np.array(spaces) + 1
    else:
        places = (stamp.centers + stamp.widths / 2)[:-1] * old
        after = np.arange(1, len(stamp.text))
    cuts = np.clip(np.rint(places), 0, old).astype(int)
    added = np.diff(np.rint(np.linspace(0, extra, len(cuts) + 1))).astype(int)
    mask = np.zeros((stamp.height, width), np.uint8)
    offset = 0
    moves = np.zeros(len(stamp.text) + 1, np.float32)
    for begin, end, gap in zip([0, *cuts], [*cuts, old], [*added, 0], strict=True):
        mask[:, begin + offset : end + offset] = stamp.mask[:, begin:end]
        offset += gap
    moves[after] += added
    centers = (stamp.centers * old + np.cumsum(moves[:-1])) / width
    widths = stamp.widths * (old / width)
    if len(spaces) * 12 >= len(stamp.text):
        centers[spaces] += added / (2 * width)
        widths[spaces] += added / width
    quad = np.array([[0, 0], [width, 0], [width, stamp.height], [0, stamp.height]], np.float32)
    return Stamp(mask, quad, stamp.text, centers.astype(np.float32), widths.astype(np.float32))
