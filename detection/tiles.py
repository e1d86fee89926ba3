"""Run a network over a picture of any size in tiles of bounded size, as if it were one.

The tiles overlap, and each answers only for the cells of its core. Cells of all tiles lie on one grid, so the joined
maps have no seams: lines are decoded from them once, whatever the tiling was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from common.arrays import Floats, Image, Network
from detection.method import Output
from detection.preprocess import MEAN, STD, STRIDE, normalize, padded

OVERLAP = 128
"""Pixels seen beyond a core on each side: about what one cell's answer depends on."""


def _cuts(cells: int, most: int, overlap: int) -> list[tuple[int, int]]:
    """Divide a side of `cells` into equal cores that, with their overlaps, span at most `most`."""
    if cells <= most:
        return [(0, cells)]
    pieces = -(-cells // max(1, most - 2 * overlap))
    edges = [cells * i // pieces for i in range(pieces + 1)]
    return list(zip(edges[:-1], edges[1:], strict=True))


def cores(
    rows: int, cols: int, max_cells: int, overlap: int = OVERLAP // STRIDE
) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of every core for a grid of cells, in reading order.

    Args:
        rows: height of the grid.
        cols: width of the grid.
        max_cells: cells of one tile, overlap included; at least 16 overlaps squared.
        overlap: cells seen beyond a core on each side.
    """
    if rows * cols <= max_cells:
        yield slice(0, rows), slice(0, cols)
        return
    # A tile as wide as the picture keeps lines whole; only very wide pictures are cut sideways.
    widest = max(min(cols, max_cells // (4 * overlap)), 4 * overlap)
    for left, right in _cuts(cols, widest, overlap):
        seen = min(cols, right + overlap) - max(0, left - overlap)
        for top, bottom in _cuts(rows, max(4 * overlap, max_cells // seen), overlap):
            yield slice(top, bottom), slice(left, right)


def run(
    network: Network,
    image: Image,
    outputs: Mapping[str, Output],
    max_pixels: int,
    *,
    stride: int = STRIDE,
    mean: tuple[float, float, float] = MEAN,
    std: tuple[float, float, float] = STD,
) -> dict[str, Floats]:
    """Run the network over a whole picture.

    Args:
        network: (1, 3, H, W) to maps, each (1, H / its stride, W / its stride, ...).
        image: (H, W, 3) at the scale to work at.
        outputs: of the network, in order.
        max_pixels: of one tile, which bounds the network's memory.
        stride: what sides of a tile are multiples of, itself a multiple of every output's.
        mean: of the channels, 0 to 1.
        std: likewise.

    Returns:
        The maps of the whole picture, padded to multiples of the stride, by name; each (R, C, ...).
    """
    height, width = padded(image.shape[0], stride), padded(image.shape[1], stride)
    overlap = -(-OVERLAP // stride)
    maps = {
        name: np.zeros((height // one.stride, width // one.stride, *one.shape), np.float32)
        for name, one in outputs.items()
    }
    rows, cols = height // stride, width // stride
    least = 16 * overlap**2
    for down, across in cores(rows, cols, max(least, max_pixels // stride**2), overlap):
        top, left = max(0, down.start - overlap), max(0, across.start - overlap)
        bottom, right = min(rows, down.stop + overlap), min(cols, across.stop + overlap)
        tile = image[top * stride : bottom * stride, left * stride : right * stride]
        answers = network(normalize(tile, mean, std, stride))
        for (name, one), answer in zip(outputs.items(), answers, strict=True):
            cells = stride // one.stride
            inner = _finer(slice(down.start - top, down.stop - top), cells)
            beside = _finer(slice(across.start - left, across.stop - left), cells)
            maps[name][_finer(down, cells), _finer(across, cells)] = answer[0][inner, beside]
    return maps


def _finer(cells: slice, factor: int) -> slice:
    """Return a range of cells in cells that are `factor` times as small."""
    return slice(cells.start * factor, cells.stop * factor)
