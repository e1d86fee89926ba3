"""No output replaces an input, or a file that no earlier run has written; refused before anything is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

import demo
import ocr
from common.arrays import Image


@pytest.fixture
def run(
    bar_reader: Callable[[int], ocr.Reader],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    bars: Image,
) -> Callable[..., int]:
    """The command line in a folder with the pictures a.png and b.png and the document d.tif."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ocr, "load", lambda *args, **options: bar_reader(0))
    picture = PIL.Image.fromarray(bars)
    for name in ("a.png", "b.png"):
        picture.save(name)
    picture.save("d.tif", save_all=True, append_images=[picture])

    def run(*arguments: str) -> int:
        try:
            return demo.main([*arguments, "--quiet"])
        except SystemExit as stop:
            return int(str(stop.code))

    return run


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "a.png", "b.png"],  # as a shell gives --json *.png
        ["a.png", "b.png", "--json", "b.png"],
        ["a.png", "--json", "./a.png", "--overwrite"],
        ["a.png", "--json", "link.png", "--overwrite"],
        ["in.pdf", "-o", ".", "-f", "pdf"],
        ["in.pdf", "-o", ".", "-f", "pdf", "--overwrite"],
        ["a.png", "a.drawn.png", "-o", ".", "--draw", "-f", "md"],
        ["d.tif", "d.p1.drawn.png", "-o", ".", "--draw", "-f", "md", "--overwrite"],
        ["a.png", "--lexicon", "words.txt", "--json", "words.txt", "--overwrite"],
        ["a.png", "-o", ".", "-f", "txt"],
        ["a.png", "-o", ".", "-f", "txt,json", "--resume"],
        ["d.tif", "-o", ".", "-f", "page"],
        ["a.png", "-o", ".", "-f", "icdar"],
        ["a.png", "--json", "notes.jsonl"],
        ["a.png", "-o", "new", "-f", "json", "--json", "new/a.json"],
    ],
)
def test_existing_foreign_files_are_not_overwritten(
    run: Callable[..., int], tmp_path: Path, arguments: list[str]
) -> None:
    for name in ("a.txt", "gt_a.txt", "d.p1.page.xml", "notes.jsonl", "words.txt"):
        (tmp_path / name).write_text("by hand\n")
    for name in ("a.drawn.png", "d.p1.drawn.png"):
        PIL.Image.new("L", (9, 9)).save(name)
    PIL.Image.open("a.png").save("in.pdf")
    Path("link.png").symlink_to("a.png")
    before = _contents(tmp_path)
    assert run(*arguments) == 2
    assert _contents(tmp_path) == before


def test_outputs_of_an_earlier_run_are_replaced(run: Callable[..., int], tmp_path: Path) -> None:
    arguments = ["a.png", "d.tif", "-o", "out", "-f", "txt,page,pdf", "--draw", "--json", "x.jsonl"]
    assert run(*arguments) == 0
    out = tmp_path / "out"
    try:
        os.getxattr(out / "a.txt", "user.ocr.output")
    except (AttributeError, OSError):
        pytest.skip("this file system keeps no extended attributes")
    first = set(_contents(out))
    assert run(*arguments) == 0
    assert set(_contents(out)) == first
    # Corrected by hand, it is no longer what was written.
    (out / "a.txt").write_text("corrected\n")
    assert run(*arguments) == 2
    assert (out / "a.txt").read_text() == "corrected\n"
    assert run(*arguments, "--overwrite") == 0
    assert (out / "a.txt").read_text() == "200,0,0\n0,0,200\n"


def test_json_of_an_earlier_run_is_kept_until_the_models_are_there(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("a.png", "--json", "x.jsonl") == 0
    before = (tmp_path / "x.jsonl").read_bytes()

    def load(*args: object, **options: object) -> ocr.Reader:
        raise ValueError("no such model")

    monkeypatch.setattr(ocr, "load", load)
    assert run("b.png", "--json", "x.jsonl") == 2
    assert (tmp_path / "x.jsonl").read_bytes() == before


def test_overwrite_replaces_what_is_no_input(run: Callable[..., int], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("by hand\n")
    (tmp_path / "notes.jsonl").write_text("by hand\n")
    arguments = ["a.png", "-o", ".", "-f", "txt", "--json", "notes.jsonl"]
    assert run(*arguments) == 2
    assert run(*arguments, "--overwrite") == 0
    assert (tmp_path / "a.txt").read_text() == "200,0,0\n0,0,200\n"
    assert (tmp_path / "notes.jsonl").read_text("utf-8").startswith('{"schema": ')


@pytest.mark.parametrize("form", ["txt", "txt,json,pdf,hocr", "page,icdar", "labels"])
def test_names_of_250_bytes_can_be_written(
    run: Callable[..., int], tmp_path: Path, form: str
) -> None:
    """Also two whose names differ only behind what fits."""
    for name, last in (("a.png", "1"), ("b.png", "22")):
        (tmp_path / name).rename(tmp_path / ("一" * 81 + f"{last}.png"))
    names = [path.name for path in tmp_path.glob("一*")]
    assert run(*names, "-o", "out", "-f", form, "--draw") == 0
    files = list((tmp_path / "out").iterdir())
    assert len(files) == 2 * len(form.split(",")) + 2 - (form == "labels")
