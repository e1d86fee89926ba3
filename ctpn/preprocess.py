"""Picture in, network input out: resizing, normalizing, padding."""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Floats, Image
from ctpn.anchors import STRIDE

MEAN = (0.485, 0.456, 0.406)
"""Mean of RGB in 0 to 1 over ImageNet, the usual start of this field's networks."""

STD = (0.229, 0.224, 0.225)
"""Standard deviation likewise."""


def padded(side: int) -> int:
    """Smallest multiple of the stride that holds `side`, at least one stride."""
    return max(STRIDE, -(-side // STRIDE) * STRIDE)


def resize(image: Image, scale: float) -> Image:
    """Resize by a factor, keeping at least one pixel of each side.

    Rounding makes the two sides' factors differ a little: divide the sizes to map back.
    """
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return image
    # Averaging keeps thin strokes alive when shrinking; enlarging wants smooth edges.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8).reshape(
        size[1], size[0], 3
    )


def normalize(
    image: Image,
    mean: tuple[float, float, float] = MEAN,
    std: tuple[float, float, float] = STD,
) -> Floats:
    """Turn a picture (H, W, 3) into (1, 3, H', W'), padded right and below to multiples of 16.

    Padding repeats the border, so that it adds no edge that could look like text.
    """
    height, width = image.shape[:2]
    factor = (1 / (255 * np.asarray(std))).astype(np.float32)
    offset = (-np.asarray(mean) / np.asarray(std)).astype(np.float32)
    out = np.empty((1, 3, padded(height), padded(width)), np.float32)
    # Channel by channel into its place: whole pictures in float, one after the other, are slow to write.
    for channel, values, scale, shift in zip(cv2.split(image), out[0], factor, offset, strict=True):
        inside = values[:height, :width]
        np.multiply(channel, scale, out=inside)
        inside += shift
        values[:height, width:] = inside[:, -1:]
        values[height:] = values[height - 1]
    return out
