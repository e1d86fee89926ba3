"""Read a single word of low score in many views, tilted, stretched and sheared, whose readings vote.

Words that were cut out upright may slant, and run up or down. Only `single_line` asks for this: a page's lines are read
once, and again stretched (see `ocr.line.retry`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from common.arrays import Image
from common.characters import is_wide
from common.roles import Reading, Recognizer
from ocr.line.characters import reads_vertically
from ocr.line.retry import stretched
from ocr.settings import Settings, Vote
from ocr.sheet import LanguageModel, Models, Sheet


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Replace words of low score by the vote of many views; the step of the chain."""
    if not sheet.single_line:
        return sheet
    readings, voted = list(sheet.readings), set()
    for i, (crop, quad) in enumerate(zip(sheet.crops, sheet.quads, strict=True)):
        tall = reads_vertically(quad, sheet.margin(settings))
        if tall and any(map(is_wide, readings[i].text)):
            continue  # a column of Chinese: `ocr.line.vertical` reads it once more, its characters upright
        if is_doubtful_word(crop, readings[i], settings.vote):
            readings[i] = by_vote(
                models.recognizer, crop, readings[i], settings.vote, models.language, tall=tall
            )
            voted.add(i)
    return sheet.having(readings=tuple(readings), voted=frozenset(voted))


def is_doubtful_word(crop: Image, reading: Reading, settings: Vote) -> bool:
    """Whether a crop is short enough to be tilted, and was read with a low score."""
    height, width = crop.shape[:2]
    return reading.score < settings.below_score and 0 < width < settings.max_aspect * height


def by_vote(
    recognize: Recognizer,
    crop: Image,
    reading: Reading,
    settings: Vote,
    language: LanguageModel | None = None,
    *,
    tall: bool = False,
) -> Reading:
    """Read a word in many views and return the surest of the readings that win the vote.

    Args:
        recognize: reads crops.
        crop: (H, W, 3) uint8 RGB.
        reading: of the crop as it is, which votes too.
        settings: of this step.
        language: natural log-probability of a text.
        tall: the crop was turned on its side: the word in it may as well stand on its head.
    """
    turned = _turned(crop, settings, tall=tall)
    others = [r.without_places() for r in recognize(turned)] if turned else []
    length = crop.shape[1] / crop.shape[0]
    # Words that run up or down have the crop's height for their length, but for those turned already.
    across = length if tall else 1 / length
    upright = [reading, *recognize(_views(crop, settings))]
    lengths = [length] * len(upright) + [across] * len(others)
    return _voted([*upright, *others], lengths, settings, language)


def _views(crop: Image, settings: Vote) -> list[Image]:
    """Tilt and stretch a crop in every way but the one in which it has been read, trim it and shear it."""
    edge = int(settings.trim * crop.shape[0])
    close = crop[edge : crop.shape[0] - edge]
    tilts = settings.tilts[: settings.trimmed_tilts]
    stretches = settings.stretches[: settings.trimmed_stretches]
    return [
        *_every_view(crop, settings)[1:],
        *(_view(close, d, by, settings) for d in tilts for by in stretches if edge),
        *(_sheared(crop, lean) for lean in settings.shears),
    ]


def _turned(crop: Image, settings: Vote, *, tall: bool) -> list[Image]:
    """Views of a crop in which a word runs up or down; a tall one has been turned for words that run down."""
    if tall:
        return _every_view(np.ascontiguousarray(np.rot90(crop, 2)), settings)
    if crop.shape[0] < settings.tall_ratio * crop.shape[1]:
        return []
    quarters = (np.ascontiguousarray(np.rot90(crop, k)) for k in (1, -1))
    return [view for quarter in quarters for view in _every_view(quarter, settings)]


def _every_view(crop: Image, settings: Vote) -> list[Image]:
    return [_view(crop, d, by, settings) for d in settings.tilts for by in settings.stretches]


def _view(crop: Image, degrees: float, factor: float, settings: Vote) -> Image:
    turned = tilted(crop, degrees, settings) if degrees else crop
    return stretched(turned, factor) if factor != 1 else turned


def _sheared(crop: Image, lean: float) -> Image:
    """Shear a crop by so many columns a row about its middle row."""
    height, width = crop.shape[:2]
    matrix = np.array([[1, lean, -lean * height / 2], [0, 1, 0]], np.float32)
    sheared = cv2.warpAffine(crop, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sheared, np.uint8)


def _voted(
    readings: Sequence[Reading],
    lengths: Sequence[float],
    settings: Vote,
    language: LanguageModel | None = None,
) -> Reading:
    """Return the surest of the readings that win the vote; what differs in case and marks alone votes together.

    Args:
        readings: of one crop.
        lengths: of the crop along each, in its heights across.
        settings: of this step.
        language: see `by_vote`.
    """
    votes: dict[str, float] = {}
    for reading, length in zip(readings, lengths, strict=True):
        key = _letters(reading.text)
        vote = reading.score**settings.score_power * len(key) ** settings.length_power
        votes[key] = votes.get(key, 0.0) + vote * _fill(key, length, settings)

    def evidence(key: str) -> float:
        if not language or not key:
            return votes[key]
        said = settings.language_weight * language(key) + settings.letter_bonus * len(key)
        return votes[key] * math.exp(said)

    best = max(votes, key=evidence)
    if not best:  # no letters in any: the surest marks
        return max(readings, key=lambda reading: reading.score)
    return max(
        (reading for reading in readings if _letters(reading.text) == best),
        key=lambda reading: reading.score,
    )


def _fill(letters: str, length: float, settings: Vote) -> float:
    """What a vote counts for letters that leave much of a length in heights empty; 1 for those that fill it."""
    widths = settings.wide_width, settings.latin_width
    usual = sum(widths[0] if is_wide(letter) else widths[1] for letter in letters)
    if not 0 < usual < length:
        return 1.0
    return math.exp(-0.5 * (math.log(length / usual) / settings.width_deviation) ** 2)


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum()).casefold()


def tilted(crop: Image, degrees: float, settings: Vote) -> Image:
    """Rotate a crop counter-clockwise about its middle; of its height stays what a slanted line in it would have."""
    height, width = crop.shape[:2]
    sine, cosine = abs(math.sin(math.radians(degrees))), math.cos(math.radians(degrees))
    slanted = max(settings.min_tilted_height * height, (height - width * sine) / cosine)
    line = min(height, settings.tilted_margin * slanted)
    size = max(8, round(min(width / cosine, width * cosine + height * sine))), max(8, round(line))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return np.asarray(cv2.warpAffine(crop, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
