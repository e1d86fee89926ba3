"""A picture of any size through the network in pieces of bounded size, as if it were one.

The pieces overlap, and each answers only for the cells of its core. Cells of all pieces lie on one
grid, so the joined maps have no seams: lines are built from them once, whatever the tiling was.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from common.arrays import Floats, Image, Network
from detection.preprocess import STRIDE, normalize, padded

OVERLAP = 8
"""Cells seen beyond a core on each side: 128 pixels, about what one cell's answer depends on."""


def _cuts(cells: int, most: int) -> list[tuple[int, int]]:
    """Divide a side of `cells` into equal cores that, with their overlaps, span at most `most`."""
    if cells <= most:
        return [(0, cells)]
    pieces = -(-cells // max(1, most - 2 * OVERLAP))
    edges = [cells * i // pieces for i in range(pieces + 1)]
    return list(zip(edges[:-1], edges[1:], strict=True))


def cores(rows: int, cols: int, max_cells: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of every core for a grid of cells, in reading order.

    Args:
        rows: height of the grid.
        cols: width of the grid.
        max_cells: cells of one piece, overlap included; at least 1024.
    """
    if rows * cols <= max_cells:
        yield slice(0, rows), slice(0, cols)
        return
    # A piece as wide as the picture keeps lines whole; only very wide pictures are cut sideways.
    widest = max(min(cols, max_cells // (4 * OVERLAP)), 4 * OVERLAP)
    for left, right in _cuts(cols, widest):
        seen = min(cols, right + OVERLAP) - max(0, left - OVERLAP)
        for top, bottom in _cuts(rows, max(4 * OVERLAP, max_cells // seen)):
            yield slice(top, bottom), slice(left, right)


def run(
    network: Network,
    image: Image,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    max_pixels: int,
    stride: int = STRIDE,
) -> tuple[Floats, ...]:
    """Run the network over a whole picture.

    Args:
        network: (1, 3, H, W) to maps, each (1, H / stride, W / stride, ...).
        image: (H, W, 3) at the scale to work at.
        mean: of the channels, 0 to 1.
        std: likewise.
        max_pixels: of one piece, which bounds the network's memory.
        stride: pixels of a cell.

    Returns:
        The network's maps of the whole picture, padded up to R x C full cells, each (R, C, ...).
    """
    height, width = image.shape[:2]
    rows, cols = padded(height, stride) // stride, padded(width, stride) // stride
    maps: list[Floats] = []
    for down, across in cores(rows, cols, max(1024, max_pixels // stride**2)):
        top, left = max(0, down.start - OVERLAP), max(0, across.start - OVERLAP)
        bottom, right = min(rows, down.stop + OVERLAP), min(cols, across.stop + OVERLAP)
        piece = image[top * stride : bottom * stride, left * stride : right * stride]
        answers = network(normalize(piece, mean, std, stride))
        maps = maps or [np.zeros((rows, cols, *one.shape[3:]), np.float32) for one in answers]
        inner = (
            slice(down.start - top, down.stop - top),
            slice(across.start - left, across.stop - left),
        )
        for whole, part in zip(maps, answers, strict=True):
            whole[down, across] = part[0][inner]
    return tuple(maps)
