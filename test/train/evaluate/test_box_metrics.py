"""The ICDAR protocols on cases small enough to work out by hand, and what must hold for any boxes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("shapely")

from train.evaluate.box_metrics import BoxCounts, deteval, icdar2015


def quad(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


LINE = quad(0, 0, 100, 20)
PROTOCOLS = pytest.mark.parametrize("protocol", [icdar2015, deteval])
Protocol = Callable[..., BoxCounts]


@PROTOCOLS
def test_empty_truth_or_result_has_defined_figures(protocol: Protocol) -> None:
    empty = protocol([], [], [])
    assert (empty.recall, empty.precision, empty.hmean) == (1, 1, 1)
    missed = protocol([], [LINE], [False])
    assert (missed.recall, missed.precision, missed.hmean) == (0, 0, 0)
    made_up = protocol([LINE], [], [])
    assert (made_up.recall, made_up.precision, made_up.hmean) == (1, 0, 0)


@PROTOCOLS
def test_perfect_boxes_score_one_and_far_boxes_zero(protocol: Protocol) -> None:
    true = [quad(0, 30 * i, 100, 30 * i + 20) for i in range(4)]
    assert protocol(true[::-1], true, [False] * 4).hmean == 1
    assert protocol([quad(500, 500, 600, 520)], true, [False] * 4) == BoxCounts(0, 0, 4, 1)


@PROTOCOLS
def test_ignored_text_counts_neither_as_found_nor_as_missed(protocol: Protocol) -> None:
    true, ignore = [LINE, quad(0, 50, 100, 70)], [False, True]
    found = [
        LINE,
        quad(10, 50, 60, 70),
        quad(50, 51, 90, 69),
    ]  # several may lie in one ignored region
    assert protocol(found, true, ignore) == BoxCounts(1, 1, 1, 1)
    assert protocol([LINE], true, ignore) == BoxCounts(1, 1, 1, 1)
    all_ignored = protocol(found[1:], true[1:], ignore[1:])
    assert (all_ignored.n_true, all_ignored.n_pred, all_ignored.hmean) == (0, 0, 1)


@PROTOCOLS
def test_wrong_number_of_flags(protocol: Protocol) -> None:
    with pytest.raises(ValueError, match="1 true regions but 2 flags"):
        protocol([], [LINE], [False, True])


@PROTOCOLS
def test_moved_and_scaled_boxes_have_equal_counts(protocol: Protocol) -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        corners = rng.uniform(0, 200, (12, 2))
        boxes = [
            quad(x, y, x + w, y + 15)
            for (x, y), w in zip(corners, rng.uniform(20, 120, 12), strict=True)
        ]
        true, found = (
            boxes[:6],
            [np.array(b) + rng.uniform(-8, 8, 2) for b in boxes[:6]] + boxes[6:],
        )
        ignore = (rng.random(6) < 0.3).tolist()
        counts = protocol(found, true, ignore)
        moved = [np.array(b) * 3 + 50 for b in found], [np.array(b) * 3 + 50 for b in true]
        assert protocol(*moved, ignore) == counts
        assert 0 <= counts.recall <= 1
        assert 0 <= counts.precision <= 1
        assert counts.n_true == 6 - sum(ignore)


def test_icdar2015_needs_more_than_half() -> None:
    assert icdar2015([quad(0, 0, 50, 20)], [LINE], [False]).recalled == 0  # IoU of exactly 0.5
    assert icdar2015([quad(0, 0, 51, 20)], [LINE], [False]).recalled == 1


def test_icdar2015_is_one_to_one() -> None:
    twice = [LINE, quad(1, 0, 100, 20)]
    assert icdar2015(twice, [LINE], [False]) == BoxCounts(1, 1, 1, 2)
    merged = [quad(0, 0, 100, 44)]
    true = [quad(0, 0, 100, 20), quad(0, 24, 100, 44)]
    assert icdar2015(merged, true, [False, False]) == BoxCounts(0, 0, 2, 1)


def test_icdar2015_matches_in_the_order_given() -> None:
    """The competition's program takes the first that fits, not the best."""
    true = [quad(0, 0, 100, 20), quad(0, 5, 100, 25)]
    found = [quad(0, 5, 100, 25)]
    assert icdar2015(found, true, [False, False]) == BoxCounts(1, 1, 2, 1)
    # The first true polygon takes the only found one that the second could have had.
    found = [quad(0, 4, 100, 24), quad(0, -5, 100, 15)]
    assert icdar2015(found, true, [False, False]).recalled == 1
    assert icdar2015(found[::-1], true, [False, False]).recalled == 2


