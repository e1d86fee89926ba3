"""Cut the few square patches of a picture that show most text, at several scales.

Whether a page is upright or upside down is in the strokes of its characters, which a thumbnail of
the page no longer shows. How large the text is nobody knows beforehand, so patches are cut at
several scales of the page: a network of one size then sees text of 8 pixels and of 150.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from angle.settings import Patches
from common.arrays import Boxes, Floats, Image, Quads
from common.pyramid import ImagePyramid

Grey: TypeAlias = NDArray[np.uint8]

SIZE = 128
"""Side of a patch in pixels."""

MIN_DEVIATION = 3.0
"""Deviation in grey levels below which a patch is blank: sensors and JPEG make one or two.

No setting: networks were trained on patches divided by no less, see `normalize`.
"""

_MARGIN = 1.5
"""Sides of the square that is cut for a tilted patch: sqrt(2) holds it at any tilt, the rest is for resampling."""

_DEFAULTS = Patches()


def page_patches(
    image: Image, *, size: int = SIZE, settings: Patches = _DEFAULTS
) -> tuple[Floats, Boxes]:
    """Cut the patches of a page that a network should look at.

    Returns:
        (N, 1, size, size) of zero mean and unit deviation each, and the (N, 4) boxes in the page's
        pixels that they show (partly outside where the page is smaller). N is 0 for a blank page.
    """
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    boxes = choose_windows(grey, size=size, settings=settings)
    cuts = [cut(grey, box, size) for box in boxes]
    kept = [i for i, patch in enumerate(cuts) if patch.std() >= MIN_DEVIATION]
    if not kept:
        return np.zeros((0, 1, size, size), np.float32), np.zeros((0, 4), np.float32)
    return np.stack([normalize(cuts[i]) for i in kept]), boxes[kept]


def line_patches(
    image: Image, quads: Quads, *, size: int = SIZE, settings: Patches = _DEFAULTS
) -> Floats:
    """Cut patches along lines, (M, 4, 2), at the settings' heights: text of any size at a size that can be told.

    A line that slants is laid level, to the closer axis of the picture.

    Returns:
        (N, 1, size, size) of zero mean and unit deviation each; blank ones are left out.
    """
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    found = []
    for quad in np.asarray(quads, np.float32):
        degrees = skew_degrees(quad)
        for height in settings.line_heights:
            for box in line_windows(quad, size / height, settings.per_line):
                patch = tilted_cut(grey, box, size, degrees)
                if patch.std() >= MIN_DEVIATION:
                    found.append(normalize(patch))
    return np.stack(found) if found else np.zeros((0, 1, size, size), np.float32)


def line_windows(quad: Floats, heights: float, count: int) -> Boxes:
    """Place up to `count` squares along a line, each so many of its heights wide and high."""
    sides = np.roll(quad, -1, axis=0) - quad  # top, right, bottom, left
    along = (sides[0] - sides[2]) / 2, (sides[1] - sides[3]) / 2
    lengths = [float(np.linalg.norm(side)) for side in along]
    long, short = max(lengths), max(1.0, min(lengths))
    side = heights * short
    number = int(np.clip(round(long / side), 1, count))
    steps = (np.arange(number) - (number - 1) / 2) * max(0.0, long - side) / max(number - 1, 1)
    unit = along[int(np.argmax(lengths))] / max(long, 1e-6)
    middles = quad.mean(axis=0) + steps[:, None] * unit
    return np.concatenate([middles - side / 2, middles + side / 2], axis=1).astype(np.float32)


def skew_degrees(quad: Floats) -> float:
    """Return by how many degrees, -45 to 45, a line falls to the right of the closer axis of the picture."""
    x, y = quad[1] + quad[2] - quad[0] - quad[3]
    return (float(np.degrees(np.arctan2(y, x))) + 45) % 90 - 45


def choose_windows(grey: Grey, *, size: int, settings: Patches = _DEFAULTS) -> Boxes:
    """Choose up to `settings.count` square windows, (N, 4), where a page shows most text.

    Each scale gets its share of them; one that would enlarge the page is left out in favor of the page as it is.
    """
    height, width = grey.shape
    page_side = (height * width) ** 0.5
    scales = sorted({min(1.0, side / page_side) for side in settings.sides}, reverse=True)
    shown = min(1.0, settings.map_side / page_side)
    text = text_map(_resize(grey, shown), settings.soft_gradient)
    mean, square = _halve(text), _halve(text * text)
    shown *= 0.5
    boxes: list[Boxes] = []
    left = settings.count
    for i, scale in enumerate(scales):
        share = -(-left // (len(scales) - i))
        found = _best_windows(mean, square, size / scale * shown, share, settings)
        left -= len(found)
        boxes.append(found)
    per_pixel = np.array([width / mean.shape[1], height / mean.shape[0]] * 2, np.float32)
    return np.concatenate(boxes) * per_pixel if boxes else np.zeros((0, 4), np.float32)


def text_map(grey: Grey, soft_gradient: float) -> Floats:
    """Tell, (H, W) in 0 to 1, how much each place of a picture looks like strokes.

    Strokes have edges across and along within a few pixels; rules, frames and folds have one kind. The map is half
    way up where both are of `soft_gradient` grey levels a pixel.
    """
    across = cv2.blur(np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.25)), (5, 5))
    along = cv2.blur(np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.25)), (5, 5))
    weaker = np.minimum(across, along)
    return np.asarray(weaker / (weaker + soft_gradient), np.float32)


def cut(grey: Grey, box: Floats, size: int) -> Grey:
    """Cut a square box out of a picture and bring it to (size, size).

    What lies outside the picture gets the mean of what lies inside.
    """
    height, width = grey.shape
    x0, y0, x1, y1 = (float(value) for value in box)
    left, top = min(max(0, int(x0)), width - 1), min(max(0, int(y0)), height - 1)
    right = max(left + 1, min(width, int(np.ceil(x1))))
    bottom = max(top + 1, min(height, int(np.ceil(y1))))
    scale = size / (x1 - x0)
    patch = _resize(grey[top:bottom, left:right], scale, most=size)
    if patch.shape == (size, size):
        return patch
    whole = np.full((size, size), round(float(patch.mean())), np.uint8)
    row = min(max(0, round((top - y0) * scale)), size - patch.shape[0])
    column = min(max(0, round((left - x0) * scale)), size - patch.shape[1])
    whole[row : row + patch.shape[0], column : column + patch.shape[1]] = patch
    return whole


def tilted_cut(grey: Grey, box: Floats, size: int, degrees: float) -> Grey:
    """Cut a box like `cut`, its content turned counter-clockwise by a few degrees."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * _MARGIN
    large = round(size * _MARGIN)
    patch = cut(grey, np.concatenate([middle - half, middle + half]), large)
    matrix = cv2.getRotationMatrix2D((large / 2, large / 2), degrees, 1.0)
    matrix[:, 2] = matrix[:, 2] - (large - size) / 2
    turned = cv2.warpAffine(patch, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def normalize(patch: Grey) -> Floats:
    """Return a patch as (1, size, size) of zero mean and unit deviation."""
    values = patch.astype(np.float32)
    values -= values.mean()
    return np.asarray(values / max(float(values.std()), MIN_DEVIATION), np.float32)[None]


def _best_windows(
    mean: Floats, square: Floats, side: float, count: int, settings: Patches
) -> Boxes:
    """Choose windows of one side, best first, on a map and its square, in the map's pixels.

    The measure is the variance of the map: text is strokes on quiet ground, while leaves, cloth and
    noise are restless everywhere.
    """
    height, width = mean.shape
    rows, columns = min(height, round(side)), min(width, round(side))
    inside = [
        cv2.boxFilter(values, -1, (columns, rows), borderType=cv2.BORDER_REFLECT)
        for values in (mean, square)
    ]
    score = np.asarray(inside[1] - inside[0] * inside[0], np.float32)
    # Only middles whose window lies inside; box filters count an even window's middle to the right.
    top, left = rows // 2, columns // 2
    score = score[top : height - rows + top + 1, left : width - columns + left + 1]
    reach = side * settings.spread
    boxes: list[list[float]] = []
    while len(boxes) < count:
        _, best, _, (x, y) = cv2.minMaxLoc(score)
        if best < settings.min_variance:
            break
        middle = np.array([x + columns / 2, y + rows / 2])
        boxes.append([*(middle - side / 2), *(middle + side / 2)])
        y0, x0 = max(0, int(y - reach) + 1), max(0, int(x - reach) + 1)
        score[y0 : int(np.ceil(y + reach)), x0 : int(np.ceil(x + reach))] = -1
    return np.array(boxes, np.float32).reshape(-1, 4)


def _halve(values: Floats) -> Floats:
    """Reduce a map to half, for windows need be placed no more exactly."""
    height, width = (max(1, side // 2) for side in values.shape)
    return np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _resize(grey: Grey, scale: float, most: int | None = None) -> Grey:
    """Scale a picture, each side at least 1 and at most `most` pixels."""
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    if most is not None:
        height, width = min(height, most), min(width, most)
    return ImagePyramid(grey).to(height, width)
