"""Command lines over odd inputs and failing file systems: the short form of `bench.stress.fuzz_command_line`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.stress import fuzz_command_line, fuzz_oracle
from bench.stress.fuzz_commands import FAILURES, Case, Input, make
from bench.stress.fuzz_oracle import check_run, is_whole
from bench.stress.fuzz_seeds import seeds


def test_cases_are_the_same_each_time_and_of_every_kind() -> None:
    originals = seeds()
    cases = [make(3, number, originals) for number in range(200)]
    assert cases == [make(3, number, originals) for number in range(200)]
    assert {case.failure for case in cases} == set(FAILURES)
    assert any("--resume" in case.options for case in cases)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fails in Linux's ways")
def test_hundred_random_command_lines_cause_no_defect(tmp_path: Path) -> None:
    defects = fuzz_command_line.run(seed=2026, first=0, count=100, out=tmp_path)
    log = tmp_path / "defects.jsonl"
    assert defects == 0, log.read_text("utf-8")
    assert json.loads((tmp_path / "seed-2026.json").read_text("utf-8"))["next"] == 100


CASE = Case((Input("a.png", b"picture", True),), ("a.png",), ("-o", "OUT"), "nothing", 1, None)


@pytest.mark.parametrize(
    ("status", "said", "wrong"),
    [
        (0, "", ""),
        (1, "demo.py: error: a.png: damaged\n", ""),
        (1, "", "nothing is said"),
        (0, "demo.py: error: a.png: damaged\n", "the status is 0"),
        (3, "", "the status is 3"),
        (141, "", "no pipe"),
        (1, "error: internal error: KeyError\nTraceback", "a traceback"),
    ],
)
def test_oracle_checks_messages_of_a_run(
    tmp_path: Path, status: int, said: str, wrong: str
) -> None:
    found = check_run(status, said, CASE, {}, tmp_path, tmp_path / "out")
    assert (wrong in found[0]) if wrong else not found


def test_oracle_checks_files_a_run_leaves(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    picture, foreign = tmp_path / "a.png", out / "a.txt"
    picture.write_bytes(b"picture")
    foreign.write_bytes(b"mine")
    before = {picture: b"picture", foreign: b"mine"}
    assert check_run(0, "", CASE, before, tmp_path, out) == []
    foreign.write_bytes(b"ours")
    picture.unlink()
    (out / ".0123456789abcdef.part").write_bytes(b"")
    (out / "a.json").write_bytes(b'{"schema"')
    found = check_run(0, "", CASE, before, tmp_path, out)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("name", "whole", "cut"),
    [
        ("a.jsonl", b'{"a": 1}\n{"b": 2}\n', b'{"a": 1}\n{"b'),
        ("a.pdf", b"%PDF-1.4\n...\n%%EOF\n", b"%PDF-1.4\n..."),
        ("a.hocr", b"<html></html>", b"<html>"),
        ("a.txt", "字".encode(), "字".encode()[:2]),
        ("Label.txt", b"a.png\t[]\n", b"a.png\t["),
    ],
)
def test_oracle_notices_truncated_files(
    tmp_path: Path, name: str, whole: bytes, cut: bytes
) -> None:
    for content, expected in ((whole, True), (cut, False)):
        (tmp_path / name).write_bytes(content)
        assert is_whole(tmp_path / name) == expected


def test_oracle_notices_a_picture_that_was_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = seeds()[0]
    Path("a.png").write_bytes(content)
    case = Case((Input("a.png", content, True),), ("a.png",), ("-o", "OUT"), "nothing", 1, None)
    (tmp_path / "out").mkdir()
    found = fuzz_oracle.check_complete(case, "", tmp_path / "out", tmp_path / "pages.jsonl")
    assert len(found) == 2
