"""Resize one picture to several sizes, each from the smallest of its halves that is large enough."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray


class ImagePyramid:
    """Hold a picture, and its halves once they were needed.

    Averaging a scan of ten megapixels down takes longer than a network that looks at it does. Halving is four times as
    fast, and serves all smaller sizes.

    Args:
        picture: (H, W) or (H, W, 3) uint8.
    """

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        self._halves = [picture]

    def at(self, scale: float) -> NDArray[np.uint8]:
        """Return the picture resized by a factor, keeping at least one pixel of each side.

        Rounding makes the two sides' factors differ a little: divide the sizes to map back.
        """
        height, width = self._halves[0].shape[:2]
        return self.to(max(1, round(height * scale)), max(1, round(width * scale)))

    def to(self, height: int, width: int) -> NDArray[np.uint8]:
        """Return the picture resized to so many pixels; itself where it has as many."""
        times = 0
        while min(self._side(times + 1, 0) - height, self._side(times + 1, 1) - width) >= 0:
            times += 1
        while len(self._halves) <= times:
            self._halves.append(_halved(self._halves[-1]))
        source = self._halves[times]
        if source.shape[:2] == (height, width):
            return source
        # Averaging keeps thin strokes alive when shrinking; enlarging wants smooth edges.
        shrinks = height * width < math.prod(source.shape[:2])
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        resized = cv2.resize(source, (width, height), interpolation=how)
        return np.asarray(resized, np.uint8).reshape(height, width, *source.shape[2:])

    def _side(self, times: int, axis: int) -> int:
        """Pixels of a side after so many halvings."""
        return int(self._halves[0].shape[axis]) >> times


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average squares of two pixels; a last odd row or column is left out."""
    height, width = (side // 2 for side in picture.shape[:2])
    even = picture[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
