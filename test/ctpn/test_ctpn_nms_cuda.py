"""Suppression on a GPU: it compiles where nvcc is, and its code equals numpy, on the host and on a GPU."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ctpn import nms
from ctpn.nms import build_cuda, nms_cuda, nms_numpy


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 40, (count, 2))], axis=1)
    boxes[: count // 2] = np.round(boxes[: count // 2])  # overlaps that equal the threshold
    return boxes.astype(np.float32)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("nvcc") is None:
        pytest.skip("no nvcc")
    return build_cuda.build(tmp_path_factory.mktemp("cuda") / "libnms_cuda.so")


@pytest.fixture(params=["host", "gpu"])
def suppress(
    request: pytest.FixtureRequest, built: Path, monkeypatch: pytest.MonkeyPatch
) -> nms.Suppress:
    monkeypatch.setattr(nms_cuda, "LIBRARY", built)
    try:
        return nms_cuda.load(on_host=request.param == "host")
    except OSError as error:
        assert request.param == "gpu" and "no GPU" in str(error)
        pytest.skip(str(error))


def test_few_and_none(suppress: nms.Suppress) -> None:
    none = suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5)
    assert none.shape == (0,) and none.dtype == np.intp
    one = np.array([[0, 0, 4, 4]], np.float32)
    assert suppress(one, np.ones(1, np.float32), 0.5).tolist() == [0]
    flat = np.array([[0, 0, 10, 10], [2, 2, 2, 8], [2, 2, 2, 8], [5, 5, 3, 9]], np.float32)
    assert suppress(flat, np.array([4, 3, 2, 1], np.float32), 0.1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("count", [2, 63, 64, 65, 700])
def test_equals_numpy(suppress: nms.Suppress, threshold: float, count: int) -> None:
    """Word borders of the bits lie at 64; few distinct scores make many ties."""
    rng = np.random.default_rng(count)
    boxes, scores = _boxes(rng, count), rng.integers(0, 9, count).astype(np.float32) / 8
    expected = nms_numpy.suppress(boxes, scores, threshold).tolist()
    assert suppress(boxes, scores, threshold).tolist() == expected


def test_blocks_do_not_show(suppress: nms.Suppress) -> None:
    """4 096 rows are worked on at a time; one more begins a second block."""
    rng = np.random.default_rng(1)
    count = 4100
    boxes = _boxes(rng, count) + np.repeat(np.arange(count)[:, None] // 50 * 150, 4, axis=1)
    boxes, scores = boxes.astype(np.float32), rng.uniform(size=count).astype(np.float32)
    expected = nms_numpy.suppress(boxes, scores, 0.3).tolist()
    assert suppress(boxes, scores, 0.3).tolist() == expected


def test_what_is_not_built_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nms_cuda, "LIBRARY", tmp_path / "libnms_cuda.so")
    nms.implementation.cache_clear()
    with pytest.raises(ValueError, match=r"not built: run `python -m ctpn\.nms\.build_cuda`"):
        nms.implementation("cuda")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="nvcc is not on the PATH"):
        build_cuda.build(tmp_path / "x.so")
    assert list(tmp_path.iterdir()) == []
