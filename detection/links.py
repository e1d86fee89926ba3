"""Join what links connect: the components of a graph whose nodes are cells or segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats

NEIGHBORS = ((0, 1), (1, -1), (1, 0), (1, 1), (0, -1), (-1, 1), (-1, 0), (-1, -1))
"""Rows down and columns right to each neighbour, in the order of the links; the second four are the way back."""

Edges = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Numbers (E,) of the nodes at both ends."""


def components(count: int, first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.intp]:
    """Number the connected components of a graph, from 0, in the order of their first nodes.

    Every round hooks the greater root of each edge between two trees to the lesser one and flattens the trees; the
    number of rounds grows with the logarithm of the longest path.

    Args:
        count: of the nodes.
        first: (E,) one end of each edge.
        second: (E,) the other.

    Returns:
        (count,) the component of each node.
    """
    root = np.arange(count)
    first, second = np.asarray(first, np.intp), np.asarray(second, np.intp)
    while True:
        first, second = root[first], root[second]
        apart = first != second
        if not apart.any():
            return np.unique(root, return_inverse=True)[1].astype(np.intp)
        first, second = first[apart], second[apart]
        np.minimum.at(root, np.maximum(first, second), np.minimum(first, second))
        while (root[root] != root).any():
            root = root[root]


def neighbor_links(owner: NDArray[np.intp], known: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return what the links of cells to their neighbours should be.

    Args:
        owner: (R, C) the number of each cell's line, from 1; 0 for background.
        known: (R, C) where that is known.

    Returns:
        (R, C, 8): 1 between cells of one line, 0 from a line's cell to any other, -1 where there is nothing to learn.
    """
    links = np.full((*owner.shape, len(NEIGHBORS)), -1, np.int8)
    for way, (down, right) in enumerate(NEIGHBORS):
        here, there = _pairs(owner.shape, down, right)
        counts = (owner[here] > 0) & known[there]
        links[(*here, way)] = np.where(counts, owner[here] == owner[there], -1)
    return links


def linked_neighbors(
    mask: NDArray[np.bool_], number: NDArray[np.intp], links: Floats, threshold: float
) -> Edges:
    """Return which cells of text are linked to their neighbours.

    A link counts by the mean of what its two cells say of it, because one wrong link joins two lines.

    Args:
        mask: (R, C) where text is.
        number: (R, C) of the node of each cell of text.
        links: (R, C, 8) probabilities.
        threshold: least probability.
    """
    ends = []
    for way in range(4):
        here, there = _pairs(mask.shape, *NEIGHBORS[way])
        strength = (links[here][..., way] + links[there][..., way + 4]) / 2
        linked = mask[here] & mask[there] & (strength >= threshold)
        ends.append((number[here][linked], number[there][linked]))
    first, second = zip(*ends, strict=True)
    return np.concatenate(first), np.concatenate(second)


_Place = tuple[slice, slice]


def _pairs(shape: tuple[int, ...], down: int, right: int) -> tuple[_Place, _Place]:
    """Return where the cells are that have a neighbour in a direction, and where these are."""
    ends = [_shifted(side, by) for side, by in zip(shape, (down, right), strict=True)]
    return (ends[0][0], ends[1][0]), (ends[0][1], ends[1][1])


def _shifted(side: int, by: int) -> tuple[slice, slice]:
    if by >= 0:
        return slice(0, max(side - by, 0)), slice(by, None)
    return slice(-by, None), slice(0, max(side + by, 0))
