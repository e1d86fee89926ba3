"""Take round and oval red seals off a page before its lines are read, and read them by themselves.

A seal lies over other text, whose crops its strokes spoil, and its own text runs along a ring, of which the detector
finds scraps. What a seal says comes as lines of its own at the page's end, with a low score: ring text is often
incomplete, and seals have faces that are read worse than print.
"""

from __future__ import annotations

import cv2
import numpy as np

from common.roles import Reading
from ocr.line.confidence import scored
from ocr.page.seal_shapes import Seal, find_seals, without_seals
from ocr.page.seal_texts import with_texts
from ocr.settings import Settings
from ocr.sheet import Models, Sheet, joined

_MARKS = " ,.:;'`·，。：；、‘’-—一"
"""What rests of other strokes at the ends of a ring are read as."""


def remove(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Find seals, read them and make them as light as the paper; a step of the chain.

    A ring whose text cannot be read is a badge or a picture, and stays; so does an oval with a single text, which
    may be a logo. Lines are searched for after that.
    """
    if sheet.single_line:
        return sheet
    own = settings.seals
    found = [with_texts(sheet.image, seal, own) for seal in find_seals(sheet.image, own)]
    seals = [_read(seal, models, settings) for seal in found]
    seals = [seal for seal in seals if len(seal.readings) > (seal.flatness < 1)]
    if not seals:
        return sheet
    return sheet.having(
        image=without_seals(sheet.image, seals, own), seals=tuple(seals), detected=False
    )


def _read(seal: Seal, models: Models, settings: Settings) -> Seal:
    """A seal with those of its texts that can be read."""
    own = settings.seals
    quads, readings = [], []
    found = models.recognizer(seal.texts) if seal.texts else []
    for quad, reading in zip(seal.quads, found, strict=True):
        text = reading.text.strip(_MARKS)
        if len(text) < 2 or reading.score < own.min_score:
            continue
        plain = Reading(text, reading.score)
        if models.confidence is not None:
            plain = scored(plain, models.confidence)
        quads.append(quad)
        readings.append(plain._replace(score=min(plain.score, own.max_score)))
    return seal._replace(quads=tuple(quads), readings=tuple(readings))


def add_lines(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Put the texts of the seals that were removed after the page's lines; a step of the chain."""
    readings = [reading for seal in sheet.seals for reading in seal.readings]
    if not readings:
        return sheet
    back = cv2.invertAffineTransform(sheet.to_upright)
    quads = np.array([quad for seal in sheet.seals for quad in seal.quads], np.float32)
    found = sheet.having(
        quads=np.asarray(quads @ back[:, :2].T + back[:, 2], np.float32),
        scores=np.ones(len(quads), np.float32),
        readings=tuple(readings),
        crops=(),
    )
    return joined([sheet, found], sheet)
