"""Strokes: fetched once and checked, and read as they were written."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from train.synth.fonts import npm, stroke_data
from train.synth.fonts.stroke_data import fetch_strokes, read_strokes, write_strokes

MEDIANS = {
    "十": [[[100, 400], [900, 420]], [[500, 900], [510, 400], [500, -124]]],
    "一": [[[50, 388], [950, 388]]],
}


def tarball(path: Path) -> Path:
    """Pack the strokes above as the package does."""
    files = {
        f"{name}.json": json.dumps({"medians": lines, "strokes": []})
        for name, lines in MEDIANS.items()
    }
    files |= {"all.json": "{}", "package.json": "{}", stroke_data.LICENCE: "a licence"}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_strokes_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_strokes(tmp_path / "x.npz", MEDIANS)
    data = read_strokes(tmp_path / "x.npz")
    assert data is not None
    points, lengths = data.of("十")
    assert lengths.tolist() == [2, 3]
    np.testing.assert_allclose(
        points[:2], [[100 / 1024, 500 / 1024], [900 / 1024, 480 / 1024]], atol=1e-6
    )
    np.testing.assert_allclose(points[2:, 1], [0, 500 / 1024, 1], atol=1e-6)
    assert data.of("一")[1].tolist() == [2]
    with pytest.raises(KeyError):
        data.of("二")


def test_fetched_strokes_are_checked_and_kept_with_their_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "strokes"
    folder.mkdir()
    packed = tarball(folder / f"{stroke_data.PACKAGE}-{stroke_data.VERSION}.tgz")
    monkeypatch.setattr(stroke_data, "INTEGRITY", npm.integrity(packed))
    assert fetch_strokes(folder / "strokes.npz") == 2
    assert (folder / stroke_data.LICENCE).read_text() == "a licence"
    assert not packed.exists()
    monkeypatch.setenv("PATH", str(tmp_path))  # no npm: what is there is not fetched again
    assert fetch_strokes(folder / "strokes.npz") == 2
    (folder / "strokes.npz").unlink()
    with pytest.raises(npm.FetchError, match="no npm client"):
        fetch_strokes(folder / "strokes.npz")


def test_without_strokes_there_are_none(tmp_path: Path) -> None:
    assert read_strokes(tmp_path / "none.npz") is None
