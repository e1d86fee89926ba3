"""Targets: which anchors are text, which are left out, where ends are learned, and how fast."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ctpn.anchors import decode_side, decode_vertical
from ctpn.targets import assign, level_corners

SIZE = (256, 320)


def _box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def _assign(*quads: np.ndarray, ignore: tuple[int, ...] = ()):  # noqa: ANN202
    flags = np.array([i in ignore for i in range(len(quads))], np.bool_)
    return assign(np.array(quads, np.float32).reshape(-1, 4, 2), flags, SIZE)


def test_page_without_lines_is_background_everywhere() -> None:
    targets = _assign()
    assert targets.labels.shape == (16, 20, 10) and not targets.labels.any()
    assert not targets.side_mask.any()


def test_targets_have_documented_types_and_shapes() -> None:
    targets = _assign(_box(40, 40, 200, 60))
    assert targets.labels.dtype == np.int8 and targets.side_mask.dtype == np.bool_
    assert targets.deltas.shape == (16, 20, 10, 2) and targets.deltas.dtype == np.float32
    assert targets.sides.shape == (16, 20, 10) and targets.sides.dtype == np.float32


def test_size_that_is_no_multiple_of_16_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        assign(np.zeros((0, 4, 2), np.float32), np.zeros(0, np.bool_), (100, 96))


def test_every_text_anchor_decodes_to_its_line() -> None:
    targets = _assign(_box(40, 44, 200, 66))
    row, col, anchor = np.nonzero(targets.labels == 1)
    top, bottom = decode_vertical(targets.deltas[row, col, anchor], row, anchor)
    np.testing.assert_allclose(top, 44, atol=1e-3)
    np.testing.assert_allclose(bottom, 66, atol=1e-3)
    # The line covers half of the cells 2 and 12 and all between.
    assert sorted(set(col.tolist())) == list(range(2, 13))


def test_a_slanted_line_has_proposals_of_its_local_height() -> None:
    quad = np.array([[32, 100], [288, 60], [288, 90], [32, 140]], np.float32)
    targets = _assign(quad)
    row, col, anchor = np.nonzero(targets.labels == 1)
    top, bottom = decode_vertical(targets.deltas[row, col, anchor], row, anchor)
    along = (col * 16 + 8 - 32) / 256
    np.testing.assert_allclose(top, 100 - 40 * along, atol=0.01)
    np.testing.assert_allclose(bottom, 140 - 50 * along, atol=0.01)


def test_cell_covered_by_less_than_a_quarter_is_ignored() -> None:
    targets = _assign(_box(32, 40, 99, 60))  # 3 pixels of cell 6
    assert (targets.labels[:, 5] == 1).any()
    assert not (targets.labels[:, 6] == 1).any() and (targets.labels[:, 6] == -1).any()
    assert not targets.labels[:, 7].any()


def test_line_narrower_than_a_quarter_cell_still_has_one_text_cell() -> None:
    targets = _assign(_box(98, 40, 101, 60))
    assert np.unique(np.nonzero(targets.labels == 1)[1]).tolist() == [6]


def test_side_offsets_point_at_the_nearest_end() -> None:
    targets = _assign(_box(53, 40, 219, 60))
    row, col, anchor = np.nonzero(targets.side_mask)
    x = decode_side(targets.sides[row, col, anchor], col)
    np.testing.assert_allclose(x, np.where(col < 9, 53, 219), atol=1e-3)
    assert (np.abs(x - (col * 16 + 8)) <= 32).all()
    # One cell outside each end is learned too: cell 2 ends at 48, cell 14 begins at 224.
    assert {2, 14} <= set(col.tolist()) and not {1, 15} & set(col.tolist())


def test_line_ends_outside_the_picture_have_no_side_targets() -> None:
    targets = _assign(_box(-40, 40, 500, 60))
    assert (targets.labels == 1).any() and not targets.side_mask.any()


def test_side_targets_of_a_single_proposal_are_in_the_cells_beside_it() -> None:
    targets = _assign(_box(98, 40, 109, 60))
    assert np.unique(np.nonzero(targets.labels == 1)[1]).tolist() == [6]
    row, col, anchor = np.nonzero(targets.side_mask)
    assert sorted(set(col.tolist())) == [5, 7]
    x = decode_side(targets.sides[row, col, anchor], col)
    np.testing.assert_allclose(x, np.where(col == 5, 98, 109), atol=1e-3)


def test_ignored_lines_are_left_out_of_both_classes() -> None:
    targets = _assign(_box(40, 40, 200, 60), ignore=(0,))
    assert not (targets.labels == 1).any() and (targets.labels == -1).any()
    assert not targets.side_mask.any()
    # Small anchors inside a large ignored block overlap it little, and are left out all the same.
    block = _assign(_box(40, 40, 200, 200), ignore=(0,))
    assert (block.labels[4:11, 4:11, 0] == -1).all()


def test_text_over_an_ignored_block_stays_text() -> None:
    line, block = _box(60, 100, 180, 120), _box(40, 60, 200, 160)
    alone, both = _assign(line), _assign(block, line, ignore=(0,))
    np.testing.assert_array_equal(both.labels == 1, alone.labels == 1)


def test_unreadable_and_barely_visible_lines_are_left_out() -> None:
    for quad in (_box(40, 40, 200, 43), _box(40, -18, 200, 8)):
        targets = _assign(quad)
        assert not (targets.labels == 1).any() and (targets.labels == -1).any()


def test_a_line_cut_at_the_top_ends_at_the_border() -> None:
    targets = _assign(_box(40, -6, 200, 24))
    row, col, anchor = np.nonzero(targets.labels == 1)
    top, bottom = decode_vertical(targets.deltas[row, col, anchor], row, anchor)
    np.testing.assert_allclose(top, 0, atol=1e-3)
    np.testing.assert_allclose(bottom, 24, atol=1e-3)


def test_lines_far_outside_change_nothing() -> None:
    far = [_box(-900, 40, -700, 60), _box(40, 900, 200, 930), _box(40, -90, 200, -60)]
    targets = _assign(*far)
    assert not targets.labels.any() and not targets.side_mask.any()


def test_flat_quads_are_harmless() -> None:
    point = np.full((4, 2), 50, np.float32)
    upright = np.array([[50, 20], [50, 20], [50, 90], [50, 90]], np.float32)
    for quad in (point, upright, point + [0, 900]):
        targets = _assign(quad)
        assert np.isfinite(targets.deltas).all() and np.isfinite(targets.sides).all()


def test_anchors_where_lines_meet_take_all_targets_from_one_line() -> None:
    targets = _assign(_box(40, 40, 200, 70), _box(40, 60, 200, 90))
    row, col, anchor = np.nonzero(targets.labels == 1)
    edges = np.stack(decode_vertical(targets.deltas[row, col, anchor], row, anchor), 1)
    first = np.abs(edges - [40, 70]).max(1) < 0.01
    second = np.abs(edges - [60, 90]).max(1) < 0.01
    assert (first | second).all() and first.any() and second.any()


def test_order_of_lines_does_not_matter() -> None:
    quads = [_box(20, 20 + 40 * i, 200 + 10 * i, 44 + 40 * i) for i in range(5)]
    one, other = _assign(*quads), _assign(*quads[::-1])
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_level_corners_start_with_the_edge_to_the_right() -> None:
    box = _box(10, 20, 60, 40)
    for turn in range(4):
        np.testing.assert_array_equal(level_corners(np.roll(box, turn, axis=0)[None])[0], box)


def test_a_training_crop_takes_milliseconds() -> None:
    quads = np.stack(
        [
            _box(10 + 250 * (i % 2), 12 + 24 * (i // 2), 240 + 250 * (i % 2), 30 + 24 * (i // 2))
            for i in range(40)
        ]
    )
    ignore = np.zeros(40, np.bool_)
    assign(quads, ignore, (512, 512))
    spent = []
    for _ in range(5):
        start = time.process_time()
        assign(quads, ignore, (512, 512))
        spent.append(time.process_time() - start)
    assert min(spent) < 0.1  # about 0.005 s
