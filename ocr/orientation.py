"""How a page is turned when its strokes do not tell: find lines both ways, read a few, keep what reads best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from common.arrays import Image, Quads, Scores
from common.image import rotate_ccw
from common.quads import crop, rotate_quads
from ocr.result import Angle

SURE = 0.95
"""Scores of the classifier from which its word is taken without reading."""

LINES = 6
"""Lines read for each axis, the largest ones; more would cost time and hardly change the outcome."""

_DOUBT = 0.6
"""A mean character probability that says nothing: text upside down often reaches it."""

_TRUSTED = 0.6
"""Score of the classifier from which its guess has a say, worth `_GUESS` times the score."""

_GUESS = 0.2
"""About half a word that is read surely: enough to decide where hardly anything can be read."""


class _Reading(Protocol):
    @property
    def text(self) -> str: ...

    @property
    def score(self) -> float: ...


class Settled(NamedTuple):
    """A page turned upright, and its lines."""

    angle: Angle
    """Its score is the winner's share against the second best."""
    upright: Image
    quads: Quads
    scores: Scores


def settle(
    image: Image,
    guess: Angle,
    detect: Callable[[Image], tuple[Quads, Scores]],
    read: Callable[[Sequence[Image]], Sequence[_Reading]],
) -> Settled:
    """Find how far a page is turned by reading it.

    Args:
        image: as shown.
        guess: the classifier's word: half a word's worth against what is read.
        detect: finds the lines of a picture.
        read: reads crops.
    """
    evidence: dict[int, float] = {}
    found: dict[int, tuple[Image, Quads, Scores]] = {}
    for axis in (0, 90):
        turned = rotate_ccw(image, axis)
        quads, scores = detect(turned)
        found[axis] = turned, quads, scores
        crops = _largest(turned, quads, scores)
        both = [*crops, *(np.ascontiguousarray(np.rot90(c, 2)) for c in crops)]
        worth = [_worth(c, r) for c, r in zip(both, read(both) if both else [], strict=True)]
        evidence[axis] = sum(worth[: len(crops)])
        evidence[axis + 180] = sum(worth[len(crops) :])
    angle = _decide(evidence, guess)
    turned, quads, scores = found[angle.degrees % 180]
    if angle.degrees >= 180:
        quads = rotate_quads(quads, 180, (turned.shape[0], turned.shape[1]))
        turned, quads = rotate_ccw(turned, 180), np.roll(quads, 2, axis=1)
    return Settled(angle, turned, quads, scores)


def _decide(evidence: dict[int, float], guess: Angle) -> Angle:
    """Choose the angle for which most speaks; where nothing was read, the guess stands."""
    if not any(evidence.values()):
        return guess
    if guess.score >= _TRUSTED:
        evidence = evidence | {guess.degrees: evidence[guess.degrees] + _GUESS * guess.score}
    second, best = sorted(evidence.values())[-2:]
    degrees = max(evidence, key=lambda angle: evidence[angle])
    return Angle(degrees, best / (best + second))


def _largest(image: Image, quads: Quads, scores: Scores) -> list[Image]:
    """Cut out the lines with the most to read: long and large, and surely text.

    Tall boxes have no say: `crop` turns them, so lines that lie on their side would read as well as upright ones.
    """
    sides = np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2)  # (M, 4)
    worth = np.where(sides[:, 1] < 1.2 * sides[:, 0], sides[:, 0] * sides[:, 1] * scores, 0.0)
    order = np.argsort(-worth, kind="stable")[:LINES]
    return [crop(image, quads[i]) for i in order if worth[i] > 0]


def _worth(picture: Image, reading: _Reading) -> float:
    """Return how much a reading speaks for its direction: its sureness, times the number of its characters.

    No more characters count than the crop has room for, two for each of its heights: nonsense can be long.
    """
    count = sum(character.isalnum() for character in reading.text)
    if count < 2:
        return 0.0  # a lone sign is as sure the wrong way up: 0, 8, H, I, 一, 中
    heights = picture.shape[1] / max(picture.shape[0], 1)
    return float(min(count, 2 * heights) * max(0.0, reading.score - _DOUBT))
