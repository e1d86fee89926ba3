"""Going on after a run that ended at any moment: nothing is read twice, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import demo
import ocr
from common.arrays import Image
from common.wording import counted
from ocr.batch.resume import ResumeError, Todo, reopen_json
from ocr.formats.own_files import is_foreign, is_own
from ocr.result import Angle, Elapsed, Page, TextLine

ROOT = Path(__file__).resolve().parents[3]
LINE = TextLine('行 "1" \\ \n', 0.5, ((0, 0), (9, 0), (9, 9), (0, 9)))


def _page(image: str, number: int) -> Page:
    return Page(image, number, 9, 9, Angle(0, 1.0), (LINE,), Elapsed(0, 0, 0, 0, 0))


PAGES = [("图 1.png", 0), ("a.tif", 0), ("a.tif", 1), (os.fsdecode(b"\xff.png"), 0)]
LINES = [f"{_page(*page).to_json()}\n".encode() for page in PAGES]


def test_missing_and_empty_json_files_have_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    assert reopen_json(path) == set()
    assert not path.exists()
    path.touch()
    assert reopen_json(path) == set()


def test_json_cut_at_any_byte_is_mended_to_whole_lines(tmp_path: Path) -> None:
    """Whatever is there of the file, it is mended to whole lines, and appending the rest gives all of it."""
    path = tmp_path / "pages.jsonl"
    content = b"".join(LINES)
    for cut in [*range(len(LINES[0]) + 2), *range(len(content) - 9, len(content) + 1)]:
        for zeros in (b"", bytes(5)):
            path.write_bytes(content[:cut] + zeros)
            # A line whose line break alone is missing counts.
            whole = [
                page
                for number, page in enumerate(PAGES)
                if cut >= len(b"".join(LINES[: number + 1])) - (0 if zeros else 1)
            ]
            if zeros and content[:cut].endswith(b"}"):
                continue
            assert reopen_json(path) == set(whole)
            assert path.read_bytes() == b"".join(LINES[: len(whole)])
    assert reopen_json(path) == set(PAGES)


@pytest.mark.parametrize(
    "content",
    [
        b"some notes",
        b"some notes\n",
        b"\n",
        b"[1, 2]\n",
        b'{"image": "a.png"}\n',
        b'{"image": 3, "page": 0}\n',
        LINES[0] + b"some notes\n" + LINES[1],
        LINES[0] + LINES[1][:20] + LINES[2],
        LINES[0] + b"some notes",
        b"\xff\xfe\n",
    ],
)
def test_json_file_of_other_content_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ResumeError, match=r"notes.txt: "):
        reopen_json(path)
    assert path.read_bytes() == content


def test_todo_lists_inputs_and_pages_that_are_left() -> None:
    files = ["a", "b", "c"]
    done = {("a", 0), ("b", 0), ("b", 1)}

    def left(todo: Todo) -> list[tuple[str, bool, list[int]]]:
        return [
            (path, not todo.is_written(place), [p for p in (0, 1) if not todo.is_done(place, p)])
            for place, path in enumerate(todo.paths)
        ]

    def is_written(number: int) -> bool:
        return number == 1

    nothing: list[int] = []
    assert left(Todo(files, written=None, done=None)) == [(file, False, [0, 1]) for file in files]
    assert left(Todo(files, written=is_written, done=None)) == [
        ("a", True, [0, 1]),
        ("c", True, [0, 1]),
    ]
    assert left(Todo(files, written=None, done=done)) == [
        ("a", False, [1]),
        ("b", False, nothing),
        ("c", False, [0, 1]),
    ]
    # A file whose outputs are missing is read as a whole, whatever pages of it are known.
    assert left(Todo(files, written=is_written, done=done)) == [
        ("a", True, [0, 1]),
        ("b", False, nothing),
        ("c", True, [0, 1]),
    ]


@pytest.fixture
def read(bar_reader: Callable[[int], ocr.Reader], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command line reads from here on."""
    reader, seen = bar_reader(0), []
    read_page = reader.read_page

    def noted(*args: object, image: str, page: int = 0, **options: object) -> Page:
        seen.append(f"{Path(image).name}/{page}")
        return read_page(*args, image=image, page=page, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "read_page", noted)
    monkeypatch.setattr(ocr, "load", lambda *args, **options: reader)
    return seen


