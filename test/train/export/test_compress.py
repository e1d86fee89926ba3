"""A weight file is compressed and listed so, or nothing is changed."""

from __future__ import annotations

import hashlib
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from ocr.weights import find, read
from train.export.compress import compress, main

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ROW = {
    "name": "small", "task": "angle", "package": "angle", "file": "a.onnx", "sha256": DIGEST, "bytes": 7000,
    "data": "文",
}  # fmt: skip


def _folder(path: Path, *rows: dict[str, Any]) -> Path:
    (path / "manifest.json").write_text(json.dumps({"schema": 1, "models": rows}), "utf-8")
    (path / "a.onnx").write_bytes(CONTENT)
    return path / "a.onnx"


def test_the_compressed_file_is_listed_and_read(tmp_path: Path) -> None:
    other = ROW | {
        "name": "b",
        "file": "b.onnx",
        "sha256": "0",
        "shares": "small",
        "shares_sha256": DIGEST,
    }
    path = _folder(tmp_path, ROW, other)
    out = compress(path)
    assert out.name == "a.onnx.xz" and path.read_bytes() == CONTENT
    content = out.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    rows = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["models"]
    assert rows[0] == ROW | {"file": out.name, "sha256": digest, "bytes": len(content)}
    assert rows[1] == other | {"shares_sha256": digest}
    assert read(find("small", "angle", tmp_path), tmp_path) == (out, CONTENT)
    # What reading needs in memory stays small.
    assert lzma.LZMADecompressor(memlimit=20 * 2**20).decompress(content) == CONTENT
    _folder(tmp_path, ROW)
    assert compress(path).read_bytes() == content


@pytest.mark.parametrize("row", [ROW | {"file": "c.onnx"}, ROW | {"sha256": "0"}])
def test_files_that_the_manifest_does_not_list_are_refused(
    row: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _folder(tmp_path, row)
    with pytest.raises(SystemExit):
        main([str(path)])
    assert "manifest.json does not list a.onnx with SHA-256" in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.onnx", "manifest.json"]
