"""One quad of many: merging as its definition says, the order of corners, suppression, parts of one line."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from common.arrays import Floats
from detection.suppression import Merged, average_alike, join_parts, merge_neighbors, suppress


def quad(x: float, y: float, width: float, height: float, degrees: float = 0) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def overlap(a: Floats, b: Floats) -> float:
    one, other = shapely.Polygon(a), shapely.Polygon(b)
    return float(one.intersection(other).area / one.union(other).area)


def random_quads(count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Quads around a few places, as the cells of a few lines give them."""
    rng = np.random.default_rng(seed)
    quads = []
    for _ in range(count):
        x, y = rng.integers(0, 3, 2) * (150, 60) + rng.normal(100, 4, 2)
        quads.append(quad(x, y, rng.normal(120, 12), rng.normal(24, 2), rng.normal(0, 3)))
    return np.array(quads, np.float32).reshape(-1, 4, 2), rng.uniform(0.5, 1, count).astype("f4")


def all_of(quads: Floats, weights: Floats) -> Merged:
    return Merged(quads, weights, np.ones(len(quads), np.float32))


def test_nothing() -> None:
    merged = merge_neighbors(all_of(*random_quads(0)), 0.5)
    assert merged.quads.shape == (0, 4, 2)
    assert suppress(merged, 0.2).quads.shape == (0, 4, 2)
    assert join_parts(merged)[0].shape == (0, 6)


def test_merging_is_a_weighted_mean_of_runs() -> None:
    quads, scores = random_quads(60)
    expected: list[tuple[Floats, float]] = []
    for one, score in zip(quads.astype(float), scores.astype(float), strict=True):
        if expected and overlap(expected[-1][0], one) > 0.5:
            last, weight = expected.pop()
            one, score = (last * weight + one * score) / (weight + score), weight + score
        expected.append((one, score))
    merged = merge_neighbors(all_of(quads, scores), 0.5)
    assert 3 < len(expected) < 60
    np.testing.assert_allclose(merged.quads, [one for one, _ in expected], atol=1e-2)
    np.testing.assert_allclose(merged.weights, [weight for _, weight in expected], rtol=1e-5)
    assert merged.counts.sum() == 60
    assert (merged.weights / merged.counts <= 1).all()


def test_neighbors_that_agree_are_averaged_first() -> None:
    quads = np.array([quad(100 + x, 100, 120, 24) for x in (0, 1, 2, 40, 41)])
    scores = np.array([0.5, 1, 0.5, 1, 1], np.float32)
    chain = np.arange(4), np.arange(1, 5)
    merged = average_alike(quads, scores, *chain)
    np.testing.assert_allclose(merged.quads.mean(axis=1)[:, 0], [101, 140.5], atol=1e-4)
    assert merged.weights.tolist() == [2, 2] and merged.counts.tolist() == [3, 2]
    none = np.zeros(0, np.intp)
    np.testing.assert_allclose(average_alike(quads, scores, none, none).quads, quads, atol=1e-4)


def test_the_order_of_corners_does_not_matter() -> None:
    quads, scores = random_quads(60)
    rng = np.random.default_rng(1)
    rolled = np.array([np.roll(one, rng.integers(4), axis=0) for one in quads])
    a, b = (merge_neighbors(all_of(some, scores), 0.5) for some in (quads, rolled))
    np.testing.assert_allclose(a.quads.mean(1), b.quads.mean(1), atol=1e-2)
    assert all(overlap(one, other) > 0.999 for one, other in zip(a.quads, b.quads, strict=True))


def test_suppression_keeps_the_best_of_each_heap() -> None:
    quads, weights = random_quads(80, seed=2)
    kept: list[int] = []
    for i in np.argsort(-weights, kind="stable"):
        if all(overlap(quads[i], quads[j]) <= 0.2 for j in kept):
            kept.append(int(i))
    np.testing.assert_array_equal(suppress(all_of(quads, weights), 0.2).quads, quads[kept])


@pytest.mark.parametrize("degrees", [-90, -60, -45, -10, 0, 30, 45, 90, 180])
def test_parts_that_overlap_along_a_line_are_joined(degrees: float) -> None:
    whole = quad(400, 300, 500, 24, degrees)
    along = (whole[1] - whole[0]) / 500
    parts = [quad(*(whole.mean(0) + along * at), 200, 24, degrees) for at in (-150, 0, 150)]
    rows, weights, counts = join_parts(all_of(np.array(parts), np.ones(3, np.float32)))
    assert len(rows) == 1 and weights[0] == 3 and counts[0] == 3
    np.testing.assert_allclose(rows[0, :2], whole.mean(0), atol=0.1)
    np.testing.assert_allclose(rows[0, 4:], [500, 24], atol=0.5)


@pytest.mark.parametrize(
    "other",
    [
        quad(400, 324, 200, 24),  # the next row
        quad(400, 315, 200, 24),  # overlapping, but beside it
        quad(520, 300, 20, 24),  # beyond its end
        quad(400, 300, 200, 24, 20),  # across it
        quad(400, 300, 200, 60),  # larger letters
    ],
)
def test_other_lines_are_not_joined(other: Floats) -> None:
    both = np.array([quad(400, 300, 200, 24), other])
    assert len(join_parts(all_of(both, np.ones(2, np.float32)))[0]) == 2
