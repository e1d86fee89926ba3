"""Define what each part of the reading chain takes and gives: a reading, and the three models as protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from common.arrays import Floats, Image, Quads, Scores


class Reading(NamedTuple):
    """Hold what was read on the crop of one line.

    Attributes:
        text: empty when nothing was read.
        score: from 0 to 1; a recognizer gives the mean of `char_scores`, 0.0 for an empty text.
        char_scores: one probability in [0, 1] for each character; empty where they are not known.
        char_spans: one (from, to) for each character, fractions of the crop's width in [0, 1]; empty where nobody
            knows where the characters stand.
    """

    text: str
    score: float
    char_scores: tuple[float, ...] = ()
    char_spans: tuple[tuple[float, float], ...] = ()

    def without_places(self) -> Reading:
        """Return text and score alone, for a reading whose places are those of another crop."""
        return Reading(self.text, self.score)


class Spotted(NamedTuple):
    """Hold the lines of a picture with what was read on them.

    Attributes:
        quads: (M, 4, 2) in the pixels of the picture.
        scores: (M,) how sure it is that there is text.
        readings: M of them, as read on the quads grown by the margin that the spotter was made for.
    """

    quads: Quads
    scores: Scores
    readings: tuple[Reading, ...]


class Classifier(Protocol):
    """Tell how far clockwise the content of a picture is turned."""

    def __call__(self, image: Image, /) -> tuple[int, float]:
        """Return degrees (0, 90, 180 or 270) and their score in [0, 1], by patches of the picture (H, W, 3)."""

    def classify_lines(self, image: Image, quads: Quads, /) -> Floats:
        """Return probabilities (4,) of the four turns, by lines (M, 4, 2) that were found on the picture."""


class SceneClassifier(Protocol):
    """Tell how far clockwise a photograph is turned, by what it shows besides text."""

    def __call__(self, image: Image, /) -> Floats:
        """Return probabilities (4,) of the four turns of a picture (H, W, 3)."""


class Detector(Protocol):
    """Find the lines of text in an upright picture."""

    def __call__(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        """Return quads (M, 4, 2) in the pixels of the picture (H, W, 3), and scores (M,).

        Args:
            image: uint8 RGB.
            min_side: Pixels along the long side at which the picture is looked at least, where it has as many.
        """


class Recognizer(Protocol):
    """Read cropped lines."""

    def __call__(self, crops: Sequence[Image], /) -> list[Reading]:
        """Return one reading for each crop (H, W, 3), in their order; crops of one call are of one page."""


class Spotter(Protocol):
    """Find and read the lines of a picture with one system; it also does each by itself, where it is asked again."""

    def __call__(self, image: Image, /) -> Spotted:
        """Return the lines of an upright picture (H, W, 3)."""

    def find(self, image: Image, /, *, min_side: int = 0) -> tuple[Quads, Scores]:
        """Do what a `Detector` does."""

    def read(self, crops: Sequence[Image], /) -> list[Reading]:
        """Do what a `Recognizer` does."""
