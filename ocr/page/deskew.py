"""A page photographed aslant in; the page set straight, its lines, and the way back to where they are shown, out.

A detector that builds lines of upright strips finds them whole up to some ten degrees; beyond, they fall to pieces. How
far a page is slanted is told by its lines where these agree, and by the picture as a whole where they do not. The page
is turned by that, looked at again, and so on until it is straight.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image, Quads, Scores
from common.pyramid import Sizes

LEAST = 5.0
"""Degrees of slant below which a page is read as it is."""

SEEN = 640
"""Long side in pixels at which the picture as a whole is looked at."""

STROKES = 0.1
"""Share of its pixels that are looked at: those that differ most from what is around them."""

PIECES = 8
"""Lines that a torn page has at least: fewer that do not agree are signs of a street."""

MANY = 100
"""Lines that are pieces as likely as not, even where they agree."""

STRAIGHT = 1.5
"""Degrees of slant below which a page that was turned is straight."""

MOST = 40.0
"""Degrees beyond which it is no slant: what runs so is not read."""

ROUNDS = 5
"""Looks at most: pieces tell the slant only in part."""

ALIKE, AGREE, LEVEL = 5.0, 0.8, 0.95
"""Degrees by which lines may differ from their median, and the shares of their length within these from which they
agree: on their slant, and on having none. A street has signs in many directions, of which none is the page's."""

AGREE_TURNED, AGREE_ALL = 0.6, 0.9
"""The same share on a page that was turned: by the slant of its lines, and by that of the picture."""

KEPT = 0.9
"""Share of the lines' length that a page must have when it is straight: pieces that do not come together were none."""

LONG = 1.5
"""Lines at least so many times as long as high tell their slant."""

AS_IT_IS = np.eye(2, 3)
"""The way back from a page that was not turned."""


class Straight(NamedTuple):
    """A page set straight."""

    image: Image
    quads: Quads
    scores: Scores
    back: NDArray[np.float64]
    """(2, 3), from a place on it to that on the picture it was made of."""


def straighten(as_given: Straight, detect: Callable[[Image], tuple[Quads, Scores]]) -> Straight:
    """Set a page straight where its lines are slanted; else it stays what it is.

    Args:
        as_given: an upright picture and the lines found on it, not turned.
        detect: finds the lines of a picture.
    """
    run, number = run_of(as_given.quads), len(as_given.quads)
    slant, agree = run.slant if run.agree >= AGREE else 0.0, AGREE_TURNED
    if abs(slant) < LEAST and number >= PIECES and (run.agree < LEVEL or number >= MANY):
        # Torn to pieces, many or most of which run level: the picture as a whole tells better, of pages of text.
        slant, agree = slant_of(as_given.image), AGREE_ALL
    if abs(slant) < LEAST:
        return as_given
    for _ in range(ROUNDS):
        if abs(slant) > MOST:
            return as_given
        level, back = turned(as_given.image, slant)
        straight = Straight(level, *detect(level), back)
        run = run_of(straight.quads)
        if abs(run.slant) < STRAIGHT:
            better = run.agree >= agree and _length(straight) >= KEPT * _length(as_given)
            return straight if better else as_given
        slant += run.slant
    return as_given


def slant_of(image: Image) -> float:
    """Degrees by which the text of a picture runs down to the right: where its rows are told apart best.

    Turned by that, lines and the gaps between them give the sums over rows their sharpest steps (Postl 1986).
    """
    small = Sizes(image).at(min(1.0, SEEN / max(image.shape[:2])))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    # Strokes, not what is light and dark: shades of a photograph and its frame would weigh more.
    strokes = cv2.absdiff(grey, cv2.blur(grey, (9, 9)))
    rows, columns = np.nonzero(strokes > np.quantile(strokes, 1 - STROKES))
    weights = strokes[rows, columns].astype(np.float64)
    tried = np.arange(-MOST, MOST + 1)
    steps = []
    for angle in np.radians(tried).tolist():
        places = rows * math.cos(angle) - columns * math.sin(angle) + small.shape[1]
        sums = np.bincount(places.astype(np.intp), weights)
        steps.append(np.square(np.diff(sums)).sum())
    return float(tried[int(np.argmax(steps))])


class Run(NamedTuple):
    """Where lines run."""

    slant: float
    """Degrees by which they run down to the right: the median of their length; 0 without lines that tell."""
    agree: float
    """Share of their length that runs so."""


def run_of(quads: Quads) -> Run:
    """Tell where lines (M, 4, 2) run."""
    along = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    lengths = np.linalg.norm(along, axis=1)
    heights = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
    long = lengths > LONG * heights
    if lengths[long].sum() <= 0.5 * np.maximum(lengths, heights).sum():
        return Run(0.0, 1.0)  # no lines, or columns
    slants = np.degrees(np.arctan2(along[long, 1], along[long, 0]))
    order = np.argsort(slants)
    slants, lengths = slants[order], lengths[long][order] / lengths[long].sum()
    median = float(slants[np.searchsorted(np.cumsum(lengths), 0.5 - 1e-6)])
    agree = lengths[np.abs(slants - median) <= ALIKE].sum()
    return Run(median, float(agree))


def _length(page: Straight) -> float:
    """Length of the lines of a page, each as much as it is sure."""
    return float((np.linalg.norm(page.quads[:, 1] - page.quads[:, 0], axis=1) * page.scores).sum())


def turned(image: Image, degrees: float) -> tuple[Image, NDArray[np.float64]]:
    """Turn a picture counter-clockwise on a ground of its median color.

    Returns:
        The picture, and the (2, 3) way back from places on it, as in `Straight`.
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


def placed(quads: Quads, back: NDArray[np.float64]) -> Floats:
    """Quads (M, 4, 2) of a page that was set straight on the picture it was made of."""
    return np.asarray(quads @ back[:, :2].T + back[:, 2], np.float32)
