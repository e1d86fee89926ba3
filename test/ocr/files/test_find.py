"""What a command line is given, and the files that it stands for; progress on the way through them."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

import demo
import ocr
from common.arrays import Image
from ocr.batch.progress import Progress, duration, expected_pages
from ocr.batch.read_many import ReadEvent
from ocr.files.find import find_inputs
from ocr.result import Angle, Elapsed, Page

ROOT = Path(__file__).resolve().parents[3]
PAGE = Page("a.png", 0, 9, 9, Angle(0, 1.0), (), Elapsed(0, 0, 0, 0, 0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with pictures whose names are no easy ones."""
    monkeypatch.chdir(tmp_path)
    names = [
        "a.png",
        "b c.png",
        "图 1.png",
        "[x].png",
        "sub/d.png",
        "sub/deep/e.png",
        ".hidden.png",
    ]
    for name in [*names, "sub/notes.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def _found(*paths: str, stdin: bytes = b"", zeros: bool = False) -> tuple[list[str], list[str]]:
    errors: list[str] = []
    found = find_inputs(
        paths,
        stdin=io.BytesIO(stdin),
        separator=b"\0" if zeros else b"\n",
        on_error=lambda path, error: errors.append(f"{path}: {error}"),
    )
    return found, errors


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ((), []),
        (("./a.png", "a.png", "sub/../a.png"), ["./a.png", "a.png", "sub/../a.png"]),
        (("sub",), ["sub/d.png", "sub/deep/e.png"]),
        (("*.png",), ["[x].png", "a.png", "b c.png", "图 1.png"]),
        (
            ("./*.png", "s?b/*.png"),
            ["./[x].png", "./a.png", "./b c.png", "./图 1.png", "sub/d.png"],
        ),
        (("sub/**/*.png",), ["sub/d.png", "sub/deep/e.png"]),
        (("sub/**",), ["sub/d.png", "sub/deep/e.png", "sub/notes.txt"]),
        (("s*",), ["sub/d.png", "sub/deep/e.png"]),
        (("[x].png",), ["[x].png"]),
        (("[ab].png",), ["a.png"]),
        (("missing.png", "a.png"), ["missing.png", "a.png"]),
        (("x" * 300, "a.png"), ["x" * 300, "a.png"]),
    ],
)
def test_paths_stand_for_their_files(paths: tuple[str, ...], found: list[str]) -> None:
    assert _found(*paths) == (found, [])


def test_absolute_patterns_are_expanded(folder: Path) -> None:
    assert _found(f"{folder}/sub/*.png")[0] == [f"{folder}/sub/d.png"]


@pytest.mark.usefixtures("folder")
def test_paths_that_match_nothing_are_errors_and_the_rest_is_found() -> None:
    found, errors = _found("empty", "no*such", "a.png")
    assert found == ["a.png"]
    assert errors[0] == "empty: empty: no pictures or PDFs in this folder"
    assert errors[1].startswith("no*such: no*such: no such file")
    found, errors = _found("", "a.png")
    assert found == ["a.png"] and "an empty path" in errors[0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("stdin", "zeros", "found"),
    [
        (b"", False, []),
        (b"\n\n", False, []),
        (b"a.png", False, ["a.png"]),
        (b"b c.png\r\n\r\na.png\r\n", False, ["b c.png", "a.png"]),
        (
            "图 1.png\nsub\n*b*.png\n".encode(),
            False,
            ["图 1.png", "sub/d.png", "sub/deep/e.png", "b c.png"],
        ),
        (b"a.png\0b c.png\0", True, ["a.png", "b c.png"]),
        (b"line\nbreak.png\0", True, ["line\nbreak.png"]),
        (b"-\n", False, ["-"]),
        (b"\xff.png\n", False, [os.fsdecode(b"\xff.png")]),
    ],
)
def test_lists_of_paths_on_stdin_are_expanded_in_place(
    stdin: bytes, zeros: bool, found: list[str]
) -> None:
    assert _found("-", stdin=stdin, zeros=zeros) == (found, [])
    assert _found("a.png", "-", "sub/d.png", stdin=stdin, zeros=zeros)[0] == [
        "a.png",
        *found,
        "sub/d.png",
    ]


