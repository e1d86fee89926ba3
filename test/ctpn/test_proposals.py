"""Proposals: maps to proposals, with thresholds, borders, and maps nobody should have sent."""

from __future__ import annotations

import numpy as np
import pytest

from ctpn.anchors import encode_vertical
from ctpn.proposals import propose


def _maps(rows: int = 8, cols: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grid = (rows, cols, 10)
    return np.zeros(grid, np.float32), np.zeros((*grid, 2), np.float32), np.zeros(grid, np.float32)


def test_a_blank_picture_gives_nothing() -> None:
    found = propose(*_maps())
    assert found.boxes.shape == (0, 4) and found.scores.shape == (0,) and found.ends.shape == (0, 3)


def test_an_empty_grid_gives_nothing() -> None:
    assert len(propose(*_maps(0, 0)).boxes) == 0


def test_one_positive_anchor_gives_one_proposal_of_its_box() -> None:
    scores, deltas, sides = _maps()
    scores[3, 4, 2] = 0.9
    deltas[3, 4, 2] = encode_vertical(np.float32(40), np.float32(71), np.intp(3), np.intp(2))
    sides[3, 4, 2], sides[3, 3, 2], sides[3, 5, 2] = 0.25, 1.0, -0.5
    found = propose(scores, deltas, sides)
    np.testing.assert_allclose(found.boxes, [[64, 40, 80, 71]], atol=1e-3)
    np.testing.assert_allclose(found.ends, [[76, 72, 80]], atol=1e-3)
    assert found.scores.tolist() == [np.float32(0.9)]


def test_cells_at_the_border_tell_the_border_as_line_end() -> None:
    scores, deltas, sides = _maps()
    scores[3, 0, 2] = scores[5, 9, 2] = 0.9
    found = propose(scores, deltas, sides)
    assert found.ends[found.boxes[:, 0] == 0, 1] == 0
    assert found.ends[found.boxes[:, 0] == 144, 2] == 160


def test_only_the_best_anchor_of_a_proposal_is_kept() -> None:
    scores, deltas, sides = _maps()
    for row, anchor, score in ((2, 2, 0.7), (3, 2, 0.8), (3, 3, 0.95), (4, 4, 0.9)):
        scores[row, 5, anchor] = score
        deltas[row, 5, anchor] = encode_vertical(
            np.float32(40), np.float32(70), np.intp(row), np.intp(anchor)
        )
    found = propose(scores, deltas, sides)
    assert found.scores.tolist() == [np.float32(0.95)]


def test_proposals_stay_inside_the_picture() -> None:
    rng = np.random.default_rng(0)
    scores, deltas, sides = _maps()
    scores[:] = rng.uniform(0.5, 1, scores.shape)
    deltas[:] = rng.normal(0, 3, deltas.shape)
    boxes = propose(scores, deltas, sides).boxes
    assert len(boxes) and (boxes >= 0).all()
    assert (boxes[:, 2] <= 160).all() and (boxes[:, 3] <= 128).all()
    heights = boxes[:, 3] - boxes[:, 1]
    assert (heights >= 4).all()
    high = propose(scores, deltas, sides, min_height=float(np.median(heights))).boxes
    assert 0 < len(high) < len(boxes)


def test_proposals_are_sorted_by_score_and_reach_the_threshold() -> None:
    rng = np.random.default_rng(1)
    scores, deltas, sides = _maps()
    scores[:] = rng.uniform(0, 1, scores.shape)
    kept = propose(scores, deltas, sides, threshold=0.8).scores
    assert (np.diff(kept) <= 0).all() and kept.min() >= 0.8


def test_nan_in_the_maps_gives_no_proposals() -> None:
    scores, deltas, sides = _maps()
    scores[:] = np.nan
    assert len(propose(scores, deltas, sides).boxes) == 0
    scores[:], deltas[:] = 0.9, np.nan
    assert len(propose(scores, deltas, sides).boxes) == 0


def test_maps_of_noise_give_a_bounded_number_of_proposals() -> None:
    rng = np.random.default_rng(2)
    scores, deltas, sides = _maps(40, 40)
    scores[:] = rng.uniform(0.7, 1, scores.shape)
    found = propose(scores, deltas, sides, max_candidates=100)
    assert 0 < len(found.boxes) <= 100
    assert found.scores[0] == scores.max()


@pytest.mark.parametrize(
    ("which", "shape"), [(0, (8, 10)), (0, (8, 10, 9)), (1, (8, 10, 10)), (2, (8, 9, 10))]
)
def test_maps_that_do_not_fit_are_refused(which: int, shape: tuple[int, ...]) -> None:
    maps = list(_maps())
    maps[which] = np.zeros(shape, np.float32)
    with pytest.raises(ValueError, match=r"scores|deltas"):
        propose(*maps)
