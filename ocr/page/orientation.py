"""How a page is turned when its pieces do not tell: find lines both ways, look along them, read a few if need be.

What is in doubt after that are photographs with a few blurred words; there, what else they show has a say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image, Quads, Scores
from common.image import rotate_ccw
from common.quads import crop
from common.roles import Classifier, Detector, Reading, Recognizer, SceneClassifier
from common.softmax import softmax
from ocr.result import Angle

SURE = 0.98
"""Chance from which a turn is taken without looking further: first the pieces' word, then the lines'."""

TURNED = 0.999
"""The same for the pieces' word that a page is turned: few are, and dense columns look like rows on their side."""

KNOWN = 0.6
"""Chance below which a page is left as it is: a turn must be likelier by half than the other three together."""

MIN_SIDE = 800
"""Pixels along the long side at which a picture is looked at least: on its side or head, more lines are found so."""

LINES = 6
"""Lines looked along and read for each axis, the largest ones; more would cost time and hardly change the outcome."""

_DOUBT = 0.6
"""A mean character probability that says nothing: text upside down often reaches it."""

_READING = 3.0
"""Nats by which one character that is read with certainty, above `_DOUBT`, speaks for its direction."""

_TRUSTED = 0.6
"""Score from which the pieces' word counts; below, a classifier may have left the page as it is."""

_CAREFUL = 0.5
"""Weight of what the text says beside the scene: its votes are of a few blurred words, and err together."""

_SCENE_FLOOR = 0.06
"""Chance that the scene leaves to each turn: it was learned from few photographs, and a sign fills some pictures."""

_GUESS = 0.5
"""Weight of the pieces' word among the lines': they show much the same text."""


class ResolvedPage(NamedTuple):
    """A page turned upright, and its lines."""

    angle: Angle
    """Its score is the chance that it is right; below `KNOWN` the page is left as it is."""
    upright: Image
    quads: Quads
    scores: Scores


class _Found(NamedTuple):
    turned: Image
    quads: Quads
    scores: Scores


def resolve_orientation(
    image: Image,
    guess: Angle,
    classifier: Classifier,
    detect: Detector,
    read: Recognizer,
    scene: SceneClassifier | None = None,
) -> ResolvedPage:
    """Find how far a page is turned by the lines on it.

    Args:
        image: as shown.
        guess: the classifier's word from pieces of the page.
        classifier: tells from lines that were found on a picture.
        detect: finds the lines of a picture.
        read: reads crops.
        scene: the word, (4,) probabilities, of what a picture shows besides text, if it is asked.
    """
    found = {axis: _find(image, axis, detect) for axis in (0, 90)}
    if not any(len(lines.quads) for lines in found.values()):
        return _upright(image, guess, found, detect)
    first = _guessed(guess)
    votes = first + _votes(found, classifier, read, first)
    if softmax(votes).max() < SURE:
        seen = None if scene is None else np.maximum(scene(image), _SCENE_FLOOR)
        both = _with_scene(votes, seen)
        if softmax(both).max() < KNOWN:
            # It would be left open. On its head, other lines are found: two opinions err less than one.
            others = {axis: _find(image, axis, detect) for axis in (180, 270)}
            votes = (votes + first + _votes(others, classifier, read, first)) / 2
            found |= others
            both = votes if softmax(votes).max() >= SURE else _with_scene(votes, seen)
        votes = both
    chances = softmax(votes)
    best = int(chances.argmax())
    score = float(chances[best])
    angle = Angle(90 * best if score >= KNOWN else 0, score)
    return _upright(image, angle, found, detect)


def _find(image: Image, degrees: int, detect: Detector) -> _Found:
    """Find lines on a picture turned back by some degrees."""
    turned = rotate_ccw(image, degrees)
    return _Found(turned, *detect(turned, min_side=MIN_SIDE))


def _upright(
    image: Image,
    angle: Angle,
    found: dict[int, _Found],
    detect: Detector,
) -> ResolvedPage:
    """Turn a picture back and give its lines as a detector finds them on it, not on its side or its head."""
    return ResolvedPage(angle, *(found.get(angle.degrees) or _find(image, angle.degrees, detect)))


def _with_scene(votes: NDArray[np.float64], seen: Floats | None) -> NDArray[np.float64]:
    """Add what the scene says to what the text says, if it was asked."""
    return votes if seen is None else np.asarray(_CAREFUL * votes + np.log(seen), np.float64)


def _guessed(guess: Angle) -> NDArray[np.float64]:
    """What a guess from pieces of the page speaks for each turn, in nats."""
    votes = np.zeros(4)
    if guess.score >= _TRUSTED:
        votes[guess.degrees // 90] = _GUESS * np.log(3 * guess.score / max(1 - guess.score, 1e-3))
    return votes


def _votes(
    found: dict[int, _Found],
    classifier: Classifier,
    read: Recognizer,
    first: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What lines speak for each turn, in nats; they are read only if that and what was known before leave a doubt."""
    votes = np.zeros(4)
    for axis, lines in found.items():
        quads = lines.quads[_largest(lines)]
        chances = np.maximum(classifier.classify_lines(lines.turned, quads), 1e-9)
        votes += np.roll(np.log(chances), axis // 90)  # in a picture turned back by 90, 0 means 90
    if softmax(first + votes).max() < SURE:
        for axis, lines in found.items():
            ahead, back = _legible(lines, read)
            votes[axis // 90] += _READING * ahead
            votes[(axis // 90 + 2) % 4] += _READING * back
    return votes


def _largest(lines: _Found) -> NDArray[np.intp]:
    """Number the lines with the most to see: long and large, and surely text."""
    sides = _sides(lines.quads)
    return np.argsort(-sides[:, 0] * sides[:, 1] * lines.scores, kind="stable")[:LINES]


def _sides(quads: Quads) -> Floats:
    """Lengths (M, 4) of the sides: top, right, bottom, left."""
    return np.asarray(np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2), np.float32)


def _legible(lines: _Found, read: Recognizer) -> tuple[float, float]:
    """Read lines as they stand and turned by 180, and tell how well each goes.

    Tall boxes have no say: `crop` turns them, so lines that lie on their side would read as well as upright ones.
    """
    sides = _sides(lines.quads)
    wide = sides[:, 1] < 1.2 * sides[:, 0]
    rows = _Found(lines.turned, lines.quads[wide], lines.scores[wide])
    crops = [crop(lines.turned, rows.quads[i]) for i in _largest(rows)]
    if not crops:
        return 0.0, 0.0
    both = [*crops, *(np.ascontiguousarray(np.rot90(c, 2)) for c in crops)]
    worth = [_worth(c, r) for c, r in zip(both, read(both), strict=True)]
    return sum(worth[: len(crops)]), sum(worth[len(crops) :])


def _worth(picture: Image, reading: Reading) -> float:
    """Return how much a reading speaks for its direction: its sureness, times the number of its characters.

    No more characters count than the crop has room for, two for each of its heights: nonsense can be long.
    """
    count = sum(character.isalnum() for character in reading.text)
    if count < 2:
        return 0.0  # a lone sign is as sure the wrong way up: 0, 8, H, I, 一, 中
    heights = picture.shape[1] / max(picture.shape[0], 1)
    return float(min(count, 2 * heights) * max(0.0, reading.score - _DOUBT))
