"""Weights of one folder over those of another: which file each model then has."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bench.survey.overlay import overlaid
from ocr.weights import WeightsError, checked_path, find, models


def folder(path: Path, **contents: bytes) -> Path:
    """Make a folder with a manifest of detectors and their files."""
    path.mkdir()
    rows = []
    for name, content in contents.items():
        (path / f"{name}.onnx").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        rows.append({"name": name, "task": "detector", "package": "ctpn", "file": f"{name}.onnx"})
        rows[-1] |= {"sha256": digest, "bytes": len(content)}
    (path / "manifest.json").write_text(json.dumps({"schema": 1, "models": rows}), "utf-8")
    return path


def test_without_a_folder_the_shipped_one_is_used_as_it_is(tmp_path: Path) -> None:
    shipped = folder(tmp_path / "shipped", a=b"a")
    with overlaid(None, shipped) as given:
        assert given == shipped


def test_own_files_come_first_and_nothing_is_changed(tmp_path: Path) -> None:
    shipped, own = folder(tmp_path / "shipped", a=b"a", b=b"b"), folder(tmp_path / "own", b=b"B", c=b"C")  # fmt: skip
    with overlaid(own, shipped) as given:
        found = {row.name: checked_path(row, given).read_bytes() for row in models(given)}
        assert found == {"a": b"a", "b": b"B", "c": b"C"}
    assert not given.exists()
    assert (shipped / "b.onnx").read_bytes() == b"b" and len(models(shipped)) == 2


def test_rows_without_files_do_not_hide_the_shipped_ones(tmp_path: Path) -> None:
    shipped, own = folder(tmp_path / "shipped", a=b"a"), folder(tmp_path / "own", a=b"A", b=b"B")
    (own / "a.onnx").unlink()
    with overlaid(own, shipped) as given:
        assert checked_path(find("a", "detector", given), given).read_bytes() == b"a"


def test_folders_without_weights(tmp_path: Path) -> None:
    shipped, own = folder(tmp_path / "shipped", a=b"a"), folder(tmp_path / "own", a=b"A")
    (own / "a.onnx").unlink()
    with pytest.raises(WeightsError, match="has none of the files"), overlaid(own, shipped):
        pass
    (own / "manifest.json").unlink()
    with pytest.raises(WeightsError, match=r"has no manifest\.json; expected"), overlaid(own, shipped):  # fmt: skip
        pass
