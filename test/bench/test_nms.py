"""The table of NMS times: every row there, answers compared, nothing needed that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from bench import nms as program


@pytest.mark.parametrize("kind", program.KINDS)
def test_benchmark_boxes_are_valid_and_some_are_suppressed(kind: str) -> None:
    boxes = program.KINDS[kind](400, np.random.default_rng(0))
    assert boxes.shape == (400, 4) and boxes.dtype == np.float32
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    kept = program.nms.implementation("numpy")(boxes, np.ones(400, np.float32), 0.3)
    assert 20 < len(kept) < 400


def test_table_has_every_count_and_names_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = program.nms.implementation("numpy")
    wrong = lambda boxes, scores, threshold: numpy(boxes, scores, threshold)[1:]  # noqa: E731
    monkeypatch.setattr(program, "candidates", lambda: {"numpy": numpy, "wrong": wrong})
    rows = program.measure([10, 30], 0.3, 0.0)
    assert len(rows) == 2 * 2 * 2
    assert {row["unlike_numpy"] for row in rows if row["implementation"] == "numpy"} == {0}
    lines = program.table(rows).splitlines()
    assert lines[0] == "| boxes | numpy | wrong |" and len(lines) == 2 + 4
    assert all("(1 differ)" in line for line in lines[2:])


def test_missing_implementations_are_left_out_with_a_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = program.candidates()
    assert "numpy" in found
    left_out = {"numpy", "cython", "cuda", "opencv", "torchvision"} - set(found)
    said = capsys.readouterr().err
    assert all(f"{name} left out: " in said for name in left_out)


def test_opencv_agrees_on_plain_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    assert program.opencv()(boxes, scores, 0.5).tolist() == [0, 2]
