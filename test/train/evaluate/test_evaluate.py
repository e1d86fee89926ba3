"""Labelled folders, the table over them, and the command lines that print it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

import ocr
from bench import compare
from common.image import rotate_ccw
from train.data.readers.jsonl import read_pages, select_pages
from train.data.samples import LabelledPage
from train.evaluate import __main__ as program
from train.evaluate import scores
from train.evaluate.page_metrics import Counts

QUAD = [[0, 0], [20, 0], [20, 8], [0, 8]]


def write_folder(folder: Path, records: list[Any]) -> Path:
    """Records as given, each with a small picture whose brightest corner is the top left."""
    lines = []
    for record in records:
        lines.append(record if isinstance(record, str) else json.dumps(record))
        if isinstance(record, dict) and record.get("image", "").endswith(".png"):
            picture = np.zeros((12, 24, 3), np.uint8)
            picture[:3, :3] = 255
            cv2.imwrite(str(folder / record["image"]), picture)
    (folder / "labels.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def record(name: str, source: str = "hand_zh", text: str = "你好", **extra: Any) -> dict[str, Any]:
    return {"image": name, "source": source, "lines": [{"quad": QUAD, "text": text}], **extra}


class FakeReader:
    """Reads the same text from every page."""

    def __init__(self, text: str = "你好") -> None:
        self.text = text
        self.single: list[bool] = []

    def orientation(self, image: np.ndarray) -> tuple[int, float]:
        return corner_angle(image)

    def read(self, path: Path, *, single_line: bool = False) -> Any:
        self.single.append(single_line)
        if path.name.startswith("broken"):
            raise ocr.InputError(f"{path}: broken")
        line = SimpleNamespace(text=self.text, score=1.0, box=[tuple(p) for p in QUAD])
        return SimpleNamespace(lines=(line,))


def corner_angle(image: np.ndarray) -> tuple[int, float]:
    corners = [image[0, 0], image[0, -1], image[-1, -1], image[-1, 0]]
    return int(np.argmax([corner.sum() for corner in corners])) * 90, 1.0


def test_empty_folder_and_no_folder(tmp_path: Path) -> None:
    assert list(read_pages(write_folder(tmp_path, []))) == []
    with pytest.raises(FileNotFoundError, match=r"labels\.jsonl"):
        list(read_pages(tmp_path / "none"))


def test_labels_are_read_with_all_fields(tmp_path: Path) -> None:
    line = {"quad": None, "text": "x", "ignore": True}
    (one, two) = read_pages(
        write_folder(
            tmp_path,
            [record("a.png", kind="scene", lang="zh"), "", record("b.png", lines=[line])],
        )
    )
    assert (one.source, one.kind, one.lang, one.path) == (
        "hand_zh",
        "scene",
        "zh",
        tmp_path / "a.png",
    )
    assert one.lines[0].quad is not None
    assert one.lines[0].quad.tolist() == QUAD
    assert (two.lines[0].quad, two.lines[0].ignore, two.lang) == (None, True, "")


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        "null",
        '"text"',
        '{"image": "a.png"}',
        '{"lines": []}',
        '{"image": "absent.png", "lines": []}',
        '{"image": 3, "lines": []}',
        '{"image": "a.png", "lines": [{"text": "x", "quad": [[0, 0], [1, 1]]}]}',
        '{"image": "a.png", "lines": [{"text": "x", "quad": [[0, 0], [1, 0], [1, NaN], [0, 1]]}]}',
        '{"image": "a.png", "lines": [3]}',
        '{"image": "a.png", "lines": 3}',
    ],
)
def test_broken_record_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    folder = write_folder(tmp_path, [record("a.png"), broken, record("b.png")])
    with caplog.at_level(logging.WARNING):
        assert [page.path.name for page in read_pages(folder)] == ["a.png", "b.png"]
    assert "line 2 left out" in caplog.text
    assert "1 broken" in caplog.text


def test_bytes_that_are_no_text_lose_only_their_record(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, [record("a.png")])
    labels = folder / "labels.jsonl"
    labels.write_bytes(b"\xff\xfe{}\n" + labels.read_bytes())
    assert len(list(read_pages(folder))) == 1


def test_reading_is_lazy(tmp_path: Path) -> None:
    pages = read_pages(write_folder(tmp_path, [record("a.png"), record("b.png")]))
    next(pages)
    (tmp_path / "b.png").unlink()
    assert list(pages) == []


def test_fields_of_labels_tell_what_can_be_measured(tmp_path: Path) -> None:
    records = [
        record("a.png", level="word"),
        record("b.png", kind="scene", level="word", recall_only=True),
        record("c.png", kind="line"),
        record("d.png", kind="line", level="word"),
        record("e.png", kind="handwriting", crop=True),
        record("f.png", kind="line", crop=False),
        record("g.png"),
    ]
    facts = [
        (page.word_level, page.partial, page.cropped, page.alnum)
        for page in read_pages(write_folder(tmp_path, records))
    ]
    assert facts == [
        (True, False, False, False),
        (True, True, False, False),
        (False, False, True, False),
        (False, False, True, True),
        (False, False, True, False),
        (False, False, False, False),
        (False, False, False, False),
    ]


def pages_of(*sources: str) -> Iterator[LabelledPage]:
    for number, source in enumerate(sources):
        yield LabelledPage(Path(f"{number}.png"), source, "scene", "zh", cropped=source == "crops")


def test_pages_are_selected_by_source_limit_and_kind() -> None:
    def chosen(**options: Any) -> list[str]:
        return [p.path.stem for p in select_pages(pages_of("a", "b", "a", "crops", "a"), **options)]

    assert chosen() == ["0", "1", "2", "4"]
    assert chosen(limit=1) == ["0", "1"]
    assert chosen(limit=0) == []
    assert chosen(sources=["a"], limit=2) == ["0", "2"]
    assert chosen(cropped=True) == ["3"]


def test_sheet_sums_characters_not_pages() -> None:
    sheet = scores.ScoreSheet()
    (long, short) = pages_of("sroie", "hand_zh")
    sheet.add_page(long, Counts(pages=1, hits=90, chars=90), 0.1)
    sheet.add_page(short, Counts(pages=1, hits=0, chars=10), 0.3)
    figures = sheet.figures()
    assert list(figures) == ["hand_zh", "sroie", "zh: scene", "ALL"]
    assert figures["ALL"]["bagR"] == pytest.approx(0.9)
    assert figures["ALL"]["ms"] == pytest.approx(200)
    assert figures["hand_zh"]["bagR"] == 0
    assert figures["ALL"]["angle"] is None


def test_turns_are_counted_for_right_and_constant_classifiers() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    image[:3, :3] = 255
    assert program.count_turns(corner_angle, image, 0.6) == (4, 0)
    assert program.count_turns(lambda _: (90, 1.0), image, 0.6) == (1, 0)
    assert program.count_turns(lambda _: (0, 0.3), image, 0.6) == (1, 3), (
        "left as it is, three times"
    )
    # Content turned clockwise by 90 degrees has its top left at the top right.
    assert corner_angle(rotate_ccw(image, 270))[0] == 90


def run(reader: FakeReader, folder: Path) -> scores.ScoreSheet:
    pages = list(read_pages(folder))
    return program.evaluate(pages, reader=cast(ocr.Reader, reader), classify=corner_angle)


def test_evaluate_reads_and_turns(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, [record("a.png"), record("broken.png", text="四个字呢")])
    sheet = run(FakeReader(), folder)
    row = sheet.figures()["hand_zh"]
    assert row["bagR"] == pytest.approx(2 / 6)
    assert (row["pages"], row["angle"]) == (2, 1)


def test_turns_left_open_count_on_sparse_pages_alone(tmp_path: Path) -> None:
    texts = {"a.png": "two words", "b.png": "three words here"}
    pages = list(
        read_pages(write_folder(tmp_path, [record(name, text=t) for name, t in texts.items()]))
    )
    for page, left in zip(pages, (0.75, 0.0), strict=True):
        sheet = program.evaluate([page], reader=None, classify=lambda _: (0, 0.4))
        row = sheet.figures()["hand_zh"]
        assert (row["angle"], row["left"]) == (0.25, left)


def test_evaluate_crops_as_single_lines(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, [record("a.png", "uw3_lines", kind="line")])
    reader = FakeReader()
    row = run(reader, folder).figures()["uw3_lines"]
    assert reader.single == [True]
    assert (row["exact"], row["hmean"], row["angle"]) == (1, None, None)


def test_command_line_prints_a_table_and_writes_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [record("a.png", kind="scene"), record("b.png", "sroie", kind="receipt")]
    folder = write_folder(tmp_path, records)
    monkeypatch.setattr(ocr, "load", lambda *_, **__: FakeReader())
    out = tmp_path / "table.json"
    program.main([str(folder), "--json", str(out)])
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1 + 2 + 2 + 1
    assert all(len(line) == len(printed[1]) for line in printed[1:])
    assert json.loads(out.read_text())["ALL"]["bagR"] == 1
    assert not list(tmp_path.glob("*.part"))
    program.main([str(folder), "--upright", "--protocol", "deteval", "--normalize", "plain"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("ALL")
    program.main([str(folder), "--turns", "--source", "sroie"])
    assert "1.000" in capsys.readouterr().out
    program.main([str(folder), "--upright", "--json", str(out)])
    assert json.loads(out.read_text())["ALL"]["angle"] is None
    with pytest.raises(SystemExit, match="no pictures"):
        program.main([str(folder), "--lines"])
    with pytest.raises(SystemExit, match="does not exist"):
        program.main([str(tmp_path / "none")])


def test_compare_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "PATH" in compare.missing("tesseract", Path("python"))
    assert "does not run" in compare.missing("rapidocr", tmp_path / "python")


def test_compare_counts_and_survives_an_engine_that_dies(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, [record("a.png"), record("b.png")])
    pages = list(read_pages(folder))
    engine = tmp_path / "engine"
    answers = [
        {"load_s": 1},
        {"lines": [{"text": "你好", "box": QUAD}], "s": 0.5},
        {"error": "no"},
        {"peak_mib": 64},
    ]
    says = "\n".join(f"echo '{json.dumps(answer)}'" for answer in answers)
    engine.write_text(f"#!/bin/sh\n{says}\ncat >/dev/null\n", encoding="utf-8")
    engine.chmod(0o755)
    result = compare.run_engine("ours", engine, pages, 1, lines=False)
    summary = result.summary()
    assert (summary["bagR"], summary["ms"], summary["load_s"], summary["peak_mib"]) == (
        0.5,
        500,
        1,
        64,
    )
    assert result.failed == 1
    engine.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    with pytest.raises(compare.EngineError, match="3"):
        compare.run_engine("ours", engine, pages, 1, lines=False)


def test_ratio_of_unknown_figures_is_unknown() -> None:
    table = compare.format_summary(
        {"ours": compare.Result(load_s=1, peak_mib=50), "rapidocr": compare.Result(load_s=2)}
    )
    assert "ours / rapidocr" in table
    assert "0.50x" in table.splitlines()[-1]


@pytest.mark.parametrize("degrees", [0.0, 20.0, -13.0])
def test_boxes_of_pages_read_aslant_are_on_the_page_as_labelled(
    tmp_path: Path, degrees: float
) -> None:
    picture = np.full((300, 400, 3), 240, np.uint8)
    picture[100:112, 150:250] = 0
    cv2.imwrite(str(tmp_path / "bar.png"), picture)

    def read(source: Any, **_: Any) -> SimpleNamespace:
        """The dark bar is the only line."""
        seen = cv2.imread(str(source)) if isinstance(source, Path) else source
        bar = np.argwhere(seen.mean(2) < 120)[:, ::-1].astype(np.float32) + 0.5
        assert (seen.shape == picture.shape) == (degrees == 0)
        return SimpleNamespace(
            lines=[ocr.TextLine("bar", 1.0, cv2.boxPoints(cv2.minAreaRect(bar)))]
        )

    reader = cast("ocr.Reader", SimpleNamespace(read=read))
    page = LabelledPage(tmp_path / "bar.png", "bars")
    ((text, box),), _ = program.read_page(reader, page, degrees)
    assert text == "bar"
    box = np.asarray(box)
    np.testing.assert_allclose(box.min(axis=0), [150, 100], atol=1.5)
    np.testing.assert_allclose(box.max(axis=0), [250, 112], atol=1.5)