@pytest.fixture
def folder(tmp_path: Path, bars: Image) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    picture = PIL.Image.fromarray(bars)
    for name in ("a.png", "b.bmp", "d.png"):
        picture.save(folder / name)
    blank = PIL.Image.fromarray(np.full_like(bars, 255))
    picture.save(folder / "c.tif", save_all=True, append_images=[blank, picture])
    return folder


ALL = ["a.png/0", "b.bmp/0", "c.tif/0", "c.tif/1", "c.tif/2", "d.png/0"]


def _images(path: Path) -> list[str]:
    pages = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [f"{Path(page['image']).name}/{page['page']}" for page in pages]


def test_pages_in_the_json_file_are_skipped(
    read: list[str], folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pages.jsonl"
    arguments = [str(folder), "--json", str(path), "--resume", "--jobs", "1"]
    assert demo.main(arguments) == 0
    assert (read, _images(path)) == (ALL, ALL)
    lines = path.read_bytes().splitlines(keepends=True)
    capfd.readouterr()
    for kept in (0, 3, 6):  # within the document too
        path.write_bytes(b"".join(lines[:kept]) + (lines[kept][:50] if kept < 6 else b""))
        read.clear()
        assert demo.main(arguments) == 0
        assert read == ALL[kept:]
        assert _images(path) == ALL
        out, err = capfd.readouterr()
        assert len(out.split("\n\n")) == max(1, sum(page != "c.tif/1" for page in ALL[kept:]))
        assert f"demo.py: {counted(6 - kept, 'page')} in" in err


def test_inputs_with_all_output_files_are_skipped(
    read: list[str], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = [str(folder), "-o", str(out), "-f", "txt,json", "--resume", "--quiet"]
    assert demo.main(arguments) == 0
    assert sorted(read) == ALL
    content = {path.name: path.read_bytes() for path in out.iterdir()}
    times = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / "c.txt").unlink()
    (out / ".d.txt.99.part").write_text("half of")
    (out / "d.txt").unlink()
    read.clear()
    assert demo.main(arguments) == 0
    assert sorted(read) == ["c.tif/0", "c.tif/1", "c.tif/2", "d.png/0"]
    assert {name: (out / name).read_bytes() for name in content if name[0] in "ab"} == {
        name: data for name, data in content.items() if name[0] in "ab"
    }
    assert all((out / name).stat().st_mtime_ns == times[name] for name in ("a.txt", "b.json"))
    assert (out / "c.txt").read_bytes() == content["c.txt"]
    read.clear()
    assert demo.main(arguments) == 0
    assert read == []


def test_edited_and_foreign_files_are_kept_and_named(
    read: list[str], folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is there counts as done, whoever wrote it; nobody shall take it for what was read."""
    out = tmp_path / "out"
    arguments = [str(folder), "-o", str(out), "-f", "txt", "--resume"]
    assert demo.main(arguments) == 0
    if not hasattr(os, "getxattr") or is_foreign(out / "a.txt") or not is_own(out / "a.txt"):
        pytest.skip("this file system keeps no extended attributes")
    (out / "a.txt").write_text("corrected\n")
    (out / "c.txt").unlink()
    (out / "c.txt").write_text("of another program\n")
    (out / "b.txt").touch()  # as it was, but for its time
    read.clear()
    capfd.readouterr()
    assert demo.main(arguments) == 0
    assert read == [] and (out / "a.txt").read_text() == "corrected\n"
    said = "2 files kept that no run wrote as they are now: a.txt, c.txt; delete"
    assert f"demo.py: {said}" in capfd.readouterr().err


def test_page_in_the_json_without_output_files_is_read_again_but_listed_once(
    read: list[str], folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Killed between a page's JSON and its files: read again, but in the JSON once."""
    out, path = tmp_path / "out", tmp_path / "pages.jsonl"
    arguments = [
        str(folder),
        "-o",
        str(out),
        "-f",
        "txt",
        "--json",
        str(path),
        "--resume",
        "--quiet",
    ]
    assert demo.main(arguments) == 0
    content = (out / "c.txt").read_bytes()
    (out / "c.txt").unlink()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))
    read.clear()
    capfd.readouterr()
    assert demo.main([*arguments, "--jobs", "1"]) == 0
    assert read == ["c.tif/0", "c.tif/1", "c.tif/2", "d.png/0"]
    assert _images(path) == ALL
    assert (out / "c.txt").read_bytes() == content
    assert capfd.readouterr().out.count("200,0,0") == 2


