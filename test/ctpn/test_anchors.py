"""Anchors: encoding and decoding undo each other, and overlaps are what geometry says."""

from __future__ import annotations

import numpy as np
import pytest

from ctpn.anchors import (
    ANCHOR_HEIGHTS,
    STRIDE,
    cell_centers,
    decode_side,
    decode_vertical,
    encode_side,
    encode_vertical,
    vertical_iou,
)


def test_the_ten_heights_of_the_paper() -> None:
    assert ANCHOR_HEIGHTS.tolist() == [11, 16, 23, 33, 48, 68, 97, 139, 198, 283]
    ratios = ANCHOR_HEIGHTS[:-1] / ANCHOR_HEIGHTS[1:]
    assert ((ratios > 0.66) & (ratios < 0.72)).all()


def test_no_anchors_give_no_edges() -> None:
    none = np.zeros(0, np.intp)
    top, bottom = decode_vertical(np.zeros((0, 2), np.float32), none, none)
    assert top.shape == bottom.shape == (0,)


def test_zero_offsets_are_the_anchor_itself() -> None:
    rows, anchors = np.arange(10), np.arange(10)
    top, bottom = decode_vertical(np.zeros((10, 2), np.float32), rows, anchors)
    np.testing.assert_allclose(bottom - top, ANCHOR_HEIGHTS)
    np.testing.assert_allclose((top + bottom) / 2, rows * STRIDE + STRIDE / 2)


def test_vertical_round_trip() -> None:
    rng = np.random.default_rng(0)
    top = rng.uniform(-50, 900, 500).astype(np.float32)
    bottom = top + rng.uniform(4, 400, 500).astype(np.float32)
    rows, anchors = rng.integers(0, 60, 500), rng.integers(0, 10, 500)
    again = decode_vertical(encode_vertical(top, bottom, rows, anchors), rows, anchors)
    np.testing.assert_allclose(again, (top, bottom), atol=1e-3)


def test_side_round_trip_and_sign() -> None:
    cols = np.array([0, 3, 9])
    x = np.array([20.0, 40.0, 152.0], np.float32)
    offsets = encode_side(x, cols)
    assert offsets[0] > 0 > offsets[1] and offsets[2] == 0
    np.testing.assert_allclose(decode_side(offsets, cols), x)


def test_wild_predictions_stay_finite() -> None:
    deltas = np.array([[1e4, 1e4], [-1e4, -1e4]], np.float32)
    edges = np.stack(decode_vertical(deltas, np.array([0, 0]), np.array([9, 0])))
    assert np.isfinite(edges).all() and (edges[1] > edges[0]).all()


@pytest.mark.parametrize("anchor", range(10))
def test_overlap_of_an_anchor_with_itself_is_one(anchor: int) -> None:
    middle, half = cell_centers(4), ANCHOR_HEIGHTS[anchor] / 2
    iou = vertical_iou(np.array([middle - half]), np.array([middle + half]), rows=9)
    assert iou.shape == (1, 9, 10)
    assert np.unravel_index(iou[0].argmax(), (9, 10)) == (4, anchor)
    assert iou.max() == pytest.approx(1) and iou.min() >= 0


def test_overlap_equals_the_formula_by_hand() -> None:
    iou = vertical_iou(np.array([0.0]), np.array([16.0]), rows=2)
    assert iou[0, 0, 1] == pytest.approx(1)
    assert iou[0, 1, 1] == 0
    # Anchor 2 of row 0 spans -3.5 to 19.5 and holds the proposal whole.
    assert iou[0, 0, 2] == pytest.approx(16 / 23)