def test_picture_on_stdin_is_no_list() -> None:
    stream = io.BytesIO()
    PIL.Image.new("L", (9, 9)).save(stream, "PNG")
    found, errors = _found("-", stdin=stream.getvalue())
    assert found == []
    assert "expected a list of paths" in errors[0]


def test_pages_are_counted_without_reading_them(tmp_path: Path, bars: Image) -> None:
    picture = PIL.Image.fromarray(bars)
    for name, count in (("a.tif", 3), ("b.pdf", 4), ("c.tiff", 1)):
        picture.save(tmp_path / name, save_all=True, append_images=[picture] * (count - 1))
    (tmp_path / "d.pdf").write_text("no PDF")
    names = ["a.tif", "x.png", "b.pdf", "c.tiff", "d.pdf", "missing.pdf", "missing.tif"]
    paths = [str(tmp_path / name) for name in names]
    assert expected_pages(paths) == [3, 1, 4, 1, 1, 1, 1]
    assert expected_pages([]) == []
    done = {(paths[0], 0), (paths[0], 2), (paths[1], 0), ("of another run", 0)}
    assert expected_pages(paths, done) == [1, 0, 4, 1, 1, 1, 1]
    # Without time, documents count as nothing is known of them; they are corrected when they end.
    assert expected_pages(paths, seconds=-1)[1] == 1


def test_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    said: list[str] = []
    counter = Progress([1] * 9 + [11], None, said.append)
    for file in range(10):
        now[0] += 4
        counter.count(ReadEvent(file, PAGE))
        counter.count(ReadEvent(file))
        with counter.aside():
            pass
    # The last file had one page, not eleven, which shows when it has ended.
    assert said == [
        "3 of 20 pages, 0.25 pages/s, 68.0 s left",
        "6 of 20 pages, 0.25 pages/s, 56.0 s left",
        "9 of 20 pages, 0.25 pages/s, 44.0 s left",
    ]
    assert counter.close() == "10 pages in 40.0 s, 0.25 pages/s"


def test_progress_of_no_pages_can_be_closed() -> None:
    counter = Progress([], None, pytest.fail)
    assert counter.close().startswith("0 pages in 0.0 s")


def test_bar_knows_how_many_pages_there_are() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    counter = Progress([1, 5], stream, pytest.fail)
    counter.count(ReadEvent(0, error=ValueError()))
    counter.count(ReadEvent(0))
    with counter.aside():
        stream.write("\nAN ERROR\n")
    counter.count(ReadEvent(1, PAGE))
    counter.count(ReadEvent(1))
    # A file that cannot be read is no page: one of one is done, and what failed stands beside it.
    assert re.search(r"1/1 \[.*page.*1 not read", stream.getvalue())
    summary = counter.close()
    assert stream.getvalue().endswith("\r")
    assert summary.startswith("1 page in ") and summary.endswith("; 1 could not be read")


def test_page_whose_drawing_failed_was_read() -> None:
    counter = Progress([1], None, pytest.fail)
    for step in (ReadEvent(0, PAGE), ReadEvent(0, error=OSError(), number=PAGE.page), ReadEvent(0)):
        counter.count(step)
    assert "not be read" not in counter.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (7.24, "7.2 s"), (120, "2 min"), (5999, "100 min"), (9000, "2.5 h")],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("jobs", [1, 4])
