"""Faces of font files are read once, and again when a file has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("fontTools")

from train.synth.typesetting import face_index
from train.synth.typesetting.face_index import FaceIndex

MakeFont = Callable[..., bytes]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were really read, in order."""
    names: list[str] = []
    real = face_index.read_raw_faces

    def read(path: Path) -> object:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(face_index, "read_raw_faces", read)
    return names


def test_index_of_no_files_is_empty(tmp_path: Path) -> None:
    assert FaceIndex(tmp_path / "index.json").read([]) == {}
    assert not (tmp_path / "index.json").exists()


def test_a_file_is_read_once_and_remembered_alike(
    make_font: MakeFont, tmp_path: Path, reads: list[str]
) -> None:
    paths = [
        tmp_path / "a.ttf",
        tmp_path / "b.ttf",
        tmp_path / "broken.ttf",
        tmp_path / "blank.ttf",
    ]
    paths[0].write_bytes(make_font("ABC的一是", name="First"))
    paths[1].write_bytes(make_font("XYZ", name="Second"))
    paths[2].write_bytes(b"no font")
    paths[3].write_bytes(make_font("AB", blank="AB"))
    first = FaceIndex(tmp_path / "cache/index.json").read(paths)
    assert reads == ["a.ttf", "b.ttf", "broken.ttf", "blank.ttf"]
    assert FaceIndex(tmp_path / "cache/index.json").read(paths) == first
    assert len(reads) == 4
    assert [face.codes for face in first[paths[3]]] == [frozenset()]
    (face,) = first[paths[0]]
    assert face.name == "First Regular a"
    assert face.codes == frozenset(map(ord, "ABC的一是"))
    assert first[paths[2]] == []
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["index.json"]


def test_a_changed_file_is_read_again_the_others_are_not(
    make_font: MakeFont, tmp_path: Path, reads: list[str]
) -> None:
    index, paths = tmp_path / "index.json", [tmp_path / "a.ttf", tmp_path / "b.ttf"]
    for path in paths:
        path.write_bytes(make_font("ABC"))
    FaceIndex(index).read(paths)
    paths[0].write_bytes(make_font("ABCD"))
    os.utime(paths[1], ns=(1, 1))  # the same size at another time may be another font
    reads.clear()
    faces = FaceIndex(index).read(paths)
    assert reads == ["a.ttf", "b.ttf"]
    assert ord("D") in faces[paths[0]][0].codes
    reads.clear()
    FaceIndex(index).read(paths)
    assert reads == []


def test_files_of_another_library_stay_remembered_while_they_exist(
    make_font: MakeFont, tmp_path: Path, reads: list[str]
) -> None:
    index, paths = tmp_path / "index.json", [tmp_path / f"{i}.ttf" for i in range(3)]
    for path in paths:
        path.write_bytes(make_font("ABC"))
    FaceIndex(index).read(paths[:2])
    paths[0].unlink()
    FaceIndex(index).read(paths[2:])
    reads.clear()
    FaceIndex(index).read(paths[1:])
    assert reads == []
    assert str(paths[0]) not in json.loads(index.read_text("utf8"))["files"]


@pytest.mark.parametrize("content", ["", "[]", '{"version": 0}', '{"version": 1, "files": 3}'])
def test_an_index_that_is_broken_or_old_is_made_anew(
    make_font: MakeFont, tmp_path: Path, reads: list[str], content: str
) -> None:
    path = tmp_path / "a.ttf"
    path.write_bytes(make_font("ABC"))
    (tmp_path / "index.json").write_text(content, encoding="utf8")
    (face,) = FaceIndex(tmp_path / "index.json").read([path])[path]
    assert reads == ["a.ttf"]
    assert FaceIndex(tmp_path / "index.json").read([path])[path] == [face]
    assert reads == ["a.ttf"]


def test_what_is_not_drawn_is_left_out(make_font: MakeFont, tmp_path: Path) -> None:
    letters = "abdeghnqrtABDEGHNQRT"
    fonts = {
        "tofu": make_font(letters + "的一", blank="一", boxed="的"),
        "capitals": make_font(letters + "的", capitals=True),
    }
    for name, data in fonts.items():
        (tmp_path / f"{name}.ttf").write_bytes(data)
    faces = FaceIndex(None).read([tmp_path / f"{name}.ttf" for name in fonts])
    codes = {path.stem: raws[0].codes for path, raws in faces.items()}
    assert codes["tofu"] == frozenset(map(ord, letters))
    assert codes["capitals"] == frozenset(map(ord, letters.upper() + "的"))
