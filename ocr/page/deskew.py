"""Deskew a page that was photographed at an angle, and map its lines back to where they are shown.

A detector that builds lines of upright proposals finds them whole up to some ten degrees; beyond, they fall to pieces.
The skew is told by the lines where these agree, by the projection profile of the picture where they do not. The page
is rotated by that, its lines are detected again, and so on until it is straight.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from common.arrays import Floats, Image, Quads, Scores
from common.pyramid import ImagePyramid
from common.quads import weighted_median
from common.roles import Detector
from ocr.settings import Deskew, Settings
from ocr.sheet import Affine, Models, Sheet


class Deskewed(NamedTuple):
    """Hold a deskewed page and its lines."""

    image: Image
    quads: Quads
    scores: Scores
    back: Affine
    """(2, 3), from a place on it to that on the picture it was made of."""


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Deskew the page; the step of the chain."""
    if sheet.single_line:
        return sheet
    as_given = Deskewed(sheet.image, sheet.quads, sheet.scores, sheet.to_upright)
    made = deskew(as_given, models.detector, settings.deskew)
    return sheet.having(
        image=made.image,
        quads=made.quads,
        scores=made.scores,
        upright=sheet.upright_size(),
        to_upright=made.back,
    )


def deskew(as_given: Deskewed, detect: Detector, settings: Deskew) -> Deskewed:
    """Rotate a page by the skew of its lines, if they have one; else it stays what it is.

    Args:
        as_given: an upright picture and the lines found on it, not rotated.
        detect: finds the lines of a picture.
        settings: of this step.
    """
    lines, number = skew_of_lines(as_given.quads, settings), len(as_given.quads)
    skew, agree = (
        lines.degrees if lines.agreement >= settings.min_agreement else 0.0,
        settings.min_agreement_by_lines,
    )
    if (
        abs(skew) < settings.min_skew
        and number >= settings.min_lines
        and (lines.agreement < settings.min_level_agreement or number >= settings.many_lines)
    ):
        # Torn to pieces, many or most of which run level: the picture as a whole tells better, of pages of text.
        skew, agree = (
            skew_by_projection(as_given.image, settings),
            settings.min_agreement_by_projection,
        )
    if abs(skew) < settings.min_skew:
        return as_given
    for _ in range(settings.rounds):
        if abs(skew) > settings.max_skew:
            return as_given
        level, back = rotate(as_given.image, skew)
        straight = Deskewed(level, *detect(level), back)
        rest = skew_of_lines(straight.quads, settings)
        if abs(rest.degrees) < settings.max_rest:
            better = rest.agreement >= agree and _length(straight) >= settings.min_kept * _length(
                as_given
            )
            return straight if better else as_given
        skew += rest.degrees
    return as_given


def skew_by_projection(image: Image, settings: Deskew) -> float:
    """Return the degrees by which the text of a picture falls to the right, by its projection profile.

    Rotated by that, lines and the gaps between them give the sums over rows their sharpest steps (Postl 1986).
    """
    small = ImagePyramid(image).at(min(1.0, settings.profile_side / max(image.shape[:2])))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    # Strokes, not what is light and dark: shades of a photograph and its frame would weigh more.
    strokes = cv2.absdiff(grey, cv2.blur(grey, (9, 9)))
    rows, columns = np.nonzero(strokes > np.quantile(strokes, 1 - settings.stroke_share))
    weights = strokes[rows, columns].astype(np.float64)
    tried = np.arange(-settings.max_skew, settings.max_skew + 1)
    steps = []
    for angle in np.radians(tried).tolist():
        places = rows * math.cos(angle) - columns * math.sin(angle) + small.shape[1]
        sums = np.bincount(places.astype(np.intp), weights)
        steps.append(np.square(np.diff(sums)).sum())
    return float(tried[int(np.argmax(steps))])


class Skew(NamedTuple):
    """Tell how far lines fall to the right."""

    degrees: float
    """Median by length; 0 without lines that tell."""
    agreement: float
    """Share of their length that has about this skew."""


def skew_of_lines(quads: Quads, settings: Deskew) -> Skew:
    """Return the skew of lines (M, 4, 2)."""
    along = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    lengths = np.linalg.norm(along, axis=1)
    heights = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
    long = lengths > settings.min_aspect * heights
    if lengths[long].sum() <= 0.5 * np.maximum(lengths, heights).sum():
        return Skew(0.0, 1.0)  # no lines, or columns
    skews = np.degrees(np.arctan2(along[long, 1], along[long, 0]))
    lengths = lengths[long] / lengths[long].sum()
    median = weighted_median(skews, lengths)
    agreement = lengths[np.abs(skews - median) <= settings.max_deviation].sum()
    return Skew(median, float(agreement))


def _length(page: Deskewed) -> float:
    """Length of the lines of a page, each as much as it is sure."""
    return float((np.linalg.norm(page.quads[:, 1] - page.quads[:, 0], axis=1) * page.scores).sum())


def rotate(image: Image, degrees: float) -> tuple[Image, Affine]:
    """Rotate a picture counter-clockwise on a ground of its median color; it grows, nothing is cut off.

    Returns:
        The picture, and the (2, 3) way back from places on it, as in `Deskewed`.
    """
    height, width = image.shape[:2]
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    wide = math.ceil(width * abs(cosine) + height * abs(sine))
    high = math.ceil(width * abs(sine) + height * abs(cosine))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    middle = np.array([wide / 2, high / 2]) - turn @ np.array([width / 2, height / 2])
    forth = np.column_stack([turn, middle])
    # OpenCV's coordinates are of the pixels' middles, ours of their edges.
    shift = forth.copy()
    shift[:, 2] += turn @ np.array([0.5, 0.5]) - 0.5
    step = max(1, math.isqrt(height * width) // 200)
    ground = np.median(image[::step, ::step].reshape(-1, 3), axis=0)
    level = cv2.warpAffine(
        image, shift, (wide, high), flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT, borderValue=[float(level) for level in ground],
    )  # fmt: skip
    return np.asarray(level, np.uint8), np.asarray(cv2.invertAffineTransform(forth), np.float64)


def to_original(quads: Quads, back: Affine) -> Floats:
    """Map quads (M, 4, 2) of a rotated picture to the one that it was made of."""
    return np.asarray(quads @ back[:, :2].T + back[:, 2], np.float32)
