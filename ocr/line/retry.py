"""Lines that are read without confidence are read again, wider; the surer reading that lost nothing stands.

Narrow and condensed letters get too few steps of a CTC network, and words that were cut out upright may slant. Which
lines those are, the network itself tells best: by its score. A word by itself is looked at from many sides, and the
readings vote.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import cv2
import numpy as np

from common.arrays import Image
from common.characters import WIDE_FROM
from common.roles import Reading, Recognizer

UNSURE = 0.95
"""Score below which a line is looked at again."""

HOPELESS = 0.3
"""Score below which there is no text, or none that a second look would make out."""

ROOMY = 0.7
"""Heights of a crop for each character from which these have steps enough: Chinese ones, and letters set wide."""

STRETCH = 1.25
"""How much wider the second look is."""

TILTS = (0.0, -8.0, 8.0, -16.0, 16.0, -24.0, 24.0)
"""Degrees by which a short crop is turned, where its words may slant."""

STRETCHES = (1.0, 1.35, 1.8, 2.4)
"""How much wider it is made besides."""

_EVERY = [(degrees, by) for degrees in TILTS for by in STRETCHES]

CLOSER, CLOSE = 0.12, [(degrees, by) for degrees in TILTS[:3] for by in STRETCHES[:3]]
"""Share of the height left out above and below, where other lines reach in, and the views that are looked at so."""

LEANS = (-0.5, -0.25, 0.25, 0.5)
"""Columns by which letters are set upright for each row, where they lean but their line does not."""

SURELY, LONGER = 4.0, 0.5
"""Powers of a reading's score and of its length in its vote: what a bad view loses is letters."""

TALL = 1.1
"""Heights of a crop in its widths from which a word by itself may run up or down in it."""

LANGUAGE, LETTER = 0.1, 0.4
"""Weight of a word's log-probability among the votes, and what each letter makes up for of what it costs there."""

NARROW, WIDE, SPREAD = 0.58, 0.88, 0.4
"""Heights of a crop that a letter and a Chinese character take along it, and the deviation of their logarithms: of
800 and 625 words as `train.synth.line.render` renders scenes. Two letters do not fill what holds twelve."""

SHORT = 8.0
"""Heights of width up to which a crop is short: in a longer one a slant leaves the letters no height."""

LOST, LOST_SHARE = 4, 0.25
"""Characters, and their share of those it has, that a reading lacks if it has lost some: dots, most often."""

LIKELY = 0.7
"""Score from which the longer reading is believed, though the shorter one be surer: what is lost has no score."""


Likely: TypeAlias = Callable[[str], float]


def read(
    recognize: Recognizer,
    crops: Sequence[Image],
    *,
    slanted: bool = False,
    likely: Likely | None = None,
    tall: Sequence[bool] = (),
) -> list[Reading]:
    """Read crops, (H, W, 3) uint8 RGB each, those of low score again where that may help; one reading for each.

    Args:
        recognize: reads crops.
        crops: of lines.
        slanted: they are words by themselves, which may lie aslant in them.
        likely: natural log-probability of a text; it has a say among the readings of a word.
        tall: which crops were turned on their side: words in these may as well stand on their head. None by default.
    """
    readings: list[Reading] = list(recognize(crops)) if crops else []
    unsure = []
    for i, (crop, reading) in enumerate(zip(crops, readings, strict=True)):
        if reading.score >= UNSURE:
            continue
        if slanted and 0 < crop.shape[1] < SHORT * crop.shape[0]:
            turned = _turned(crop, tall=bool(tall) and tall[i])
            others = [r.without_places() for r in recognize(turned)] if turned else []
            length = crop.shape[1] / crop.shape[0]
            # Words that run up or down have the crop's height for their length, but for those turned already.
            across = length if tall and tall[i] else 1 / length
            upright = [reading, *recognize(_views(crop))]
            lengths = [length] * len(upright) + [across] * len(others)
            readings[i] = _voted([*upright, *others], lengths, likely)
        elif reading.score >= HOPELESS and _is_narrow(crop, reading.text):
            unsure.append(i)
    if unsure:
        again = recognize([wider(crops[i]) for i in unsure])
        for i, reading in zip(unsure, again, strict=True):
            if _is_better(reading, readings[i]):
                readings[i] = reading
    return readings


