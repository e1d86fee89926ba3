"""Join what links connect: the components of a graph whose nodes are cells or segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
