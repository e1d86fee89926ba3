"""The command line's output files: every format at once, documents, punctuation, boxes of characters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import PIL.Image
import pytest

import demo
import ocr
from common.arrays import Image
from common.roles import Reading
from ocr.formats import FORMATS

TEXT = "你好, ｗ1"


READING = Reading(
    TEXT,
    0.9,
    (0.9,) * len(TEXT),
    tuple((i / len(TEXT), (i + 1) / len(TEXT)) for i in range(len(TEXT))),
)
QUADS = np.array([[[10, 10], [70, 10], [70, 22], [10, 22]]], np.float32)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line with a reader that finds one line of Chinese on every page."""
    reader = ocr.Reader(
        lambda image: (QUADS, np.ones(1, np.float32)), lambda crops: [READING] * len(crops)
    )
    monkeypatch.setattr(ocr, "load", lambda *args, **options: reader)
    return lambda *arguments: demo.main([str(argument) for argument in (*arguments, "--quiet")])


@pytest.fixture
def picture(tmp_path: Path, bars: Image) -> Path:
    path = tmp_path / "a.jpg"
    PIL.Image.fromarray(bars).save(path)
    return path


@pytest.fixture
def document(tmp_path: Path, bars: Image) -> Path:
    path = tmp_path / "d.tif"
    frames = [PIL.Image.fromarray(bars)] * 3
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_all_formats_are_written_in_one_run(
    run: Callable[..., int], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(picture, "-o", out, "-f", ",".join(FORMATS)) == 0
    assert names(out) == {each.file_name or each.name_for("a") for each in FORMATS.values()}
    assert all((out / name).stat().st_size > 0 for name in names(out))
    assert json.loads((out / "a.json").read_text("utf-8"))["lines"][0]["text"] == TEXT


def test_output_folder_without_formats_gets_txt_and_json(
    run: Callable[..., int], picture: Path, tmp_path: Path
) -> None:
    assert run(picture, "-o", tmp_path / "out") == 0
    assert names(tmp_path / "out") == {"a.txt", "a.json"}


def test_documents_have_a_file_for_each_page_where_a_format_holds_one(
    run: Callable[..., int], document: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(document, "-o", out, "-f", "page,pdf,json,labels") == 0
    pages = {"d.page.xml", "d.p1.page.xml", "d.p2.page.xml"}
    pictures = {"d.p0.png", "d.p1.png", "d.p2.png"}
    assert names(out) == pages | pictures | {"d.pdf", "d.json", "labels.jsonl"}
    for name in pages:
        ET.fromstring((out / name).read_bytes())
    assert len(json.loads((out / "d.json").read_text("utf-8"))) == 3
    assert (out / "labels.jsonl").read_text("utf-8").count("\n") == 3


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("raw", TEXT), ("nfkc", "你好, w1"), ("halfwidth", "你好, w1"), ("fullwidth", "你好，ｗ1")],
)
def test_punctuation_is_the_same_everywhere(
    run: Callable[..., int],
    picture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    policy: str,
    expected: str,
) -> None:
    out, lines = tmp_path / "out", tmp_path / "pages.jsonl"
    formats = ",".join(name for name in FORMATS if name not in {"pdf", "alto", "hocr", "tsv"})
    options = ("-o", out, "-f", formats, "--json", lines, "--punctuation", policy)
    assert run(picture, *options) == 0
    assert capsys.readouterr().out == expected + "\n"
    for path in (lines, *out.iterdir()):
        assert expected in path.read_text("utf-8"), path.name


def test_unknown_punctuation_policy_is_refused(run: Callable[..., int], picture: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        run(picture, "--punctuation", "wide")
    assert stop.value.code == 2


def test_boxes_of_characters_are_there_when_asked_for(
    run: Callable[..., int], picture: Path, tmp_path: Path
) -> None:
    found = {}
    for options in ((), ("--characters",)):
        out, lines = tmp_path / f"out{len(options)}", tmp_path / "pages.jsonl"
        assert run(picture, "-o", out, "-f", "json,hocr,alto,page", "--json", lines, *options) == 0
        texts = [path.read_text("utf-8") for path in (lines, *sorted(out.iterdir()))]
        marks = ('"characters"', "<Glyph", "ocrx_cinfo", '"characters"', "<Glyph")
        found[options] = [mark in text for mark, text in zip(marks, texts, strict=True)]
    assert found == {(): [False] * 5, ("--characters",): [True] * 5}


def test_shared_label_file_has_each_page_once(
    run: Callable[..., int], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        assert run(picture, "-o", out, "-f", "labels,paddle") == 0
    assert (out / "labels.jsonl").read_text("utf-8").count("\n") == 1
    assert (out / "Label.txt").read_text("utf-8").count("\n") == 1


def test_a_format_that_fails_loses_no_other(
    run: Callable[..., int], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "a.pdf").mkdir(parents=True)
    assert run(picture, "-o", out, "-f", "pdf,txt") == 1
    assert (out / "a.txt").read_text("utf-8") == TEXT + "\n"
