"""Pieces of lines: exact overlap of turned rectangles, cells and their lines, joining again."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from common.arrays import Floats
from detection.overlap import quad_overlaps
from detection.pieces import REACH, inside_picture, lines_of_pieces, nearest_lines, pieces
from detection.quads import corners
from detection.suppression import Merged


def rectangles(count: int, far: float = 0.0, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, count)
    x, y = rng.uniform(far, far + 60, (2, count))
    sides = rng.uniform(1, 200, count), rng.uniform(1, 60, count)
    return np.stack([x, y, np.cos(angle), np.sin(angle), *sides], axis=1)


def exact(first: Floats, second: Floats) -> list[float]:
    pairs = [(shapely.Polygon(a), shapely.Polygon(b)) for a, b in zip(first, second, strict=True)]
    return [a.intersection(b).area / a.union(b).area for a, b in pairs]


@pytest.mark.parametrize("far", [0, 10_000])
def test_overlap_is_that_of_the_polygons(far: float) -> None:
    first, second = (corners(rectangles(400, far, seed)) for seed in (0, 1))
    np.testing.assert_allclose(quad_overlaps(first, second), exact(first, second), atol=1e-4)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_edges_in_common_count_once(turn: int) -> None:
    quads = corners(rectangles(100))
    np.testing.assert_allclose(quad_overlaps(quads, np.roll(quads, turn, axis=1)), 1, atol=1e-4)
    along = quads[:, 1] - quads[:, 0]
    for part, overlap in ((0.25, 0.6), (1, 0), (2, 0)):
        beside = np.roll(quads + part * along[:, None], turn, axis=1)
        np.testing.assert_allclose(quad_overlaps(quads, beside), overlap, atol=1e-4)


def test_no_pairs_have_no_overlap() -> None:
    none = np.zeros((0, 4, 2), np.float32)
    assert quad_overlaps(none, none).shape == (0,)


def test_a_line_outside_is_none_and_one_across_is_cut() -> None:
    outside = np.array([50, -20, 1, 0, 40, 30], np.float32)
    assert inside_picture(outside, (100, 200)) is None
    cut = inside_picture(np.array([190, 50, 1, 0, 60, 30], np.float32), (100, 200))
    assert cut is not None
    np.testing.assert_allclose(cut, [180, 50, 1, 0, 40, 30])


def test_cells_belong_to_the_smallest_line_around_them_or_the_nearest() -> None:
    large, small = [80, 40, 1, 0, 160, 80], [40, 40, 1, 0, 32, 16]
    for order in ((large, small), (small, large)):
        owner, depth = nearest_lines(np.array(order, np.float32), (10, 20), 8, 8)
        first = order.index(small) + 1
        assert (owner == first).sum() == 4 * 2
        assert owner[4, 3] == first and owner[1, 3] == 3 - first
        assert depth[4, 4] == pytest.approx(4)
    owner, _ = nearest_lines(np.array([small], np.float32), (10, 20), 8, 8)
    assert owner.any(axis=0).sum() == 6 and owner.any(axis=1).sum() == 4
    assert not nearest_lines(np.zeros((0, 6)), (10, 20), 8, 8)[0].any()


@pytest.mark.parametrize("degrees", [0, 30, 90, 155])
def test_pieces_of_a_long_line_are_joined_to_it(degrees: float) -> None:
    turn = np.deg2rad(degrees)
    along = np.array([np.cos(turn), np.sin(turn)])
    line = np.array([500, 500, *along, 800, 20], np.float32)
    points = np.array([500, 500]) + along * np.arange(-400, 401, 16)[:, None] + (1, -2)
    cut = pieces(line, points)
    assert cut[:, 4].max() == pytest.approx(2 * REACH * 20) and (cut[:, 4] >= REACH * 20 - 9).all()
    merged = Merged(corners(cut), np.full(len(cut), 0.9, "f4"), np.ones(len(cut), "f4"))
    (found,) = lines_of_pieces(merged, 0.3)
    assert found[4:] == pytest.approx([800, 20, 0.9], abs=0.1)
