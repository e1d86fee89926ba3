"""Turn line crops into the network's input: grey, one height, proportional width, one contrast."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from common.arrays import Floats, Image

HEIGHT = 32
UPSCALE_BELOW_HEIGHT = 20.0
"""Height of a line in pixels below which it is to be cut out twice as large: strokes are a pixel wide there."""
STRIDE = 4
"""Columns of the input for one time step of the output."""
MIN_WIDTH = 16
MAX_WIDTH = 2048
"""Wider lines are squeezed, so that memory stays bounded: about 130 Chinese or 250 Latin characters."""
RIGHT_PADDING = 16
"""Columns of padding beyond a batch's longest line. In training most lines end in padding; so do those read alone."""
_MIN_STD = 12.0
"""Grey levels. A crop flatter than this is mostly noise, which must not be blown up to look like text."""


def width_at_height(height: int, width: int, max_width: int = MAX_WIDTH) -> int:
    """Return the width in pixels of a crop of this size when it is `HEIGHT` high."""
    return int(np.clip(round(width * HEIGHT / max(height, 1)), MIN_WIDTH, max_width))


def to_input(crop: Image, width: int) -> Floats:
    """Return (HEIGHT, width) float32: grey, zero mean, unit spread (at least `_MIN_STD` grey levels)."""
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    shrink = grey.shape[0] > HEIGHT
    interpolation = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    resized = cv2.resize(grey, (width, HEIGHT), interpolation=interpolation).astype(np.float32)
    spread = max(float(resized.std()), _MIN_STD)
    return np.asarray((resized - resized.mean()) / spread, np.float32)


def batch(crops: Sequence[Image], widths: Sequence[int], stride: int = STRIDE) -> Floats:
    """Return (N, 1, HEIGHT, W) float32, padded with zeros: W is the widest and `RIGHT_PADDING`, in whole strides."""
    columns = -(-(max(widths) + RIGHT_PADDING) // stride) * stride
    out = np.zeros((len(crops), 1, HEIGHT, columns), np.float32)
    for row, crop, width in zip(out, crops, widths, strict=True):
        row[0, :, :width] = to_input(crop, width)
    return out