def test_icdar2015_box_half_on_ignored_text_still_counts() -> None:
    true = [LINE, quad(50, 0, 150, 20)]
    exactly_half = [LINE]
    assert icdar2015(exactly_half, true, [False, True]) == BoxCounts(1, 1, 1, 1)
    more = [quad(48, 0, 102, 20)]
    assert icdar2015(more, true, [False, True]) == BoxCounts(0, 0, 1, 0)


def test_icdar2015_takes_any_polygon() -> None:
    hexagon = [[0, 10], [20, 0], [80, 0], [100, 10], [80, 20], [20, 20]]
    assert icdar2015([hexagon], [hexagon], [False]).hmean == 1
    bow_tie = [[0, 0], [100, 20], [100, 0], [0, 20]]
    assert icdar2015([bow_tie], [bow_tie], [False]).hmean == 1
    # Half of the upright box lies inside the bow tie's two triangles.
    assert icdar2015([LINE], [bow_tie], [False]).recalled == 0
    flat = [[0, 0], [100, 0], [100, 0], [0, 0]]
    assert icdar2015([flat], [LINE], [False]) == BoxCounts(0, 0, 1, 1)
    concave = [[0, 0], [100, 0], [100, 100], [90, 100], [90, 10], [0, 10]]
    assert icdar2015([quad(0, 0, 100, 100)], [concave], [False]).recalled == 0


def test_deteval_one_to_one_thresholds() -> None:
    assert deteval([(0, 0, 80, 20)], [LINE], [False]) == BoxCounts(1, 1, 1, 1)
    assert deteval([(0, 0, 79, 20)], [LINE], [False]) == BoxCounts(0, 0, 1, 1)
    assert deteval([(0, 0, 100, 50)], [LINE], [False]) == BoxCounts(1, 1, 1, 1)  # precision 0.4
    assert deteval([(0, 0, 100, 51)], [LINE], [False]) == BoxCounts(0, 0, 1, 1)


def test_deteval_line_found_in_pieces() -> None:
    pieces = [(0, 0, 30, 20), (32, 0, 60, 20), (61, 0, 100, 20)]
    counts = deteval(pieces, [LINE], [False])
    assert counts == BoxCounts(0.8, pytest.approx(2.4), 1, 3)
    assert counts.hmean == pytest.approx(0.8)
    too_little = deteval(pieces[:2], [LINE], [False])
    assert too_little == BoxCounts(0, 0, 1, 2)


def test_deteval_lines_found_in_one_box() -> None:
    true = [quad(0, 0, 40, 20), quad(50, 0, 100, 20)]
    assert deteval([LINE], true, [False, False]) == BoxCounts(2, 1, 2, 1)
    sparse = [quad(0, 0, 20, 20), quad(85, 0, 100, 20)]  # fills 0.35 of the box
    assert deteval([LINE], sparse, [False, False]) == BoxCounts(0, 0, 2, 1)


def test_deteval_pair_with_a_grazing_third() -> None:
    """A third box that touches takes the pair to the later rounds, where it still counts in full."""
    grazing = (99, 0, 140, 20)
    counts = deteval([LINE, grazing], [LINE], [False])
    assert counts == BoxCounts(1, 1, 1, 2)
    counts = deteval([LINE], [LINE, quad(99, 0, 140, 20)], [False, False])
    assert counts == BoxCounts(1, 1, 2, 1)


def test_deteval_takes_upright_bounds_of_corners() -> None:
    tilted = [[0, 5], [95, 0], [100, 15], [5, 20]]
    assert deteval([tilted], [(0, 0, 100, 20)], [False]) == deteval([LINE], [LINE], [False])


def test_counts_of_pictures_add_up() -> None:
    found_all = icdar2015([LINE], [LINE], [False])
    found_none = icdar2015([], [LINE, quad(0, 50, 9, 60), quad(0, 80, 9, 90)], [False] * 3)
    total = BoxCounts() + found_all + found_none
    assert (total.recall, total.precision) == (0.25, 1)
    assert total.hmean == pytest.approx(0.4)
