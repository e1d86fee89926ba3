"""Lines out of a page: quads grown by a margin and cut out, as many at a time as fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from common.arrays import Floats, Image, Quads
from common.quads import crop, quad_size
from recognition.preprocess import FINE

CROP_BYTES = 64_000_000
"""Crops held at a time; a page with more is read in several goes."""


def cut_out(image: Image, quads: Quads, margin: float) -> Iterator[tuple[int, list[Image]]]:
    """Cut quads, grown by a margin, out of an image: the first one's number and as many as fit in memory."""
    crops: list[Image] = []
    first = size = 0
    for i, quad in enumerate(quads, 1):
        crops.append(crop(image, enlarged(quad, margin), fine=FINE))
        size += crops[-1].nbytes
        if size > CROP_BYTES or i == len(quads):
            yield first, crops
            crops, first, size = [], i, 0


def enlarged(quad: Floats, margin: float) -> Floats:
    """A quad grown by a share of its short side on every side."""
    if margin == 0:
        return quad
    height, width = quad_size(quad)
    grow = margin * min(height, width)
    right = (quad[1] + quad[2] - quad[0] - quad[3]) / 2
    down = (quad[2] + quad[3] - quad[0] - quad[1]) / 2
    right *= grow / max(float(np.linalg.norm(right)), 1e-6)
    down *= grow / max(float(np.linalg.norm(down)), 1e-6)
    corners = np.stack([-right - down, right - down, right + down, down - right])
    return np.asarray(quad + corners, np.float32)
