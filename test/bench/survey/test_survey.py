"""The survey's page: tables in both languages, figures that are kept, pictures, systems without weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("shapely", reason="requirements-train.txt is not installed")

import detection
import recognition
from bench.detector_runs import Candidate, Detected, DetectorError, DetectorRun
from bench.survey import __main__ as survey
from bench.survey import measure, pictures, systems, tables
from bench.survey.document import mark, with_parts
from bench.survey.measure import Book, Selection, key_of, measure_detectors, sizes
from bench.survey.papers import SYSTEMS, of
from bench.survey.words import FILES, LANGUAGES
from common.image import load
from common.roles import Reading
from ocr.weights import ModelRow, find
from train.data.readers.jsonl import read_pages
from train.data.samples import LabelledPage

DOCS = Path(__file__).parents[3] / "docs"
EMPTY: dict[str, dict[str, Any]] = {"detector": {}, "recognizer": {}, "spotter": {}}


@pytest.fixture(scope="module")
def pages() -> list[LabelledPage]:
    return list(read_pages(pictures.DATA))


def found_by(name: str, page: LabelledPage) -> np.ndarray:
    """What a stub finds: all lines (ctpn), those that are not level (db), none (east)."""
    quads = [line.quad for line in page.lines if line.quad is not None]
    if name == "db":
        quads = [quad for quad in quads if abs(quad[1, 1] - quad[0, 1]) > abs(quad[1, 0] - quad[0, 0])]  # fmt: skip
    return np.array(quads if name != "east" else [], np.float32).reshape(-1, 4, 2)


def part(page: str, name: str) -> str:
    """What stands between the marks of a part."""
    return page.split(f"<!-- generated: {name} -->")[1].split(f"<!-- end of {name} -->")[0]


@pytest.fixture
def stubs(pages: list[LabelledPage], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three detectors that find by rule and a fourth that ends early, one recognizer; returns what was run."""
    known, ran = {page.path: page for page in pages}, list[str]()

    def run(candidate: Candidate, paths: list[Path], threads: int) -> DetectorRun:
        ran.append(candidate.name)
        if candidate.name == "seglink":
            raise DetectorError("seglink ended early")
        quads = [found_by(candidate.name, known[path]) for path in paths]
        return DetectorRun(1000, 0.1, 50.0, [Detected(q, np.ones(len(q)), 0.1, 0.1) for q in quads])

    class Reader:
        def __call__(self, crops: list[Any]) -> list[Reading]:
            return [Reading("招租", 1.0)] * len(crops)

    row = ModelRow("small", "recognizer", "crnn", "crnn-small.onnx", "0" * 64, 1_500_000)
    names = ("ctpn", "db", "east", "seglink")
    monkeypatch.setattr(measure, "run", run)
    monkeypatch.setattr(measure, "shipped", lambda folder: [Candidate(n, n) for n in names])
    monkeypatch.setattr(measure, "weight_files", lambda *_: [row, row._replace(name="trunk")])
    monkeypatch.setattr(measure, "models", lambda folder: [row])
    monkeypatch.setattr(systems, "models", lambda folder: [row])
    monkeypatch.setattr(measure, "build", lambda *_, **__: Reader())
    monkeypatch.setattr(measure, "onnx_parameters", lambda path: 7)
    monkeypatch.setattr(measure, "checked_path", lambda *_: Path())
    return ran


