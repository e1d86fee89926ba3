"""Labels outside the charset are counted and named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recognition.charset import Charset
from train.data import coverage as program
from train.data.coverage import SHOWN, coverage

CHARSET = Charset("ab c")


def test_no_lines_and_covered_lines_have_no_missing_characters() -> None:
    assert coverage([], CHARSET).report() == "all characters of 0 lines are in the charset"
    found = coverage(["ab", "", "  ", "c a"], CHARSET)
    assert (found.lines, found.left_out) == (2, 0) and not found.missing


def test_missing_characters_are_named_commonest_first() -> None:
    found = coverage(["axx", "b", "xy", "cc"], CHARSET)
    assert (found.lines, found.left_out) == (4, 2)
    assert found.missing == {"x": 3, "y": 1}
    report = found.report()
    assert "2 of 4 lines cannot be learned" in report and "2 characters" in report
    assert report.index("'x' U+0078 x3") < report.index("'y' U+0079 x1")
    assert "recognition/charsets" in report


def test_width_variants_are_folded_before_counting() -> None:
    assert not coverage(["ａｂ\u3000ｃ"], CHARSET).missing


def test_long_lists_are_cut() -> None:
    text = "".join(chr(0x4E00 + i) for i in range(SHOWN + 7))
    report = coverage([text], CHARSET).report()
    assert report.count("U+") == SHOWN and "and 7 more" in report


def test_command_line_counts_lines_outside_the_charset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("abc\n\U0001f600\n", encoding="utf8")
    monkeypatch.setattr(sys, "argv", ["coverage", str(path), "--charset", "zh_en"])
    program.main()
    assert "1 of 2 lines cannot be learned" in capsys.readouterr().out
