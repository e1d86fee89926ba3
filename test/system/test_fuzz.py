"""Damaged files of every format: the short form of `python -m bench.stress.fuzz`, and what longer runs found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.stress import fuzz
from bench.stress.fuzz_seeds import seeds

DAMAGED = sorted((Path(__file__).resolve().parents[1] / "data" / "damaged").glob("*.bin"))


def test_undamaged_seeds_are_read() -> None:
    assert {fuzz.outcome(content) for content in seeds()} == {"read"}


@pytest.mark.parametrize("path", DAMAGED, ids=lambda path: path.stem)
def test_files_of_earlier_defects_are_handled(path: Path) -> None:
    assert fuzz.outcome(path.read_bytes()) in {"read", "refused"}


def test_cases_are_the_same_each_time_and_differ() -> None:
    originals = seeds()
    cases = [fuzz.case(3, number, originals) for number in range(100)]
    assert cases == [fuzz.case(3, number, originals) for number in range(100)]
    assert len(set(cases)) > 90
    assert cases != [fuzz.case(4, number, originals) for number in range(100)]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory by Linux's means")
def test_hundreds_of_damaged_files_cause_no_defect(tmp_path: Path) -> None:
    results = fuzz.run(seed=2026, first=0, count=500, out=tmp_path)
    assert results["defect"] == 0, sorted(path.name for path in tmp_path.iterdir())
    assert results["read"] > 50 and results["refused"] > 50
    assert results.total() == 500


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (RuntimeError("no"), "defect: RuntimeError"),
        (fuzz.InputError("<bytes>: two\nlines"), "defect: the message"),
        (fuzz.InputError("without a name"), "defect: the message"),
        (fuzz.InputError("<bytes>: damaged"), "refused"),
    ],
)
def test_fuzz_notices_defects(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(fuzz, "pages", broken)
    assert fuzz.outcome(b"").startswith(expected)
