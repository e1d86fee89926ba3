"""Turn a page upright: by patches of it; in doubt by its lines, by reading a few of them, and by the scene.

Lines are found on the page as it is and on its side, and classified along their length. What is in doubt after that
are photographs with a few blurred words; there, what else they show has a say.
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
from ocr.settings import Orientation, Settings
from ocr.sheet import Models, Sheet

_TURNED = frozenset("0OoQ8HINSXZxzslI1|69-+=:. unpdbqWM一二三中田口日回目王工十")
"""Characters that turned by 180 degrees are the same or another one, to look at."""


class ResolvedPage(NamedTuple):
    """A page turned upright, and its lines."""

    angle: Angle
    """Its score is the chance that it is right; below `Orientation.min_score` the page is left as it is."""
    upright: Image
    quads: Quads
    scores: Scores


class _FoundLines(NamedTuple):
    turned: Image
    quads: Quads
    scores: Scores


def classify(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Turn the page as the classifier says by patches of it, however sure it is."""
    if sheet.single_line or models.classifier is None:
        return sheet
    angle = Angle(*models.classifier(sheet.image))
    return sheet.having(image=rotate_ccw(sheet.image, angle.degrees), angle=angle)


def resolve(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Tell a doubtful turn by the page's lines; they are kept, as they need not be searched for again."""
    guess, own = sheet.angle, settings.orientation
    needed = own.accept_turned_score if guess.degrees else own.accept_upright_score
    if sheet.single_line or models.classifier is None or guess.score >= needed:
        return sheet
    shown = rotate_ccw(sheet.image, -guess.degrees % 360)
    found = resolve_orientation(
        shown, guess, models.classifier, models.detector, models.recognizer, own, models.scene
    )
    return sheet.having(
        image=found.upright,
        angle=found.angle,
        quads=found.quads,
        scores=found.scores,
        detected=True,
    )


def resolve_orientation(
    image: Image,
    guess: Angle,
    classifier: Classifier,
    detect: Detector,
    read: Recognizer,
    settings: Orientation,
    scene: SceneClassifier | None = None,
) -> ResolvedPage:
    """Find how far a page is turned by the lines on it.

    Args:
        image: as shown.
        guess: what the classifier makes of patches of the page.
        classifier: tells from lines that were found on a picture.
        detect: finds the lines of a picture.
        read: reads crops.
        settings: of this step.
        scene: the word, (4,) probabilities, of what a picture shows besides text, if it is asked.
    """
    first = _prior_votes(guess, settings)
    found = {0: _find(image, 0, detect, settings)}
    said = {0: _classify(found[0], classifier, settings)}
    votes = first + said[0]
    if not _are_rows(votes, found[0], settings):
        found[90] = _find(image, 90, detect, settings)
        if not any(len(lines.quads) for lines in found.values()):
            return _upright(image, guess, found, detect, settings)
        said[90] = _classify(found[90], classifier, settings)
        votes = first + _votes(found, said, read, first, settings)
    if softmax(votes).max() < settings.accept_score:
        seen = None if scene is None else np.maximum(scene(image), settings.scene_floor)
        both = _with_scene(votes, seen, settings)
        if softmax(both).max() < settings.min_score:
            # It would be left open. On its head, other lines are found: two opinions err less than one.
            others = {axis: _find(image, axis, detect, settings) for axis in (180, 270)}
            said = {axis: _classify(lines, classifier, settings) for axis, lines in others.items()}
            votes = (votes + first + _votes(others, said, read, first, settings)) / 2
            found |= others
            both = (
                votes
                if softmax(votes).max() >= settings.accept_score
                else _with_scene(votes, seen, settings)
            )
        votes = both
    chances = softmax(votes)
    best = int(chances.argmax())
    score = float(chances[best])
    needed = settings.min_score
    lines = found.get(90 * best) or found[90 * (best % 2)]
    doubtful = best and needed <= score < settings.min_short_score
    if doubtful and (_is_short(lines, settings) or _reads_both_ways(lines, read, settings)):
        needed = settings.min_short_score
    angle = Angle(90 * best if score >= needed else 0, score)
    return _upright(image, angle, found, detect, settings)


def _is_short(lines: _FoundLines, settings: Orientation) -> bool:
    """Whether there are one or two short strings alone: 79 and 6L, 99 and 66 are equally good text."""
    if not 0 < len(lines.quads) <= settings.short_lines:
        return False
    sides = _sides(lines.quads)
    lengths = sides[:, :2].max(axis=1) / np.maximum(sides[:, :2].min(axis=1), 1e-6)
    return bool(lengths.sum() <= settings.short_length)


def _reads_both_ways(lines: _FoundLines, read: Recognizer, settings: Orientation) -> bool:
    """Whether there are one or two strings alone, of characters that are others or the same on their head: SN 0O8."""
    if not 0 < len(lines.quads) <= settings.short_lines:
        return False
    text = "".join(each.text for each in read([crop(lines.turned, quad) for quad in lines.quads]))
    return bool(text.strip()) and _TURNED.issuperset(text)


def _find(image: Image, degrees: int, detect: Detector, settings: Orientation) -> _FoundLines:
    """Find lines on a picture turned back by some degrees."""
    turned = rotate_ccw(image, degrees)
    return _FoundLines(turned, *detect(turned, min_side=settings.min_side))


def _upright(
    image: Image,
    angle: Angle,
    found: dict[int, _FoundLines],
    detect: Detector,
    settings: Orientation,
) -> ResolvedPage:
    """Turn a picture back and give its lines as a detector finds them on it, not on its side or its head."""
    return ResolvedPage(
        angle, *(found.get(angle.degrees) or _find(image, angle.degrees, detect, settings))
    )


def _with_scene(
    votes: NDArray[np.float64], seen: Floats | None, settings: Orientation
) -> NDArray[np.float64]:
    """Add what the scene says to what the text says, if it was asked."""
    return (
        votes
        if seen is None
        else np.asarray(settings.text_weight * votes + np.log(seen), np.float64)
    )


def _prior_votes(guess: Angle, settings: Orientation) -> NDArray[np.float64]:
    """Return what the guess from patches speaks for each turn (4,), in nats."""
    votes = np.zeros(4)
    if guess.score >= settings.min_prior_score:
        votes[guess.degrees // 90] = settings.prior_weight * np.log(
            3 * guess.score / max(1 - guess.score, 1e-3)
        )
    return votes


def _are_rows(votes: NDArray[np.float64], lines: _FoundLines, settings: Orientation) -> bool:
    """Whether lines found on the page as it is are surely rows of it: then it need not be searched on its side."""
    turn = int(votes.argmax())
    needed = settings.accept_turned_score if turn else settings.accept_upright_score
    return bool(len(lines.quads)) and turn % 2 == 0 and bool(softmax(votes)[turn] >= needed)


def _classify(
    lines: _FoundLines, classifier: Classifier, settings: Orientation
) -> NDArray[np.float64]:
    """Return what the classifier says along the largest lines for each turn (4,) of their picture, in nats."""
    quads = lines.quads[_largest(lines, settings)]
    chances = np.maximum(classifier.classify_lines(lines.turned, quads), 1e-9)
    return np.asarray(np.log(chances), np.float64)


def _votes(
    found: dict[int, _FoundLines],
    said: dict[int, NDArray[np.float64]],
    read: Recognizer,
    first: NDArray[np.float64],
    settings: Orientation,
) -> NDArray[np.float64]:
    """What lines speak for each turn, in nats; they are read only if what was said and known before leaves a doubt."""
    # In a picture turned back by 90, 0 means 90.
    votes = np.asarray(sum(np.roll(said[axis], axis // 90) for axis in found), np.float64)
    if softmax(first + votes).max() < settings.accept_score:
        for axis, lines in found.items():
            ahead, back = _legible(lines, read, settings)
            votes[axis // 90] += settings.reading_weight * ahead
            votes[(axis // 90 + 2) % 4] += settings.reading_weight * back
    return votes


def _largest(lines: _FoundLines, settings: Orientation) -> NDArray[np.intp]:
    """Number the lines with the most to see: long and large, and surely text."""
    sides = _sides(lines.quads)
    return np.argsort(-sides[:, 0] * sides[:, 1] * lines.scores, kind="stable")[: settings.lines]


def _sides(quads: Quads) -> Floats:
    """Lengths (M, 4) of the sides: top, right, bottom, left."""
    return np.asarray(np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2), np.float32)


def _legible(lines: _FoundLines, read: Recognizer, settings: Orientation) -> tuple[float, float]:
    """Read lines as they stand and turned by 180, and tell how well each goes.

    Tall boxes have no say: `crop` turns them, so lines that lie on their side would read as well as upright ones.
    """
    sides = _sides(lines.quads)
    wide = sides[:, 1] < settings.row_ratio * sides[:, 0]
    rows = _FoundLines(lines.turned, lines.quads[wide], lines.scores[wide])
    crops = [crop(lines.turned, rows.quads[i]) for i in _largest(rows, settings)]
    if not crops:
        return 0.0, 0.0
    both = [*crops, *(np.ascontiguousarray(np.rot90(c, 2)) for c in crops)]
    evidence = [_evidence(c, r, settings) for c, r in zip(both, read(both), strict=True)]
    return sum(evidence[: len(crops)]), sum(evidence[len(crops) :])


def _evidence(picture: Image, reading: Reading, settings: Orientation) -> float:
    """Return how much a reading speaks for its direction: its sureness, times the number of its characters.

    No more characters count than the crop has room for: nonsense can be long.
    """
    count = sum(character.isalnum() for character in reading.text)
    if count < settings.min_characters:
        return 0.0  # a single character scores as high the wrong way up: 0, 8, H, I, 一, 中
    heights = picture.shape[1] / max(picture.shape[0], 1)
    return float(
        min(count, settings.characters_per_height * heights)
        * max(0.0, reading.score - settings.reading_floor)
    )