def test_every_method_has_its_paper() -> None:
    keys = [one.key for one in SYSTEMS]
    assert len(keys) == len(set(keys))
    assert set(detection.METHODS) == {one.key for one in of("detector")}
    assert set(recognition.METHODS) <= {one.key for one in of("recognizer")}
    assert all(one.arxiv or one.note for one in SYSTEMS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_take_all_parts(language: str) -> None:
    page = (DOCS / FILES[language]).read_text("utf-8")
    parts = survey.generated(EMPTY, Selection([[]]), language)
    written = with_parts(page, parts)
    assert all(one.title in written for one in SYSTEMS)


def test_systems_without_weights_have_no_figures() -> None:
    table = tables.detectors({}, 2, "en")
    rows = [line for line in table.splitlines() if "no weights shipped" in line]
    assert len(rows) == len(of("detector"))
    assert len({line.count("|") for line in table.splitlines()}) == 1
    assert len({line.count("|") for line in tables.recognizers({}, "zh").splitlines()}) == 1


def test_one_command_writes_both_pages_and_the_pictures(
    tmp_path: Path, stubs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, figures = tmp_path / "docs", tmp_path / "figures.json"
    out.mkdir()
    for name in FILES.values():
        shutil.copy(DOCS / name, out)
    data = str(pictures.DATA)
    command = [data, data, "--out", str(out), "--limit", "1", "--lines", "2", "--json", str(figures)]  # fmt: skip
    assert survey.main(command) == 1, "a detector that ended early is said"
    assert "seglink ended early" in capsys.readouterr().err
    english = (out / "survey.md").read_text("utf-8")
    rows = {line.split(" | ")[0]: line for line in part(english, "detectors").splitlines()}
    assert "1.000 / 1.000 / 1.000 | 1.000" in rows["| CTPN, small"]
    assert rows["| CTPN, small"].count("1.000 / 1.000 / 1.000") == 2, "one for each set"
    assert ".000 / .000 / .000" in rows["| EAST"], rows["| EAST"]
    assert "could not be measured" in rows["| SegLink"]
    assert "no weights shipped" in rows["| PixelLink"]
    assert "1.5 + 1.5" in rows["| DB"] and "[1911.08947]" in rows["| DB"]
    assert "第 1 组" in (out / "survey.zh-CN.md").read_text("utf-8")
    drawn = [out / f"survey-{name}.jpg" for name in pictures.SHOWN]
    assert all(path.stat().st_size <= pictures.MOST_BYTES for path in drawn)

    stubs.clear()
    survey.main(command)
    assert stubs == ["seglink"], "what was measured is not measured again"
    assert (out / "survey.md").read_text("utf-8") == english


def test_pictures_with_much_in_them_are_made_smaller(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    path = tmp_path / "noise.jpg"
    pictures.write_jpeg(path, noise)
    assert path.stat().st_size <= pictures.MOST_BYTES
    assert 400 <= load(path).shape[1] < 800
    pictures.write_jpeg(path, np.full_like(noise, 255))
    assert load(path).shape[1] == 800


def test_prose_is_kept(tmp_path: Path, stubs: list[str]) -> None:
    for name in FILES.values():
        text = (DOCS / name).read_text("utf-8")
        (tmp_path / name).write_text(text + "\nMy own words.\n", "utf-8")
    survey.main([str(pictures.DATA), "--out", str(tmp_path), "--limit", "1", "--lines", "0"])
    for name in FILES.values():
        text = (tmp_path / name).read_text("utf-8")
        assert text.endswith("\nMy own words.\n")
        assert text.count("<!-- generated") == (DOCS / name).read_text("utf-8").count("<!-- generated")  # fmt: skip


def test_differences_are_said_from_the_margin_and_ten_lines_on() -> None:
    def result(**hmean: tuple[int, float]) -> dict[str, Any]:
        rows = {f"height {k}": {"0.5": {"lines": n, "hmean": h}} for k, (n, h) in hmean.items()}
        return {"rows": rows}

    usual = result(low=(10, 0.50), high=(9, 0.50), wide=(99, 0.50), same=(99, 0.50))
    other = result(low=(10, 0.56), high=(9, 0.99), wide=(99, 0.40), same=(99, 0.54))
    (row,) = tables.compared({"ctpn": usual, "db": other}, "en").splitlines()[2:]
    assert row == "| DB | height low (.500 → .560) | height wide (.500 → .400) |"


def test_figures_are_kept_by_what_they_are_of(tmp_path: Path) -> None:
    path, calls = tmp_path / "figures.json", []

    def measured(book: Book, key: str) -> float:
        found = book.measured("detector", "db", key, lambda: {"ms": len(calls.append(key) or calls)})  # fmt: skip
        return float(found["ms"])

    assert measured(Book(path), "one") == 1
    assert measured(Book(path), "one") == 1, "from the file"
    assert measured(Book(path), "other") == 2, "other weights"
    assert json.loads(path.read_text("utf-8"))["detector"]["db"] == {"ms": 2, "key": "other"}
    path.write_text("[]", "utf-8")
    with pytest.raises(ValueError, match="holds no figures of bench.survey"):
        Book(path)
    assert key_of(["a"], ["b"]) != key_of(["a", "b"], [])


def test_sizes_name_all_files_that_are_needed(tmp_path: Path) -> None:
    row = {"task": "detector", "package": "ctpn", "file": "a.onnx", "sha256": "0"}
    rows = [
        row | {"name": "small", "bytes": 2_300_000},
        row | {"name": "db", "bytes": 150_000, "shares": "small"},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "models": rows}), "utf-8")
    found = sizes([find("db", "detector", tmp_path)], tmp_path)
    assert found == [150_000, 2_300_000]
    assert tables.megabytes({"bytes": found}) == "0.15 + 2.3"


def test_sets_are_counted_apart_and_together(stubs: list[str], pages: list[LabelledPage]) -> None:
    chosen = Selection([pages[:1], pages[1:3]], shown=[pages[4].path])
    found = measure_detectors(chosen, Book(None))["ctpn"]
    lines = [rows["all"]["0.5"]["lines"] for rows in found["sets"]]
    assert sum(lines) == found["rows"]["all"]["0.5"]["lines"] and min(lines) > 0
    (shown,) = found["shown"]
    assert len(shown) == sum(line.quad is not None for line in pages[4].lines)


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        (None, [], "there is no"),
        ("docs", ["--json", "gone/a.json"], "there is no folder gone"),
        ("docs", ["--weights", "gone"], "gone has no manifest.json"),
        ("marks", [], "marks other, which nothing generates"),
    ],
)
def test_wrong_command_lines(
    prepare: str | None,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    stubs: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in FILES.values() if prepare else ():
        more = mark("other", "") if prepare == "marks" else ""
        (tmp_path / name).write_text((DOCS / name).read_text("utf-8") + more, "utf-8")
    with pytest.raises(SystemExit) as error:
        survey.main([str(pictures.DATA), "--out", str(tmp_path), *arguments])
    assert error.value.code == 2 and message in capsys.readouterr().err
    assert not stubs, "nothing was measured before"


@pytest.mark.slow
def test_shipped_models_are_measured(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    records = (pictures.DATA / "labels.jsonl").read_text("utf-8").splitlines()
    (record,) = (one for one in records if "sign-2.jpg" in one)
    (data / "labels.jsonl").write_text(record, "utf-8")
    shutil.copy(pictures.DATA / "sign-2.jpg", data)
    for name in FILES.values():
        shutil.copy(DOCS / name, tmp_path)
    figures = tmp_path / "figures.json"
    assert survey.main([str(data), "--out", str(tmp_path), "--json", str(figures)]) == 0
    found = json.loads(figures.read_text("utf-8"))
    assert found["detector"]["ctpn"]["rows"]["all"]["0.5"]["lines"] > 0
    assert found["recognizer"]["crnn"]["all"]["ms"] > 0
