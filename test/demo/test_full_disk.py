"""A disk that fills up, a pipe that closes: whole files or none, one line of error, no traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import demo
import ocr
from common.roles import Reading
from ocr.files.page_images import pictures_of
from ocr.formats import FORMATS
from ocr.formats.own_files import write_own
from ocr.result import Angle, Elapsed, Page, TextLine

ROOT = Path(__file__).resolve().parents[2]
SMALL = 400 * 1024


READING = Reading("字" * 300, 0.5)


@pytest.fixture
def picture(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A picture whose PDF takes some 100 kB."""
    path = tmp_path / "a.png"
    PIL.Image.fromarray(rng.integers(0, 256, (260, 260, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a file system of 400 kB with so many bytes free; needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")

    def make(free: int) -> Path:
        (folder / "fill").write_bytes(bytes(SMALL - free))
        return folder

    yield make
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """The command line with a reader of many characters; gives its status and what it says on stderr."""
    box = np.array([[[0, 0], [90, 0], [90, 9], [0, 9]]] * 20, np.float32)
    reader = ocr.Reader(
        lambda image, **_: (box, np.ones(20, np.float32)), lambda crops: [READING] * len(crops)
    )
    monkeypatch.setattr(ocr, "load", lambda *args, **options: reader)

    def run(*arguments: object) -> tuple[int, str]:
        capfd.readouterr()
        status = demo.main([*map(str, arguments), "--quiet"])
        return status, capfd.readouterr().err

    return run


def _start(*arguments: object, limit: int | None = None, **streams: object) -> tuple[int, str]:
    """The command line as a process with a reader of many characters; its status and what it says on stderr."""
    script = (
        "import resource, signal, sys, numpy as np, demo, ocr\n"
        "from common.roles import Reading\n"
        "reading = Reading('字' * 300, 0.5)\n"
        "box = np.array([[[0, 0], [90, 0], [90, 9], [0, 9]]] * 20, np.float32)\n"
        "ocr.load = lambda *a, **o: ocr.Reader("
        "lambda image, **_: (box, np.ones(20)), lambda crops: [reading] * len(crops))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        + (f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n" if limit else "")
        + "sys.exit(demo.main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments), "--quiet"],
        cwd=ROOT,
        text=True,
        check=False,
        stderr=subprocess.PIPE,
        **{"stdout": subprocess.DEVNULL, **streams},  # type: ignore[call-overload]
    )
    return done.returncode, str(done.stderr)


QUICK = ("json", "pdf")
"""A text with times in it, and a file that is written in parts."""

EACH = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
    for name in (*FORMATS, "drawn")
]


def _formats(name: str) -> list[str]:
    return ["-f", "md", "--draw"] if name == "drawn" else ["-f", name]


@pytest.mark.slow
def test_files_over_the_size_limit_are_not_left_half_written(picture: Path, tmp_path: Path) -> None:
    """All formats at once on a disk that takes 5 kB a file: those that do not fit are not there at all."""
    out = tmp_path / "out"
    status, said = _start(picture, "-o", out, "-f", ",".join(FORMATS), "--draw", limit=5000)
    assert status == 1
    assert "Traceback" not in said
    assert all(line.startswith("demo.py: error: ") for line in said.splitlines())
    left = {path.name for path in out.iterdir() if path.stat().st_size}
    assert not left & {"a.pdf", "a.json", "a.drawn.png", "a.tsv"}
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", EACH)
def test_full_disk_leaves_no_partial_output_and_can_be_resumed(
    run: Callable[..., tuple[int, str]],
    picture: Path,
    small_disk: Callable[[int], Path],
    tmp_path: Path,
    name: str,
) -> None:
    whole = tmp_path / "whole"
    assert run(picture, "-o", whole, *_formats(name)) == (0, "")
    kind = FORMATS.get(name)
    file = "a.drawn.png" if kind is None else kind.file_name or kind.name_for("a")
    size = (whole / file).stat().st_size
    disk = small_disk(8192 + size // 2)
    status, said = run(picture, "-o", disk / "out", *_formats(name))
    there = disk / "out" / file
    if status == 0:  # small enough for what the file system had left
        assert there.stat().st_size > 0.95 * size
        return
    assert status == 1
    assert "No space left" in said
    assert len(said.splitlines()) == 1
    assert not there.exists() or not there.stat().st_size
    assert not list((disk / "out").glob(".*"))
    (disk / "fill").unlink()
    assert run(picture, "-o", disk / "out", *_formats(name), "--resume") == (0, "")
    assert there.stat().st_size > 0.95 * size  # times in it may be shorter


def test_failing_pdf_writer_leaves_no_file(picture: Path, tmp_path: Path) -> None:
    line = TextLine("字", 0.5, ((0, 0), (9, 0), (9, 9), (0, 9)))
    page = Page(str(picture), 0, 260, 260, Angle(0, 1.0), (line,), Elapsed(0, 0, 0, 0, 0))

    class Full:
        def __init__(self) -> None:
            self.left = 3000

        def write(self, data: bytes) -> int:
            self.left -= len(data)
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return len(data)

    with pytest.raises(OSError, match="No space"):
        FORMATS["pdf"].write([page], Full(), pictures_of(picture))  # type: ignore[arg-type]
    with pytest.raises(OSError, match="No space"), write_own(tmp_path / "a.pdf") as stream:
        stream.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.glob("*.pdf"))


full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")


@full_device
def test_json_on_a_full_device_is_one_error(
    run: Callable[..., tuple[int, str]], picture: Path
) -> None:
    status, said = run(picture, "--json", "/dev/full")
    assert (status, len(said.splitlines())) == (1, 1)
    assert said.startswith("demo.py: error: /dev/full: No space left on device")


@full_device
@pytest.mark.parametrize("json_too", [[], pytest.param(["--json", "-"], marks=pytest.mark.slow)])
def test_standard_output_on_a_full_device_is_one_error(picture: Path, json_too: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        status, said = _start(picture, *json_too, stdout=full)
    assert (status, len(said.splitlines())) == (1, 1)
    assert said.startswith("demo.py: error: standard output: No space left")


@pytest.mark.slow
def test_json_at_the_size_limit_ends_after_a_whole_line(picture: Path, tmp_path: Path) -> None:
    results = tmp_path / "x.jsonl"
    status, said = _start(*[picture] * 5, "--json", results, limit=50_000)
    assert (status, len(said.splitlines())) == (1, 1)
    whole = results.read_bytes()
    assert whole.count(b"\n") == 2
    assert whole.endswith(b"}\n")


@pytest.mark.slow
def test_closed_pipe_of_json_exits_quietly(picture: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["head", "-c", "9", str(pipe)], stdout=subprocess.DEVNULL)
    assert _start(*[picture] * 20, "--json", pipe) == (141, "")
    reader.wait(10)


def test_closed_standard_output_is_an_error_in_one_line(
    run: Callable[..., tuple[int, str]], picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    status, said = run(picture)
    assert (status, len(said.splitlines())) == (1, 1)
    assert said.startswith("demo.py: error: standard output is closed")
