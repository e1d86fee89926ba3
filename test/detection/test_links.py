"""Components along links: as many as a search finds, numbered in order, for graphs of every shape."""

from __future__ import annotations

import numpy as np
import pytest

from detection.links import components


def reference(count: int, edges: np.ndarray) -> list[int]:
    """Number the components by a search from each node in turn."""
    beside: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges.tolist():
        beside[a].append(b)
        beside[b].append(a)
    found, number = [-1] * count, 0
    for start in range(count):
        stack = [start] * (found[start] < 0)
        number += bool(stack)
        while stack:
            node = stack.pop()
            if found[node] < 0:
                found[node] = number - 1
                stack += beside[node]
    return found


def test_no_nodes_and_no_links() -> None:
    none = np.zeros(0, int)
    assert components(0, none, none).tolist() == []
    assert components(3, none, none).tolist() == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 30, 500])
@pytest.mark.parametrize("share", [0.1, 0.6, 1.5])
def test_random_graphs(count: int, share: float) -> None:
    rng = np.random.default_rng(count)
    edges = rng.integers(0, count, (int(share * count), 2))
    assert components(count, *edges.T).tolist() == reference(count, edges)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_chain_is_one_however_its_nodes_are_numbered(reverse: bool) -> None:
    order = np.random.default_rng(0).permutation(5000) if reverse else np.arange(5000)
    assert not components(5000, order[:-1], order[1:]).any()