def test_command_line_keeps_the_order_of_a_list(
    jobs: int,
    bar_demo: Callable[..., int],
    tmp_path: Path,
    bars: Image,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for width in range(10):
        PIL.Image.fromarray(bars[:, : 30 + 10 * width]).save(tmp_path / f"{width}.png")
    names = [str(tmp_path / f"{number}.png") for number in (3, 1, 9, 0, 5, 77, 2, 8)]
    listed = io.TextIOWrapper(io.BytesIO("\n".join(names).encode()))
    monkeypatch.setattr(sys, "stdin", listed)
    assert bar_demo("-", "--jobs", jobs, "--json", tmp_path / "pages.jsonl") == 1
    err = capfd.readouterr().err.splitlines()
    assert [line.split(": ")[-2 if "error" in line else 1] for line in err[:-1]] == names
    last = r"demo.py: 7 pages in [\d.]+ s, [\d.e+]+ pages/s; 1 could not be read"
    assert re.fullmatch(last, err[-1])
    read = re.findall(r'"image": "([^"]+)"', (tmp_path / "pages.jsonl").read_text("utf-8"))
    assert read == [name for name in names if "77" not in name]


@pytest.mark.parametrize(
    ("arguments", "cores", "jobs", "threads"),
    [
        (["a.png"], 8, 1, None),
        (["a.png", "--threads", "3"], 8, 1, 3),
        (["a.png", "b.png"], 2, 2, 1),
        (["a.png", "b.png"], 8, 4, 2),
        (["a.pdf"], 8, 4, 2),
        (["a.png", "b.png", "--jobs", "1"], 8, 1, None),
        (["a.png", "b.png", "--jobs", "3"], 8, 3, 2),
        (["a.png", "b.png", "--threads", "2"], 8, 2, 1),
        (["a.png", "b.png", "--threads", "2", "--jobs", "5"], 8, 5, 1),
    ],
)
def test_cores_are_shared_between_pages(
    arguments: list[str],
    cores: int,
    jobs: int,
    threads: int | None,
    bar_reader: Callable[[int], ocr.Reader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pages beside each other need a thread each; a page alone gets all of them."""
    seen: dict[str, object] = {}

    def load(*args: object, **options: object) -> ocr.Reader:
        seen["threads"] = options["threads"]
        return bar_reader(0)

    def read_files(*args: object, **options: object) -> object:
        seen["jobs"] = options["jobs"]
        yield from ()

    monkeypatch.setattr(demo, "available_cores", lambda: cores)
    monkeypatch.setattr(demo, "read_files", read_files)
    monkeypatch.setattr(demo.cv2, "setNumThreads", lambda number: None)
    monkeypatch.setattr(ocr, "load", load)
    demo.main([*arguments, "--quiet"])
    assert seen == {"jobs": jobs, "threads": threads}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_shows_a_bar_and_errors_above_it(tmp_path: Path, bars: Image) -> None:
    import pty
    import termios

    for number in range(3):
        PIL.Image.fromarray(bars).save(tmp_path / f"{number}.png")
    (tmp_path / "1.jpg").write_text("no picture")
    script = (
        "import sys, numpy as np, demo, ocr\n"
        "empty = np.zeros((0, 4, 2), np.float32), np.zeros(0)\n"
        "ocr.load = lambda *a, **o: ocr.Reader(lambda image: empty, lambda crops: [])\n"
        "sys.exit(demo.main())\n"
    )
    terminal, stderr = pty.openpty()
    termios.tcsetwinsize(stderr, (24, 120))
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stderr=stderr, stdout=stderr
    ) as process:
        os.close(stderr)
        shown = b""
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # how Linux says that the other side has gone
                break
            if not piece:
                break
            shown += piece
    os.close(terminal)
    text = shown.decode()
    assert process.returncode == 1
    assert re.search(r"0/4 \[", text)
    assert re.search(r"\rdemo.py: error: [^\r\n]*1.jpg: not a picture", text)
    assert ": 0 lines" not in text
    assert text.splitlines()[-1].lstrip("\r ").startswith("demo.py: 3 pages in ")
