"""Normalize a picture and pad it to the network's stride."""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Floats, Image

MEAN = (0.485, 0.456, 0.406)
"""Mean of RGB in 0 to 1 over ImageNet, the usual start of this field's networks."""

STD = (0.229, 0.224, 0.225)
"""Standard deviation likewise."""


STRIDE = 16
"""What sides of a network's input are multiples of, and pixels of a cell unless a method says otherwise."""


def padded(side: int, stride: int = STRIDE) -> int:
    """Smallest multiple of the stride that holds `side`, at least one stride."""
    return max(stride, -(-side // stride) * stride)


def normalize(
    image: Image,
    mean: tuple[float, float, float] = MEAN,
    std: tuple[float, float, float] = STD,
    stride: int = STRIDE,
) -> Floats:
    """Turn a picture (H, W, 3) into (1, 3, H', W'), padded right and below to multiples of the stride.

    Padding repeats the border, so that it adds no edge that could look like text.
    """
    height, width = image.shape[:2]
    factor = (1 / (255 * np.asarray(std))).astype(np.float32)
    offset = (-np.asarray(mean) / np.asarray(std)).astype(np.float32)
    out = np.empty((1, 3, padded(height, stride), padded(width, stride)), np.float32)
    # Channel by channel into its place: whole pictures in float, one after the other, are slow to write.
    for channel, values, scale, shift in zip(cv2.split(image), out[0], factor, offset, strict=True):
        inside = values[:height, :width]
        np.multiply(channel, scale, out=inside)
        inside += shift
        values[:height, width:] = inside[:, -1:]
        values[height:] = values[height - 1]
    return out
