"""Files of labels that inputs share: paths that programs find, corrections that stay, documents of several pages."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import PIL.Image
import pytest

from ocr.files.page_images import pictures_of
from ocr.formats import FORMATS
from ocr.formats.shared_label_file import LabelFile
from ocr.line.characters import spread
from ocr.result import Angle, Elapsed, Page, TextLine
from train.data.readers import icdar2015, paddle_pages
from train.data.readers.jsonl import read_pages
from train.data.readers.report import Report

BOX = ((1.0, 2.0), (31.0, 2.0), (31.0, 12.0), (1.0, 12.0))


def page_of(path: Path, *texts: str, number: int = 0) -> Page:
    lines = tuple(TextLine(text, 0.9, BOX, spread(text, 0.9)) for text in texts)
    return Page(str(path), number, 60, 40, Angle(0, 1), lines, Elapsed(0, 0, 0, 0, 0))


def picture(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    PIL.Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(path)
    return path


def pdf(path: Path, count: int) -> Path:
    frames = [PIL.Image.new("RGB", (60, 40), (60 * i, 0, 0)) for i in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@pytest.mark.parametrize("where", ["in", "beside", "in/below"])
def test_training_reads_back_what_was_read(tmp_path: Path, where: str) -> None:
    folder = tmp_path / where.replace("beside", "out")
    folder.mkdir(parents=True)
    path = picture(tmp_path / "in" / "a b.png")
    LabelFile(folder, "labels").add(str(path), "a b", [page_of(path, "中 text", "x,y")])
    (page,) = read_pages(folder)
    assert page.path.resolve() == path.resolve()
    assert [line.text for line in page.lines] == ["中 text", "x,y"]
    assert page.lines[0].quad is not None
    assert page.lines[0].quad.tolist() == [list(corner) for corner in BOX]
    assert (page.word_level, page.partial, page.cropped) == (False, False, False)


def test_paddle_names_pictures_with_their_folder(tmp_path: Path) -> None:
    path = picture(tmp_path / "scans" / "a.png")
    LabelFile(tmp_path / "scans", "paddle").add(str(path), "a", [page_of(path, "中")])
    content = (tmp_path / "scans" / "Label.txt").read_text("utf-8")
    assert content.startswith("scans/a.png\t[{")


@pytest.mark.parametrize("name", [n for n, each in FORMATS.items() if each.file_name])
def test_corrected_records_are_not_overwritten(tmp_path: Path, name: str) -> None:
    path, other = picture(tmp_path / "a.png"), picture(tmp_path / "b.png")
    LabelFile(tmp_path, name).add(str(path), "a", [page_of(path, "reed")])
    file = tmp_path / FORMATS[name].file_name
    file.write_text(file.read_text("utf-8").replace("reed", "read"), "utf-8")
    again = LabelFile(tmp_path, name)
    assert again.has(str(path), "a")
    assert not again.has(str(other), "b")
    again.add(str(path), "a", [page_of(path, "reed")])
    again.add(str(other), "b", [page_of(other, "new")])
    content = file.read_text("utf-8")
    assert content.count("\n") == 2
    assert ("read" in content, "reed" in content, "new" in content) == (True, False, True)
    assert again.has(str(other), "b")


@pytest.mark.parametrize("name", [n for n, each in FORMATS.items() if each.file_name])
def test_truncated_record_does_not_spoil_the_next_one(tmp_path: Path, name: str) -> None:
    path, other = picture(tmp_path / "a.png"), picture(tmp_path / "b.png")
    LabelFile(tmp_path, name).add(str(path), "a", [page_of(path, "text")])
    file = tmp_path / FORMATS[name].file_name
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"image": "b.p')
    LabelFile(tmp_path, name).add(str(other), "b", [page_of(other, "more")])
    rows = file.read_bytes().split(b"\n")
    assert rows[0] + b"\n" == whole
    assert (b"b.png" in rows[2], rows[3]) == (True, b"")


def test_pages_of_a_document_get_pictures_of_their_own(tmp_path: Path) -> None:
    path = pdf(tmp_path / "in.pdf", 3)
    out = tmp_path / "out"
    out.mkdir()
    pages = [page_of(path, f"page {i}", number=i) for i in (0, 2)]
    LabelFile(out, "labels").add(str(path), "in", pages)
    found = list(read_pages(out))
    assert [page.path.name for page in found] == ["in.p0.png", "in.p2.png"]
    for page, number in zip(found, (0, 2), strict=True):
        shade = np.asarray(PIL.Image.open(page.path)).mean(axis=(0, 1))
        assert shade[0] == pytest.approx(60 * number, abs=6)
    assert LabelFile(out, "labels").has(str(path), "in")


def test_a_tiff_of_one_picture_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    frames = [PIL.Image.new("L", (60, 40), 60 * i) for i in range(2)]
    frames[0].save(path)
    assert pictures_of(path)(page_of(path)).is_file
    frames[0].save(path, save_all=True, append_images=frames[1:])
    pictures = pictures_of(path)
    found = [pictures(page_of(path, number=i)) for i in range(2)]
    assert [each.is_file for each in found] == [False, False]


def test_a_page_without_text_has_a_record(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    LabelFile(tmp_path, "labels").add(str(path), "a", [page_of(path)])
    assert json.loads((tmp_path / "labels.jsonl").read_text("utf-8"))["lines"] == []


def test_no_pages_write_nothing(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    LabelFile(tmp_path, "labels").add(str(path), "a", [])
    assert not (tmp_path / "labels.jsonl").exists()


@pytest.mark.parametrize("reader", [paddle_pages, icdar2015])
def test_written_labels_are_read_back_by_the_training_readers(
    tmp_path: Path, reader: ModuleType
) -> None:
    folder = tmp_path / "scans"
    path = picture(folder / "a.png")
    page = page_of(path, "中 text", "x,y")
    if reader is paddle_pages:
        LabelFile(folder, "paddle").add(str(path), "a", [page])
    else:
        kind = FORMATS["icdar"]
        (folder / kind.name_for("a")).write_bytes(kind.encode([page]))
    report = Report()
    (sample,) = reader.read(folder, report)
    assert [line.text for line in sample.lines] == ["中 text", "x,y"]
    assert sample.image.shape == (40, 60, 3)
    for line in sample.lines:
        assert line.quad.tolist() == [list(corner) for corner in BOX]


@pytest.mark.parametrize("name", [n for n, each in FORMATS.items() if each.file_name])
@pytest.mark.parametrize("odd", ["new\nline.png", "a\ttab.png", "caf\udce9.png", "bell\a.png"])
def test_odd_names_are_found_again(tmp_path: Path, name: str, odd: str) -> None:
    """PaddleOCR's labels have no escapes for them: an input counted as not done, and was added again."""
    path = picture(tmp_path / odd)
    LabelFile(tmp_path, name).add(str(path), "odd", [page_of(path, "text")])
    again = LabelFile(tmp_path, name)
    assert again.has(str(path), "odd")
    again.add(str(path), "odd", [page_of(path, "text")])
    assert (tmp_path / FORMATS[name].file_name).read_bytes().count(b"\n") == 1
