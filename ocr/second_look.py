"""Lines that are read without confidence are read again, wider; the surer reading that lost nothing stands.

Narrow and condensed letters get too few steps of a CTC network. Which lines those are, the network itself
tells best: by its score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import cv2
import numpy as np

from common.arrays import Image

UNSURE = 0.95
"""Score below which a line is looked at again."""

HOPELESS = 0.3
"""Score below which there is no text, or none that a second look would make out."""

STRETCH = 1.25
"""How much wider the second look is."""


LOST, LOST_SHARE = 4, 0.25
"""Characters, and their share of those it has, that a reading lacks if it has lost some: dots, most often."""

LIKELY = 0.7
"""Score from which the longer reading is believed, though the shorter one be surer: what is lost has no score."""


class _Reading(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def score(self) -> float: ...


R = TypeVar("R", bound=_Reading)


def read(recognize: Callable[[Sequence[Image]], Sequence[R]], crops: Sequence[Image]) -> list[R]:
    """Read crops, (H, W, 3) uint8 RGB each, those of low score twice; one reading for each."""
    readings = list(recognize(crops)) if crops else []
    unsure = [i for i, reading in enumerate(readings) if HOPELESS <= reading.score < UNSURE]
    if unsure:
        again = recognize([wider(crops[i]) for i in unsure])
        for i, reading in zip(unsure, again, strict=True):
            if _is_better(reading, readings[i]):
                readings[i] = reading
    return readings


def _is_better(second: _Reading, first: _Reading) -> bool:
    """Whether the second reading should stand: it is surer, or has seen much that the first has not."""
    if _saw_more(second, first):
        return True
    return second.score > first.score and not _saw_more(first, second)


def _saw_more(one: _Reading, other: _Reading) -> bool:
    more = len(one.text) - len(other.text)
    return one.score >= LIKELY and more >= max(LOST, LOST_SHARE * len(other.text))


def wider(crop: Image) -> Image:
    """Stretch a crop; places in fractions of its width remain what they are."""
    height, width = crop.shape[:2]
    size = max(1, round(width * STRETCH)), height
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR), np.uint8)
