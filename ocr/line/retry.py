"""Read lines of low score again, stretched: narrow and condensed letters get too few steps of a CTC network.

Which lines those are, the network itself tells best: by its score. The surer of the two readings stands, unless it has
lost characters.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from common.arrays import Image
from common.roles import Reading, Recognizer
from ocr.settings import Retry, Settings
from ocr.sheet import Models, Sheet


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Read the lines of low score again; the step of the chain."""
    open_ = [i for i in range(len(sheet.readings)) if i not in sheet.voted]
    crops = [sheet.crops[i] for i in open_]
    again = retry(models.recognizer, crops, [sheet.readings[i] for i in open_], settings.retry)
    readings = list(sheet.readings)
    for i, reading in zip(open_, again, strict=True):
        readings[i] = reading
    return sheet.having(readings=tuple(readings))


def retry(
    recognize: Recognizer, crops: Sequence[Image], readings: Sequence[Reading], settings: Retry
) -> list[Reading]:
    """Read crops of low score again, stretched, where their letters are narrow.

    Args:
        recognize: reads crops.
        crops: (H, W, 3) uint8 RGB each.
        readings: of these crops.
        settings: of this step.

    Returns:
        The better of its readings for each crop.
    """
    result = list(readings)
    unsure = [
        i
        for i, (crop, reading) in enumerate(zip(crops, readings, strict=True))
        if settings.min_score <= reading.score < settings.below_score
        and _is_narrow(crop, reading.text, settings)
    ]
    if unsure:
        again = recognize([stretched(crops[i], settings.stretch) for i in unsure])
        for i, reading in zip(unsure, again, strict=True):
            if _is_better(reading, result[i], settings):
                result[i] = reading
    return result


def _is_narrow(crop: Image, text: str, settings: Retry) -> bool:
    height, width = crop.shape[:2]
    return bool(width < settings.max_pitch * height * len(text))


def _is_better(second: Reading, first: Reading, settings: Retry) -> bool:
    """Whether the second reading should stand: it is surer, or has seen much that the first has not."""
    if _saw_more(second, first, settings):
        return True
    return second.score > first.score and not _saw_more(first, second, settings)


def _saw_more(one: Reading, other: Reading, settings: Retry) -> bool:
    more = len(one.text) - len(other.text)
    needed = max(settings.lost_characters, settings.lost_share * len(other.text))
    return one.score >= settings.trusted_score and more >= needed


def stretched(crop: Image, factor: float) -> Image:
    """Stretch a crop along the line; places in fractions of its width remain what they are."""
    height, width = crop.shape[:2]
    size = max(1, round(width * factor)), height
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR), np.uint8)
