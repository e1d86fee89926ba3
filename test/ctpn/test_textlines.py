"""Text lines: linking, dividing, fitting and joining of proposals that are not perfect."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ctpn.proposals import Proposals
from ctpn.textlines import connect

PLAIN = np.nan
"""An end that a proposal does not tell, so that the cell's own edge counts."""


def _proposals(
    columns: np.ndarray | range, middle: np.ndarray | float, height: np.ndarray | float = 20.0
) -> Proposals:
    columns = np.asarray(columns, np.float32)
    middle = np.broadcast_to(np.asarray(middle, np.float32), columns.shape)
    half = np.broadcast_to(np.asarray(height, np.float32), columns.shape) / 2
    boxes = np.stack([columns * 16, middle - half, columns * 16 + 16, middle + half], axis=1)
    ends = np.full((len(columns), 3), PLAIN, np.float32)
    return Proposals(boxes, np.full(len(columns), 0.9, np.float32), ends)


def _together(*groups: Proposals) -> Proposals:
    return Proposals(*(np.concatenate(parts) for parts in zip(*groups, strict=True)))


def _bounds(quads: np.ndarray) -> list[list[float]]:
    boxes = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
    return sorted(np.round(boxes, 3).tolist())


def test_no_proposals_are_no_lines() -> None:
    lines = connect(_proposals(range(0), 50.0))
    assert lines.quads.shape == (0, 4, 2) and lines.scores.shape == lines.counts.shape == (0,)


def test_one_proposal_is_one_line() -> None:
    lines = connect(_proposals([4], 50.0))
    assert _bounds(lines.quads) == [[64, 40, 80, 60]] and lines.counts.tolist() == [1]


def test_a_row_of_proposals_is_one_box_clockwise_from_the_top_left() -> None:
    lines = connect(_proposals(range(2, 10), 50.0))
    np.testing.assert_allclose(
        lines.quads[0], [[32, 40], [160, 40], [160, 60], [32, 60]], atol=1e-3
    )
    assert lines.counts.tolist() == [8] and lines.scores[0] == pytest.approx(0.9)


def test_order_of_proposals_does_not_matter() -> None:
    proposals = _together(_proposals(range(2, 10), 50.0), _proposals(range(3, 7), 90.0, 30.0))
    rng = np.random.default_rng(0)
    expected = _bounds(connect(proposals).quads)
    for _ in range(5):
        order = rng.permutation(len(proposals.boxes))
        assert _bounds(connect(Proposals(*(part[order] for part in proposals))).quads) == expected


def test_missing_proposals_are_bridged_and_wide_gaps_divide() -> None:
    row = [2, 3, 4, 6, 7, 8]
    assert len(connect(_proposals(row, 50.0)).quads) == 1
    assert len(connect(_proposals([2, 3, 4, 9, 10, 11], 50.0)).quads) == 2
    # The same gap is a space between large letters.
    assert len(connect(_proposals([2, 3, 4, 9, 10, 11], 60.0, 90.0)).quads) == 1


def test_refined_ends_decide_whether_a_gap_divides() -> None:
    proposals = _proposals([2, 3, 5, 6], 50.0, 20.0)
    assert len(connect(proposals).quads) == 1
    proposals.ends[1, 0], proposals.ends[2, 0] = (
        58.0,
        86.0,
    )  # 28 pixels of background at a height of 20
    assert len(connect(proposals).quads) == 2


def test_line_ends_follow_plausible_side_refinement_only() -> None:
    proposals = _proposals(range(2, 8), 50.0)
    proposals.ends[0, 0], proposals.ends[5, 0] = 27.0, 133.0
    np.testing.assert_allclose(_bounds(connect(proposals).quads), [[27, 40, 133, 60]])
    proposals.ends[0, 0], proposals.ends[5, 0] = 400.0, -900.0
    np.testing.assert_allclose(_bounds(connect(proposals).quads), [[32, 40, 128, 60]])


def test_lines_below_each_other_and_sizes_stay_apart() -> None:
    proposals = _together(
        _proposals(range(2, 20), 50.0, 18.0),
        _proposals(range(2, 20), 70.0, 18.0),
        _proposals(range(20, 28), 62.0, 60.0),
    )
    assert len(connect(proposals).quads) == 3


@pytest.mark.parametrize("degrees", [-20, -10, 5, 15, 20])
def test_slanted_lines_have_upright_short_sides(degrees: float) -> None:
    columns = np.arange(2, 30)
    slope = np.tan(np.deg2rad(degrees))
    quad = connect(_proposals(columns, 250 + slope * columns * 16, 26.0)).quads[0]
    top, left = quad[1] - quad[0], quad[3] - quad[0]
    assert np.rad2deg(np.arctan2(top[1], top[0])) == pytest.approx(degrees, abs=0.2)
    assert abs(top @ left) / np.linalg.norm(top) / np.linalg.norm(left) < 0.01
    assert np.linalg.norm(left) == pytest.approx(26 * np.cos(np.deg2rad(degrees)), abs=0.2)


def test_noise_of_single_proposals_averages_out() -> None:
    rng = np.random.default_rng(3)
    columns = np.arange(2, 40)
    proposals = _proposals(columns, 80 + rng.normal(0, 1.5, 38), 22 + rng.normal(0, 1.5, 38))
    quad = connect(proposals).quads[0]
    np.testing.assert_allclose(quad[:, 1], [69, 69, 91, 91], atol=1.5)


def test_short_words_take_the_slope_of_the_page() -> None:
    slope = np.tan(np.deg2rad(8))
    columns = np.arange(2, 30)
    long = [_proposals(columns, y + slope * columns * 16) for y in (60.0, 120.0, 180.0)]
    for columns in ([5], [5, 6]):
        lines = connect(_together(*long, _proposals(columns, 300.0)))
        top = next(q[1] - q[0] for q in lines.quads if q[0, 1] > 250)
        assert 0.4 * slope < top[1] / top[0] < 1.1 * slope


def test_lines_that_continue_each_other_are_joined() -> None:
    # One proposal between them is far too high to link to either side.
    proposals = _together(_proposals(range(2, 9), 50.0), _proposals(range(10, 18), 51.0))
    proposals = _together(proposals, _proposals([9], 50.0, 60.0))
    lines = connect(proposals)
    assert sorted(lines.counts.tolist()) == [1, 15]


def test_columns_of_text_are_not_joined() -> None:
    rows = [
        _together(_proposals(range(2, 12), y), _proposals(range(14, 24), y)) for y in (40.0, 70.0)
    ]
    assert len(connect(_together(*rows)).quads) == 4


def test_random_proposals_give_finite_quads() -> None:
    rng = np.random.default_rng(4)
    for count in (2, 3, 10, 200):
        proposals = _proposals(
            rng.integers(0, 30, count), rng.uniform(0, 400, count), rng.uniform(4, 400, count)
        )
        proposals.ends[:] = rng.uniform(-100, 600, proposals.ends.shape)
        lines = connect(proposals)
        assert np.isfinite(lines.quads).all() and lines.counts.sum() == count
        x = lines.quads[:, :, 0]
        assert ((x[:, 1] + x[:, 2]) > (x[:, 0] + x[:, 3])).all()


def test_thousands_of_proposals_take_milliseconds() -> None:
    proposals = _together(*[_proposals(range(2, 62), 20 + 25.0 * i, 17.0) for i in range(50)])
    connect(proposals)
    spent = []
    for _ in range(5):
        start = time.process_time()
        lines = connect(proposals)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.1  # about 0.003 s
    assert len(lines.quads) == 50
