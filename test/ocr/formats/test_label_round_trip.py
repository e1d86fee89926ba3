"""What demo.py read, written as labels, corrected as a person does in a labelling tool, and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import demo
import ocr
from common.arrays import Image
from train.data.__main__ import main as data_main
from train.data.readers import read
from train.data.readers.report import Report
from train.data.samples import PageSample

RED, BLUE = "200,0,0", "0,0,200"
RED_BOX = [[20, 10], [120, 10], [120, 30], [20, 30]]


@pytest.fixture
def labelled(
    tmp_path: Path,
    bars: Image,
    bar_reader: Callable[[int], ocr.Reader],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Path]:
    """Reads a folder of two pages of bars, writes labels of a format beside them and returns the folder."""
    folder = tmp_path / "my pages"
    folder.mkdir()
    PIL.Image.fromarray(bars).save(folder / "a.png")
    PIL.Image.fromarray(bars[:45]).save(folder / "第二页.png")

    def write(name: str) -> Path:
        monkeypatch.setattr(ocr, "load", lambda *args, **options: bar_reader(0))
        assert demo.main([str(folder), "-o", str(folder), "-f", name, "--quiet"]) == 0
        return folder

    return write


def taken_back(folder: Path, name: str = "auto") -> list[PageSample]:
    report = Report()
    pages = [sample for sample in read(name, folder, report) if isinstance(sample, PageSample)]
    assert report.skipped == []
    return sorted(pages, key=lambda page: -page.image.shape[0])


@pytest.mark.parametrize("name", ["labels", "paddle", "icdar"])
def test_uncorrected_labels_are_what_was_read(
    labelled: Callable[[str], Path], name: str, bars: Image
) -> None:
    first, second = taken_back(labelled(name))
    assert (first.image == bars).all()
    assert [line.text for line in first.lines] == [RED, BLUE]
    assert [line.text for line in second.lines] == [RED]
    assert not any(line.ignore for line in (*first.lines, *second.lines))
    np.testing.assert_allclose(first.lines[0].quad, RED_BOX, atol=1)


def test_labels_corrected_in_ppocrlabel_are_read_back(labelled: Callable[[str], Path]) -> None:
    """PPOCRLabel writes Label.txt anew, with the opened folder before names, and keeps a file of what was confirmed."""
    folder = labelled("paddle")
    rows = {}
    for line in (folder / "Label.txt").read_text("utf-8").splitlines():
        name, _, records = line.partition("\t")
        assert name.startswith("my pages/")
        rows[name] = json.loads(records)
    first = rows["my pages/a.png"]
    first[0]["transcription"] = "红，red: 1"
    first[1]["difficult"] = True
    added = {"transcription": "added", "points": [[5, 90], [60, 92], [60, 108], [5, 106]]}
    first.append({**added, "difficult": False, "key_cls": "None"})
    del rows["my pages/第二页.png"][0]
    (folder / "Label.txt").write_text(
        "".join(f"{name}\t{json.dumps(r, ensure_ascii=False)}\n" for name, r in rows.items()),
        "utf-8",
    )
    (folder / "fileState.txt").write_text(f"{folder / 'a.png'}\t1\n", "utf-8")
    (folder / "Cache.cach").write_text("{}", "utf-8")
    page, emptied = taken_back(folder)
    assert [(line.text, line.ignore) for line in page.lines if not line.ignore] == [
        ("红，red: 1", False),
        ("added", False),
    ]
    assert sum(line.ignore for line in page.lines) == 1
    np.testing.assert_allclose(page.lines[2].quad, added["points"])
    assert emptied.lines == ()


def test_labels_corrected_in_labelme_are_read_back(
    labelled: Callable[[str], Path], tmp_path: Path
) -> None:
    """Converted for labelme, whose files then hold a changed label, a moved corner and a rectangle."""
    out = tmp_path / "for labelme"
    assert data_main(["convert", str(labelled("labels")), str(out), "--to", "labelme"]) == 0
    (path,) = [p for p in out.glob("*.json") if len(json.loads(p.read_bytes())["shapes"]) == 2]
    content = json.loads(path.read_bytes())
    red, blue = content["shapes"]
    red["label"] = "corrected"
    red["points"][0] = [22.5, 11.25]
    blue["flags"] = {"ignore": True}
    rectangle = {"label": "new", "points": [[10, 90], [80, 110]], "shape_type": "rectangle"}
    content["shapes"].append({**rectangle, "group_id": None, "flags": {}})
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), "utf-8")
    page, _ = taken_back(out)
    assert [(line.text, line.ignore) for line in page.lines if not line.ignore] == [
        ("corrected", False),
        ("new", False),
    ]
    np.testing.assert_allclose(page.lines[0].quad[0], [22.5, 11.25])
    np.testing.assert_allclose(page.lines[2].quad, [[10, 90], [80, 90], [80, 110], [10, 110]])


def test_labels_corrected_in_a_text_editor_are_read_back(labelled: Callable[[str], Path]) -> None:
    folder = labelled("labels")
    path = folder / "labels.jsonl"
    path.write_text(path.read_text("utf-8").replace(BLUE, "corrected"), "utf-8")
    page, _ = taken_back(folder)
    assert [line.text for line in page.lines] == [RED, "corrected"]
    icdar = labelled("icdar")
    path = icdar / "gt_a.txt"
    path.write_text(
        path.read_text("utf-8-sig").replace(f",{RED}", ",a, b, c").replace(BLUE, "###"), "utf-8"
    )
    page, _ = taken_back(icdar, "icdar2015")
    assert [(line.text, line.ignore) for line in page.lines] == [("a, b, c", False), ("", True)]


def test_corrected_labels_can_be_checked_and_trained_on(
    labelled: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = labelled("paddle")
    assert data_main(["check", str(folder)]) == 0
    assert data_main(["convert", str(folder), str(tmp_path / "crops"), "--crops"]) == 0
    assert len(list(read("auto", tmp_path / "crops", Report()))) == 3
