"""Suppression: a naive loop defines it; numpy, compiled code and the GPU's code give the same."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ctpn import nms
from ctpn.nms import build_cuda, nms_cuda, nms_numpy


def _naive(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """Greedy suppression written out, one pair at a time, in the same float32 arithmetic."""
    order = sorted(range(len(boxes)), key=lambda i: (-scores[i], i))
    over = _over(boxes, np.float32(threshold)).tolist()
    kept: list[int] = []
    for i in order:
        if not any(over[k][i] for k in kept):
            kept.append(i)
    return kept


def _over(boxes: np.ndarray, threshold: np.float32) -> np.ndarray:
    """Whether two boxes overlap by more than the threshold: (N, N)."""
    a, b = boxes[:, None], boxes[None]
    sides = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    area_a, area_b = (np.maximum(x[..., 2:] - x[..., :2], 0).prod(axis=-1) for x in (a, b))
    shared = sides.prod(axis=-1)
    over: np.ndarray = shared > threshold * (area_a + area_b - shared)
    return over


def _random(rng: np.random.Generator, count: int, *, whole: bool) -> np.ndarray:
    corner = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 40, (count, 2))], axis=1)
    return (np.round(boxes) if whole else boxes).astype(np.float32)


def _proposals(rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes as the detector has them: 16 wide, on the grid."""
    left = rng.integers(0, 12, count) * 16.0
    top = rng.uniform(0, 300, count)
    return np.stack([left, top, left + 16, top + rng.uniform(8, 60, count)], 1).astype(np.float32)


@pytest.fixture(scope="module")
def cuda_library(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Compiles the GPU's code once, if a test asks for it."""
    path = tmp_path_factory.mktemp("cuda") / "libnms_cuda.so"
    return lambda: path if path.exists() else build_cuda.build(path)


@pytest.fixture(
    params=[
        "numpy",
        "cython",
        # Compiling the GPU's code takes seconds.
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("cuda-host", "cuda")),
    ]
)
def suppress(
    request: pytest.FixtureRequest,
    cuda_library: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> nms.Suppress:
    if request.param == "cython":
        pytest.importorskip("ctpn.nms.nms_cython", reason="setup-cpu.sh compiles it")
    if not request.param.startswith("cuda"):
        return nms.implementation(request.param)
    if shutil.which("nvcc") is None:
        pytest.skip("no nvcc")
    monkeypatch.setattr(nms_cuda, "LIBRARY", cuda_library())
    try:
        return nms_cuda.load(on_host=request.param == "cuda-host")
    except OSError as error:
        assert request.param == "cuda" and "no GPU" in str(error)
        pytest.skip(str(error))


def test_no_boxes_give_no_boxes(suppress: nms.Suppress) -> None:
    kept = suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5)
    assert kept.shape == (0,) and kept.dtype == np.intp


def test_single_box_is_kept(suppress: nms.Suppress) -> None:
    box = np.array([[0, 0, 4, 4]], np.float32)
    assert suppress(box, np.ones(1, np.float32), 0.5).tolist() == [0]


def test_identical_boxes_leave_the_best_one(suppress: nms.Suppress) -> None:
    boxes = np.tile(np.array([[3, 3, 19, 40]], np.float32), (700, 1))
    scores = np.linspace(0, 1, 700, dtype=np.float32)
    assert suppress(boxes, scores, 0.5).tolist() == [699]


def test_boxes_of_equal_score_keep_their_order(suppress: nms.Suppress) -> None:
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


@functools.cache
def _cases(threshold: float) -> list[tuple[np.ndarray, np.ndarray, list[int]]]:
    """Boxes, scores, and what the naive loop keeps of them."""
    cases = []
    for count in (2, 7, 60, 130):
        rng = np.random.default_rng(count)
        whole, parts = _random(rng, count, whole=False), _random(rng, count, whole=True)
        for boxes in (whole, parts, _proposals(rng, count)):
            # Few distinct scores make many ties.
            scores = rng.integers(0, 9, count).astype(np.float32) / 8
            cases.append((boxes, scores, _naive(boxes, scores, threshold)))
    return cases


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.5, 0.7, 1.0])
def test_equals_the_naive_loop(suppress: nms.Suppress, threshold: float) -> None:
    for boxes, scores, expected in _cases(threshold):
        assert suppress(boxes, scores, threshold).tolist() == expected


@pytest.mark.parametrize("count", [63, 64, 65, 700])
def test_equals_numpy_at_word_borders(suppress: nms.Suppress, count: int) -> None:
    """The GPU's code keeps 64 boxes in a word of bits; few distinct scores make many ties."""
    rng = np.random.default_rng(count)
    halves = [_random(rng, count // 2, whole=True), _random(rng, count - count // 2, whole=False)]
    boxes, scores = np.concatenate(halves), rng.integers(0, 9, count).astype(np.float32) / 8
    for threshold in (0.0, 0.3, 0.5, 1.0):
        expected = nms_numpy.suppress(boxes, scores, threshold).tolist()
        assert suppress(boxes, scores, threshold).tolist() == expected


def test_a_second_block_of_the_gpu_changes_nothing(suppress: nms.Suppress) -> None:
    """4 096 rows are worked on at a time; one more begins a second block."""
    rng = np.random.default_rng(1)
    count = 4100
    boxes = _random(rng, count, whole=False)
    boxes = boxes + np.repeat(np.arange(count)[:, None] // 50 * 150, 4, axis=1).astype(np.float32)
    scores = rng.uniform(size=count).astype(np.float32)
    expected = nms_numpy.suppress(boxes, scores, 0.3).tolist()
    assert suppress(boxes, scores, 0.3).tolist() == expected


def test_result_does_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    boxes, scores = _proposals(rng, 300), rng.uniform(size=300).astype(np.float32)
    whole = nms_numpy.suppress(boxes, scores, 0.3).tolist()
    monkeypatch.setattr(nms_numpy, "BLOCK", 7)
    assert nms_numpy.suppress(boxes, scores, 0.3).tolist() == whole


def test_input_is_left_alone(suppress: nms.Suppress) -> None:
    rng = np.random.default_rng(6)
    boxes, scores = _proposals(rng, 50), rng.uniform(size=50).astype(np.float32)
    before = boxes.copy(), scores.copy()
    suppress(boxes, scores, 0.3)
    np.testing.assert_array_equal(boxes, before[0])
    np.testing.assert_array_equal(scores, before[1])


def test_thousands_of_proposals_are_suppressed_quickly(suppress: nms.Suppress) -> None:
    rng = np.random.default_rng(7)
    boxes, scores = _proposals(rng, 5000), rng.uniform(size=5000).astype(np.float32)
    start = time.process_time()
    suppress(boxes, scores, 0.3)
    assert (
        time.process_time() - start < 2
    )  # about 0.05 s; a loop over pairs in Python takes minutes


def test_unknown_implementation_is_refused() -> None:
    with pytest.raises(ValueError, match="cuda9"):
        nms.implementation("cuda9")


def test_implementation_that_is_not_built_is_named_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nms_cuda, "LIBRARY", tmp_path / "libnms_cuda.so")
    nms.implementation.cache_clear()
    with pytest.raises(ValueError, match=r"not built: run `python -m ctpn\.nms\.build_cuda`"):
        nms.implementation("cuda")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="nvcc is not on the PATH"):
        build_cuda.build(tmp_path / "x.so")
    assert list(tmp_path.iterdir()) == []
