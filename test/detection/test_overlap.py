"""Overlaps of many pairs: against another library's polygons, where edges meet, and by random points."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from common.arrays import Floats, Quads
from common.quads import boxes_to_quads
from detection.overlap import areas, box_overlaps, hulls, middles, quad_overlaps, sampled_overlaps

UNIT = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)


def random_quads(rng: np.random.Generator, count: int) -> Quads:
    """Convex quads, clockwise: corners on an ellipse, turned, somewhere in a page."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, (count, 4)), axis=1)
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=2) * rng.uniform(4, 60, (count, 1, 2))
    turn = rng.uniform(0, np.pi, count)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)
    return (corners @ matrix + rng.uniform(980, 1040, (count, 1, 2))).astype(np.float32)


def expected(a: Floats, b: Floats) -> float:
    one, other = shapely.Polygon(a), shapely.Polygon(b)
    return float(one.intersection(other).area / one.union(other).area)


def test_quads_overlap_as_polygons_do() -> None:
    rng = np.random.default_rng(0)
    a, b = random_quads(rng, 400), random_quads(rng, 400)
    true = np.array([expected(*pair) for pair in zip(a, b, strict=True)])
    assert (true > 0.05).sum() > 100 and (true == 0).sum() > 20
    np.testing.assert_allclose(quad_overlaps(a, b), true, atol=1e-4)
    np.testing.assert_allclose(quad_overlaps(b, a), true, atol=1e-4)


@pytest.mark.parametrize(
    ("moved", "overlap"),
    [((0, 0), 1), ((5, 0), 1 / 3), ((0, -5), 1 / 3), ((10, 0), 0), ((10, 10), 0), ((30, 0), 0)],
)
def test_edges_on_edges_count_once(moved: tuple[float, float], overlap: float) -> None:
    other = (UNIT + moved).astype(np.float32)
    for turn in range(4):
        got = quad_overlaps(np.roll(UNIT, turn, axis=0)[None], other[None])
        assert got[0] == pytest.approx(overlap, abs=1e-5)


def test_one_in_the_other_and_empty_quads() -> None:
    inner = (UNIT / 2 + 2).astype(np.float32)
    assert quad_overlaps(UNIT[None], inner[None])[0] == pytest.approx(0.25)
    assert quad_overlaps(inner[None], UNIT[None])[0] == pytest.approx(0.25)
    assert quad_overlaps(UNIT[None], np.zeros((1, 4, 2), np.float32))[0] == 0
    none = np.zeros((0, 4, 2), np.float32)
    assert quad_overlaps(none, none).shape == box_overlaps(hulls(none), hulls(none)).shape == (0,)


@pytest.mark.parametrize(("count", "error"), [(1000, 0.06), (10_000, 0.03)])
def test_points_tell_about_the_exact_overlap(count: int, error: float) -> None:
    rng = np.random.default_rng(1)
    a, b = random_quads(rng, 60), random_quads(rng, 60)
    b += middles(a)[:, None] - middles(b)[:, None]
    exact = quad_overlaps(a, b)
    assert (exact > 0.1).sum() > 10
    sampled = sampled_overlaps(a, b, rng.random((count, 2), np.float32))
    assert np.abs(sampled - exact).max() < error
    assert np.abs(sampled - exact)[exact > 0.1].mean() > 1e-5  # drawn, not computed


def test_boxes_overlap_as_their_quads_do() -> None:
    rng = np.random.default_rng(2)
    low = rng.uniform(0, 40, (2, 100, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 40, (2, 100, 2))], axis=2).astype(np.float32)
    quads = [boxes_to_quads(one) for one in boxes]
    np.testing.assert_allclose(box_overlaps(*boxes), quad_overlaps(*quads), atol=1e-5)
    np.testing.assert_array_equal(hulls(quads[0]), boxes[0])
    np.testing.assert_allclose(
        middles(quads[0]), (boxes[0][:, :2] + boxes[0][:, 2:]) / 2, rtol=1e-6
    )
    sides = boxes[0][:, 2:] - boxes[0][:, :2]
    np.testing.assert_allclose(areas(quads[0]), sides[:, 0] * sides[:, 1], rtol=1e-5)
