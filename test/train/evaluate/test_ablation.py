"""The ablation: every step is left out in turn, and the rows are those of the steps."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import ocr
from ocr.reader import NEEDED
from train.evaluate.ablation import WHOLE, AblationFile, Figures, ablate, format_ablation


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


def test_a_row_is_that_of_all_pages() -> None:
    row = {"pages": 1, "lines": 3, "exact": 0.5, "ms": 5.0}
    lines = [format_ablation(name, {"ALL": row, "a": {}}) for name in (WHOLE, "order")]
    assert [line.split("  ")[0] for line in lines] == [WHOLE, "without order"]
    assert lines[0].split()[2:] == ["1", "3", "-", "-", "-", "0.500", *"-----", "5"]


def test_an_interrupted_ablation_goes_on_from_its_file(tmp_path: Path) -> None:
    reader = ocr.Reader(_nothing, lambda crops: [])  # type: ignore[arg-type]
    path, conditions = tmp_path / "a.json", {"data": tmp_path, "without": ["rules"]}
    kept = AblationFile(path, conditions)
    for name, row in itertools.islice(ablate(reader, _figures), 3):
        kept.add(name, row)
    again, measured = AblationFile(path, conditions), []

    def count(one: ocr.Reader) -> Figures:
        measured.append(one.steps)
        return _figures(one)

    rest = dict(ablate(reader, count, known=again.rows))
    assert rest == dict(ablate(reader, _figures))
    assert len(measured) == len(rest) - 3


def test_rows_of_other_conditions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    AblationFile(path, {"data": "dev", "limit": 2}).add(WHOLE, {})
    with pytest.raises(ValueError, match="measured with limit 2, now 3; name another file"):
        AblationFile(path, {"data": "dev", "limit": 3})
    for text in ('{"ALL": {"pages": 1}}', "[]", "no JSON"):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not the file of an ablation"):
            AblationFile(path, {"data": "dev"})