def test_equal_names_keep_their_files(
    read: list[str], folder: Path, tmp_path: Path, bars: Image
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    PIL.Image.fromarray(bars[:40]).save(other / "a.png")
    out = tmp_path / "out"
    arguments = [
        str(folder / "a.png"),
        str(other),
        "-o",
        str(out),
        "-f",
        "txt",
        "--resume",
        "--quiet",
    ]
    assert demo.main(arguments) == 0
    (out / "a-2.txt").unlink()
    read.clear()
    assert demo.main(arguments) == 0
    assert read == ["a.png/0"]
    assert (out / "a-2.txt").read_text("utf-8") == "200,0,0\n"


def test_failed_inputs_are_read_again(read: list[str], folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    (folder / "a.png").write_text("still uploading")
    arguments = [str(folder), "--json", str(path), "--resume", "--quiet"]
    assert demo.main(arguments) == 1
    assert _images(path) == ALL[1:]
    PIL.Image.new("L", (9, 9)).save(folder / "a.png")
    assert demo.main(arguments) == 0
    assert sorted(_images(path)) == ALL


@pytest.mark.parametrize("outputs", [[], ["--json", "-"]])
def test_resume_without_output_files_is_bad_usage(
    outputs: Sequence[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        demo.main(["a.png", "--resume", *outputs])
    assert exit_.value.code == 2
    assert capfd.readouterr().err.splitlines()[-1].startswith("demo.py: error: --resume ")


def test_resume_with_a_file_of_other_content_is_bad_usage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("notes\n")
    with pytest.raises(SystemExit) as exit_:
        demo.main(["a.png", "--resume", "--json", str(path)])
    assert exit_.value.code == 2
    assert capfd.readouterr().err.splitlines()[-1].startswith(f"demo.py: error: {path}: line 1 ")
    assert path.read_text() == "notes\n"


@pytest.mark.slow
def test_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    """Killed without a warning in the middle of a folder, then interrupted, then left alone."""
    names = [f"{number:02}.png" for number in range(12)]
    for name in names:
        PIL.Image.new("L", (60, 40)).save(tmp_path / name)
    results = tmp_path / "pages.jsonl"

    def start(seconds: float) -> subprocess.Popen[str]:
        script = (
            "import signal, sys, time, numpy as np, demo, ocr\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "def detect(image):\n"
            f"    time.sleep({seconds})\n"
            "    return np.zeros((0, 4, 2), np.float32), np.zeros(0)\n"
            "ocr.load = lambda *a, **o: ocr.Reader(detect, lambda crops: [])\n"
            "sys.exit(demo.main())\n"
        )
        options = ["--json", str(results), "-o", str(tmp_path / "out"), "--resume", "--jobs", "3"]
        return subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), *options],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(lines: int) -> None:
        deadline = time.monotonic() + 60
        while not results.exists() or results.read_bytes().count(b"\n") < lines:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    for sign, lines, status in ((signal.SIGKILL, 3, -signal.SIGKILL), (signal.SIGINT, 6, 130)):
        with start(0.15) as process:
            wait_for(lines)
            process.send_signal(sign)
            _, err = process.communicate(timeout=60)
        assert process.returncode == status
        assert "Traceback" not in err
        assert results.read_bytes().count(b"\n") < len(names)
    with start(0) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert _images(results) == [f"{name}/0" for name in names]
    assert {path.stem for path in (tmp_path / "out").glob("*.json")} == {n[:2] for n in names}
