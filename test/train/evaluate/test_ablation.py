"""The ablation: every step is left out in turn, and the rows are those of the steps."""

from __future__ import annotations

import numpy as np
import pytest

import ocr
from ocr.reader import NEEDED
from train.evaluate.ablation import WHOLE, Figures, ablate, format_ablation


def _nothing(_: object) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)


def _figures(reader: ocr.Reader) -> Figures:
    return {"ALL": {"pages": 1, "lines": len(reader.steps), "ms": None}}


@pytest.mark.parametrize("single_lines", [False, True])
def test_each_step_is_left_out_once(single_lines: bool) -> None:
    reader = ocr.Reader(_nothing, lambda crops: [])  # type: ignore[arg-type]
    results = dict(ablate(reader, _figures, single_lines=single_lines))
    whole = results.pop(WHOLE)["ALL"]["lines"]
    assert whole == len(ocr.STEPS)
    assert all(row["ALL"]["lines"] == whole - 1 for row in results.values())
    if single_lines:
        assert list(results) == ["vote", "retry", "vertical", "rules"]
    else:
        assert list(results) == [s for s in ocr.STEPS if s not in (*NEEDED, "vote")]


def test_steps_that_are_missing_stay_missing() -> None:
    seen = []

    def figures(reader: ocr.Reader) -> Figures:
        seen.append(reader.steps)
        return _figures(reader)

    settings = ocr.Settings(retry=ocr.settings.Retry(below_score=0.5))
    reader = ocr.Reader(_nothing, lambda crops: [], settings=settings, without=("deskew",))  # type: ignore[arg-type]
    names = [name for name, _ in ablate(reader, figures)]
    assert "deskew" not in names
    assert not any("deskew" in steps for steps in seen)


def test_the_table_has_a_row_for_each_step() -> None:
    rows = [
        (WHOLE, _figures(ocr.Reader(_nothing, lambda crops: []))),
        ("order", {"ALL": {"pages": 1, "lines": 3, "ms": 5}}),
    ]  # type: ignore[arg-type]
    lines = format_ablation(rows, "small on dev").splitlines()
    assert lines[0].endswith("small on dev")
    assert [line.split("  ")[0] for line in lines[1:]] == [WHOLE, "without order"]
