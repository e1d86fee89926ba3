"""Paint over emoji and other colored pictures inside a line, so that nothing is read from them."""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Image

_COLORFUL = 80
"""Range of a pixel's channels from which it is colored."""

_LEAST, _MOST = 0.5, 1.1
"""Height of a picture in heights of the crop."""

_SQUARE = 1.4
"""Its sides differ by no more than this: longer things are the ground of letters."""

_CONVEX = 0.85
"""Share of its convex hull that a picture fills; letters have bays."""

_SOLID = 0.68
"""Share of it that is colored; letters whose outline has no bays, like 国, are hollow."""

_MOST_IN_A_ROW = 4


def paint_over(crop: Image) -> Image:
    """Fill solid, colored, square pictures in a crop (H, W, 3) with their surroundings; the crop itself without any."""
    height = crop.shape[0]
    if height < 12:
        return crop
    colored = (np.ptp(crop, axis=2) >= _COLORFUL).astype(np.uint8)
    if not colored.any():
        return crop
    outlines, _ = cv2.findContours(colored, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    out = crop
    for outline in outlines:
        x, y, width, tall = cv2.boundingRect(outline)
        if not _LEAST * height <= tall <= _MOST * height:
            continue
        # Several in a row may touch.
        number = max(1, round(width / tall))
        if number > _MOST_IN_A_ROW or not 1 / _SQUARE <= width / number / tall <= _SQUARE:
            continue
        if not _is_picture(outline, colored[y : y + tall, x : x + width]):
            continue
        out = crop.copy() if out is crop else out
        left, right = max(0, x - 2), min(crop.shape[1], x + width + 2)
        beside = [out[:, max(0, left - 2) : left], out[:, right : right + 2]]
        ground = np.concatenate(beside, axis=1).reshape(-1, 3)
        if len(ground):
            out[:, left:right] = np.median(ground, axis=0).astype(np.uint8)
    return out


def _is_picture(outline: np.ndarray, colored: Image) -> bool:
    area = cv2.contourArea(outline)
    hull = cv2.contourArea(cv2.convexHull(outline))
    return bool(area >= _CONVEX * hull and int(colored.sum()) >= _SOLID * area)