def _is_narrow(crop: Image, text: str) -> bool:
    height, width = crop.shape[:2]
    return bool(width < ROOMY * height * len(text))


def _views(crop: Image) -> list[Image]:
    """Tilt and stretch a crop in every way but the one in which it has been read, look closer and set it upright."""
    edge = int(CLOSER * crop.shape[0])
    close = crop[edge : crop.shape[0] - edge]
    return [
        *_every_view(crop)[1:],
        *(_view(close, degrees, by) for degrees, by in (CLOSE if edge else ())),
        *(_upright(crop, lean) for lean in LEANS),
    ]


def _turned(crop: Image, *, tall: bool) -> list[Image]:
    """Views of a crop in which a word runs up or down; a tall one has been turned for words that run down."""
    if tall:
        return _every_view(np.ascontiguousarray(np.rot90(crop, 2)))
    if crop.shape[0] < TALL * crop.shape[1]:
        return []
    return [view for k in (1, -1) for view in _every_view(np.ascontiguousarray(np.rot90(crop, k)))]


def _every_view(crop: Image) -> list[Image]:
    return [_view(crop, degrees, by) for degrees, by in _EVERY]


def _view(crop: Image, degrees: float, by: float) -> Image:
    turned = tilted(crop, degrees) if degrees else crop
    return wider(turned, by) if by != 1 else turned


def _upright(crop: Image, lean: float) -> Image:
    """Shear a crop by so many columns a row about its middle row."""
    height, width = crop.shape[:2]
    matrix = np.array([[1, lean, -lean * height / 2], [0, 1, 0]], np.float32)
    sheared = cv2.warpAffine(crop, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sheared, np.uint8)


def _voted(
    readings: Sequence[Reading], lengths: Sequence[float], likely: Likely | None = None
) -> Reading:
    """Return the surest of the readings that win the vote; what differs in case and marks alone votes together.

    Args:
        readings: of one crop.
        lengths: of the crop along each, in its heights across.
        likely: see `read`.
    """
    votes: dict[str, float] = {}
    for reading, length in zip(readings, lengths, strict=True):
        key = _letters(reading.text)
        vote = reading.score**SURELY * len(key) ** LONGER * _fills(key, length)
        votes[key] = votes.get(key, 0.0) + vote

    def worth(key: str) -> float:
        said = LANGUAGE * likely(key) + LETTER * len(key) if likely and key else 0.0
        return votes[key] * math.exp(said)

    best = max(votes, key=worth)
    if not best:  # no letters in any: the surest marks
        return max(readings, key=lambda reading: reading.score)
    return max(
        (reading for reading in readings if _letters(reading.text) == best),
        key=lambda reading: reading.score,
    )


def _fills(letters: str, length: float) -> float:
    """What a vote counts for letters that leave much of a length in heights empty; 1 for those that fill it."""
    usual = sum(WIDE if letter >= WIDE_FROM else NARROW for letter in letters)
    if not 0 < usual < length:
        return 1.0
    return math.exp(-0.5 * (math.log(length / usual) / SPREAD) ** 2)


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum()).casefold()


def _is_better(second: Reading, first: Reading) -> bool:
    """Whether the second reading should stand: it is surer, or has seen much that the first has not."""
    if _saw_more(second, first):
        return True
    return second.score > first.score and not _saw_more(first, second)


def _saw_more(one: Reading, other: Reading) -> bool:
    more = len(one.text) - len(other.text)
    return one.score >= LIKELY and more >= max(LOST, LOST_SHARE * len(other.text))


def wider(crop: Image, by: float = STRETCH) -> Image:
    """Stretch a crop; places in fractions of its width remain what they are."""
    height, width = crop.shape[:2]
    size = max(1, round(width * by)), height
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def tilted(crop: Image, degrees: float) -> Image:
    """Turn a crop counter-clockwise about its middle; of its height stays what a slanted line in it would have."""
    height, width = crop.shape[:2]
    sine, cosine = abs(math.sin(math.radians(degrees))), math.cos(math.radians(degrees))
    line = min(height, 1.15 * max(0.45 * height, (height - width * sine) / cosine))
    size = max(8, round(min(width / cosine, width * cosine + height * sine))), max(8, round(line))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return np.asarray(cv2.warpAffine(crop, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
