"""Define the types that move through `train`: labelled pages and lines, on disk and in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.arrays import Image

MIN_CROP_HEIGHT = 6.0
"""Shorter lines than this, in pixels, hold no readable text."""


def _no_positions() -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


@dataclass(frozen=True)
class Line:
    """One line (or word) of text on a page.

    `quad` is (4, 2) float32 in pixels, clockwise from the text's own top left; None where a `LabelledPage` gives
    the text alone. An ignored line counts neither as text nor as background.
    """

    quad: NDArray[np.float32] | None
    text: str
    ignore: bool = False


@dataclass(frozen=True)
class LabelledPage:
    """A picture on disk, its lines in reading order, and what they may be used for.

    `word_level`: the truth is words, so that lines cannot be compared. `partial`: it names only
    part of the text, so that recall alone means something. `cropped`: the picture is one line.
    `alnum`: letters and digits alone are compared.
    """

    path: Path
    source: str
    kind: str = ""
    lang: str = ""
    lines: tuple[Line, ...] = ()
    word_level: bool = False
    partial: bool = False
    cropped: bool = False
    alnum: bool = False


@dataclass(frozen=True)
class PlacedLine(Line):
    """A rendered line, which also knows where its characters stand.

    `centers` and `widths` are (n,) float32, fractions of the quad along its reading direction: from
    the left to the right side, or, if `vertical`, from the top to the bottom. Fractions are of the
    upright rectangle before any perspective, so they stay true under any projective map.
    """

    centers: NDArray[np.float32] = field(default_factory=_no_positions)
    widths: NDArray[np.float32] = field(default_factory=_no_positions)
    vertical: bool = False


@dataclass(frozen=True)
class PageSample:
    """A picture in memory, (H, W, 3) uint8 RGB, its lines in reading order, and where its labels are (file:line)."""

    image: Image
    lines: tuple[Line, ...]
    place: str = ""


@dataclass(frozen=True)
class LineSample:
    """A picture of one line, its text, and where each character stands.

    `centers` and `widths` are (n,) float32 in pixels along x, one per character of `text`; both are
    empty where the positions are not known (real data). `place` is where its label stands (file:line), if known.
    """

    image: Image
    text: str
    centers: NDArray[np.float32] = field(default_factory=_no_positions)
    widths: NDArray[np.float32] = field(default_factory=_no_positions)
    place: str = ""
