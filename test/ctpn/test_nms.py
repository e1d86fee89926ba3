"""Suppression: numpy is the definition, a naive loop defines numpy, compiled code equals both."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ctpn import nms
from ctpn.nms import nms_numpy


def _naive(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """Greedy suppression written out, one pair at a time, in the same float32 arithmetic."""
    order = sorted(range(len(boxes)), key=lambda i: (-scores[i], i))
    kept: list[int] = []
    for i in order:
        if not any(_over(boxes[k], boxes[i], np.float32(threshold)) for k in kept):
            kept.append(i)
    return kept


def _over(a: np.ndarray, b: np.ndarray, threshold: np.float32) -> bool:
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    size_a, size_b = np.maximum(a[2:] - a[:2], 0), np.maximum(b[2:] - b[:2], 0)
    shared = sides[0] * sides[1]
    return bool(shared > threshold * (size_a[0] * size_a[1] + size_b[0] * size_b[1] - shared))


def _random(rng: np.random.Generator, count: int, *, whole: bool) -> np.ndarray:
    corner = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 40, (count, 2))], axis=1)
    return (np.round(boxes) if whole else boxes).astype(np.float32)


def _strips(rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes as the detector has them: 16 wide, on the grid."""
    left = rng.integers(0, 12, count) * 16.0
    top = rng.uniform(0, 300, count)
    return np.stack([left, top, left + 16, top + rng.uniform(8, 60, count)], 1).astype(np.float32)


@pytest.fixture(params=["numpy", "cython"])
def suppress(request: pytest.FixtureRequest) -> nms.Suppress:
    if request.param == "cython":
        pytest.importorskip("ctpn.nms.nms_cython", reason="setup-cpu.sh compiles it")
    return nms.implementation(request.param)


def test_empty(suppress: nms.Suppress) -> None:
    kept = suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5)
    assert kept.shape == (0,) and kept.dtype == np.intp


def test_one(suppress: nms.Suppress) -> None:
    box = np.array([[0, 0, 4, 4]], np.float32)
    assert suppress(box, np.ones(1, np.float32), 0.5).tolist() == [0]


def test_identical_boxes_leave_the_best_one(suppress: nms.Suppress) -> None:
    boxes = np.tile(np.array([[3, 3, 19, 40]], np.float32), (700, 1))
    scores = np.linspace(0, 1, 700, dtype=np.float32)
    assert suppress(boxes, scores, 0.5).tolist() == [699]


def test_ties_keep_input_order(suppress: nms.Suppress) -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10]], np.float32)
    assert suppress(boxes, np.full(3, 0.5, np.float32), 0.5).tolist() == [0, 2]


def test_an_overlap_equal_to_the_threshold_is_allowed(suppress: nms.Suppress) -> None:
    boxes = np.array([[0, 0, 16, 20], [0, 10, 16, 20]], np.float32)  # IoU exactly 0.5
    scores = np.array([0.9, 0.8], np.float32)
    assert suppress(boxes, scores, 0.5).tolist() == [0, 1]
    assert suppress(boxes, scores, 0.499).tolist() == [0]


def test_a_suppressed_box_suppresses_nothing(suppress: nms.Suppress) -> None:
    boxes = np.array([[0, 0, 16, 20], [0, 8, 16, 28], [0, 16, 16, 36]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    assert suppress(boxes, scores, 0.3).tolist() == [0, 2]


def test_boxes_without_area_neither_suppress_nor_fall(suppress: nms.Suppress) -> None:
    boxes = np.array([[0, 0, 10, 10], [2, 2, 2, 8], [2, 2, 2, 8], [5, 5, 3, 9]], np.float32)
    scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    assert suppress(boxes, scores, 0.1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("count", [2, 7, 60, 180])
def test_equals_the_naive_loop(suppress: nms.Suppress, threshold: float, count: int) -> None:
    rng = np.random.default_rng(count)
    cases = [_random(rng, count, whole=False), _random(rng, count, whole=True)]
    for boxes in [*cases, _strips(rng, count)]:
        # Few distinct scores make many ties.
        scores = rng.integers(0, 9, count).astype(np.float32) / 8
        assert suppress(boxes, scores, threshold).tolist() == _naive(boxes, scores, threshold)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    boxes, scores = _strips(rng, 300), rng.uniform(size=300).astype(np.float32)
    whole = nms_numpy.suppress(boxes, scores, 0.3).tolist()
    monkeypatch.setattr(nms_numpy, "BLOCK", 7)
    assert nms_numpy.suppress(boxes, scores, 0.3).tolist() == whole


def test_input_is_left_alone(suppress: nms.Suppress) -> None:
    rng = np.random.default_rng(6)
    boxes, scores = _strips(rng, 50), rng.uniform(size=50).astype(np.float32)
    before = boxes.copy(), scores.copy()
    suppress(boxes, scores, 0.3)
    np.testing.assert_array_equal(boxes, before[0])
    np.testing.assert_array_equal(scores, before[1])


def test_thousands_of_strips_take_a_moment(suppress: nms.Suppress) -> None:
    rng = np.random.default_rng(7)
    boxes, scores = _strips(rng, 5000), rng.uniform(size=5000).astype(np.float32)
    start = time.process_time()
    suppress(boxes, scores, 0.3)
    assert (
        time.process_time() - start < 2
    )  # about 0.05 s; a loop over pairs in Python takes minutes


def test_unknown_implementation() -> None:
    with pytest.raises(ValueError, match="cuda9"):
        nms.implementation("cuda9")
