"""Hold what the steps of reading know of a page, and the models that they ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Image, Quads, Scores
from common.roles import Classifier, Detector, Reading, Recognizer, SceneClassifier, Spotter
from ocr.page.grids import Grid
from ocr.page.seal_shapes import Seal
from ocr.result import Angle
from ocr.settings import Settings
from recognition.confidence import Confidence

Affine = NDArray[np.float64]
"""(2, 3), from a place (x, y, 1) on one picture to that on another."""

IDENTITY: Affine = np.eye(2, 3)

LanguageModel = Callable[[str], float]
"""Natural log-probability of a text."""


class Models(NamedTuple):
    """What the steps ask; a missing one is not asked.

    Attributes:
        detector: Finds lines.
        recognizer: Reads them.
        classifier: Tells how the page is turned.
        scene: Has a say in that where text leaves a doubt.
        language: Has a say in how a word by itself is read.
        confidence: Tells how likely a text is right, by the scores of its characters.
        spotter: Finds and reads lines at once; detector and recognizer are then parts of it.
    """

    detector: Detector
    recognizer: Recognizer
    classifier: Classifier | None = None
    scene: SceneClassifier | None = None
    language: LanguageModel | None = None
    confidence: Confidence | None = None
    spotter: Spotter | None = None


@dataclass(frozen=True)
class Sheet:
    """The state of a page between two steps. Each step returns a new one.

    Attributes:
        image: (H, W, 3) uint8 RGB, as the steps so far have turned it.
        single_line: The picture is one cropped line.
        angle: How far clockwise the page was turned as shown.
        upright: (height, width) of the page turned upright, before it was deskewed; None where it is that of `image`.
        to_upright: From places on `image` to those on that.
        detected: Whether lines have been searched for.
        quads: (M, 4, 2) the lines, in pixels of `image`.
        scores: (M,) the detector's.
        unframed: `image` without the frames around values, from which lines are cut out; None where it has none.
        crops: The M lines cut out, while they are being read; else none.
        readings: One for each line once they are read; else none.
        voted: Lines whose reading was decided by a vote of many views.
        grids: Tables, in pixels of `image`.
        seals: Those that were taken off the picture, in pixels of the page turned upright.
    """

    image: Image
    single_line: bool = False
    angle: Angle = Angle(0, 1.0)
    upright: tuple[int, int] | None = None
    to_upright: Affine = field(default_factory=IDENTITY.copy)
    detected: bool = False
    quads: Quads = field(default_factory=lambda: np.zeros((0, 4, 2), np.float32))
    scores: Scores = field(default_factory=lambda: np.zeros(0, np.float32))
    unframed: Image | None = None
    crops: tuple[Image, ...] = ()
    readings: tuple[Reading, ...] = ()
    voted: frozenset[int] = frozenset()
    grids: tuple[Grid, ...] = ()
    seals: tuple[Seal, ...] = ()

    def having(self, **changes: Any) -> Sheet:  # noqa: ANN401
        """Return the sheet with other values of some attributes."""
        return replace(self, **changes)

    def picked(self, indices: Any) -> Sheet:  # noqa: ANN401
        """Return the sheet with those lines alone, in that order."""
        return self.having(
            quads=self.quads[np.asarray(indices, np.intp)],
            scores=self.scores[np.asarray(indices, np.intp)],
            crops=tuple(self.crops[i] for i in indices) if self.crops else (),
            readings=tuple(self.readings[i] for i in indices) if self.readings else (),
            voted=frozenset(),
        )

    def margin(self, settings: Settings) -> float:
        """Return the share of a line's short side by which it is grown before it is cut out."""
        return 0.0 if self.single_line else settings.crop.margin

    def upright_size(self) -> tuple[int, int]:
        """Return (height, width) of the page turned upright, not deskewed."""
        return self.upright or (self.image.shape[0], self.image.shape[1])

    def lines(self) -> Iterator[tuple[Reading, NDArray[np.float32]]]:
        """Yield the reading and the quad (4, 2) of each line."""
        return zip(self.readings, self.quads, strict=True)


def joined(sheets: list[Sheet], page: Sheet) -> Sheet:
    """Return a page with the lines of its parts, one after the other."""
    return page.having(
        quads=np.concatenate([page.quads[:0], *(sheet.quads for sheet in sheets)]),
        scores=np.concatenate([page.scores[:0], *(sheet.scores for sheet in sheets)]),
        readings=tuple(reading for sheet in sheets for reading in sheet.readings),
        crops=(),
        voted=frozenset(),
    )
