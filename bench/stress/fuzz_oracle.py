"""Run a command line of the fuzzing, and tell what is wrong with what it left."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import PIL.Image

import demo
import ocr
from bench.stress.fuzz import outcome
from bench.stress.fuzz_commands import Case
from common.arrays import Image, Quads, Scores
from common.roles import Reading
from ocr.formats.output_folder import Outputs

STATUSES = {0, 1, 2, 130, 141}


def find_lines(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
    """Up to four strips of a picture: quick, and the same each time."""
    height, width = image.shape[:2]
    count = 1 + (height * 7 + width) % 4
    edges = np.linspace(0, height, count + 1)
    quads = [
        [[0, a], [width, a], [width, b], [0, b]] for a, b in zip(edges, edges[1:], strict=False)
    ]
    return np.array(quads, np.float32), np.ones(count, np.float32)


def read_lines(crops: Sequence[Image]) -> list[Reading]:
    """Texts that follow from the pixels; some are long, one in eight is empty."""
    readings = []
    for crop in crops:
        digest = hashlib.sha256(crop.tobytes()).hexdigest()
        text = "" if digest[0] in "01" else "字，" + digest[: 4 + 8 * (digest[1] in "0123")]
        readings.append(Reading(text, 0.3 + int(digest[2], 16) / 24))
    return readings


class Failing:
    """A reader's recognizer that does something once so many crops have been read."""

    def __init__(self, after: int, action: Callable[[], None]) -> None:
        self._left, self._action = after, action

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        self._left -= len(crops)
        if self._left <= 0:
            action, self._action = self._action, lambda: None
            action()
        return read_lines(crops)


def _interrupt() -> None:
    raise KeyboardInterrupt


class Runner:
    """Runs cases in a folder.

    Args:
        root: Emptied between cases, apart from the disks.
        disks: By the name of a failure: a mounted folder, or None.
    """

    def __init__(self, root: Path, disks: Mapping[str, Path | None]) -> None:
        self._root, self._disks = root, disks
        logging.raiseExceptions = False

    def run(self, case: Case) -> list[str]:
        """Run a case; what is wrong, one line each."""
        folder = self._root / "case"
        folder.mkdir()
        here = Path.cwd()
        try:
            os.chdir(folder)
            return self._run(case, folder)
        finally:
            os.chdir(here)
            shutil.rmtree(folder, ignore_errors=True)
            for disk in filter(None, self._disks.values()):
                for each in disk.iterdir():
                    shutil.rmtree(each) if each.is_dir() else each.unlink()

    def _run(self, case: Case, folder: Path) -> list[str]:
        disk = self._disks.get(case.failure)
        out = (disk or folder) / "out"
        _lay_out(case, out)
        jsonl = out.parent / "pages.jsonl"
        places = {"OUT": str(out), "JSON": str(jsonl)}
        options = [places.get(option, option) for option in case.options]
        before = _contents(folder, out)
        with _failure(case, disk, out) as (recognizer, stdout):
            status, said = _call([*options, "--", *case.paths], recognizer, stdout)
        wrong = check_run(status, said, case, before, folder, out)
        resumable = "-o" in options or "JSON" in case.options
        # A folder may vanish after its last file was whole: that run had nothing to complain of, the next one mends it.
        failed = status in {1, 130, 141} or case.failure == "vanished folder"
        if not wrong and failed and case.failure != "nothing" and resumable:
            out.mkdir(exist_ok=True)
            again = options if "--resume" in options else [*options, "--resume"]
            status, said = _call([*again, "--", *case.paths], read_lines, io.BytesIO())
            wrong = [f"then {each}" for each in check_run(status, said, case, before, folder, out)]
        if not wrong and status in {0, 1}:
            wrong = check_complete(case, said, out, jsonl if "JSON" in case.options else None)
        return wrong


def _lay_out(case: Case, out: Path) -> None:
    """Write what a case finds."""
    for each in case.inputs:
        if each.content is None:
            Path(each.name).mkdir()
        else:
            Path(each.name).write_bytes(each.content)
    out.mkdir()
    if case.foreign:
        (out / case.foreign[0]).write_bytes(case.foreign[1])


@contextlib.contextmanager
def _failure(
    case: Case, disk: Path | None, out: Path
) -> Iterator[tuple[Callable[..., list[Reading]], io.BufferedIOBase | io.BytesIO]]:
    """Make what fails fail."""
    recognizer: Callable[..., list[Reading]] = read_lines
    stdout: Any = io.BytesIO()
    with contextlib.ExitStack() as stack:
        if case.failure == "small files":
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (case.amount // 8, hard))
            stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (hard, hard))
        elif case.failure == "full disk" and disk:
            used = sum(each.stat().st_size + 4096 for each in disk.rglob("*"))
            fill = disk / "fill"
            stack.callback(fill.unlink, missing_ok=True)
            with contextlib.suppress(OSError):
                fill.write_bytes(bytes(max(0, 400 * 1024 - used - case.amount * 2)))
        elif case.failure == "read-only disk" and disk:
            _remount(disk, "ro")
            stack.callback(_remount, disk, "rw")
        elif case.failure == "vanished folder":
            recognizer = Failing(case.amount, lambda: shutil.rmtree(out, ignore_errors=True))
        elif case.failure == "interrupt":
            recognizer = Failing(case.amount, _interrupt)
        elif case.failure == "full output" and Path("/dev/full").exists():
            stdout = stack.enter_context(Path("/dev/full").open("wb"))
        elif case.failure == "closed pipe":
            receiver, sender = os.pipe()
            os.close(receiver)
            stdout = stack.enter_context(os.fdopen(sender, "wb", buffering=0))
        yield recognizer, stdout


def _remount(disk: Path, how: str) -> None:
    """Make a disk read-only ("ro") or writable ("rw")."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def _call(
    command: Sequence[str], recognizer: Callable[..., list[Reading]], stdout: Any
) -> tuple[int | str, str]:
    """Run the command line; its exit status, or what it raised, and what it says on stderr."""
    load, ocr.load = ocr.load, lambda *_, **__: ocr.Reader(find_lines, recognizer)
    said = io.StringIO()
    streams = sys.stdout, sys.stderr, sys.stdin
    sys.stdout = io.TextIOWrapper(stdout, "utf-8", write_through=True)
    sys.stderr = said
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    status: int | str
    try:
        status = demo.main(list(command))
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        status = f"raised {error!r}"
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.detach()
        sys.stdout, sys.stderr, sys.stdin = streams
        ocr.load = load
    return status, said.getvalue()


def _contents(*folders: Path) -> dict[Path, bytes]:
    """The files in some folders."""
    return {
        path: path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def check_run(
    status: int | str, said: str, case: Case, before: Mapping[Path, bytes], folder: Path, out: Path
) -> list[str]:
    """What holds after every run."""
    wrong = []
    if status not in STATUSES:
        wrong.append(f"the status is {status}: {said[-300:]}")
    if "Traceback" in said or "internal error" in said:
        wrong.append(f"a traceback: {said[-600:]}")
    if status == 0 and "error:" in said:
        wrong.append(f"the status is 0, but: {said[-300:]}")
    if status in {1, 2} and "error:" not in said:
        wrong.append(f"the status is {status}, but nothing is said: {said[-300:]}")
    if status == 141 and case.failure != "closed pipe":
        wrong.append("the status is 141, but no pipe was closed")
    inputs = {folder / each.name for each in case.inputs}
    for path, content in before.items():
        replaceable = path not in inputs and "--overwrite" in case.options
        gone = not path.exists() and case.failure == "vanished folder" and path.is_relative_to(out)
        if not gone and not replaceable and (not path.is_file() or path.read_bytes() != content):
            wrong.append(f"{path.name} is not what it was")
    for path in out.rglob("*") if out.exists() else ():
        if path in before:
            continue
        if path.name.endswith(".part"):
            wrong.append(f"a partial file stays: {path.name}")
        elif path.is_file() and not is_whole(path):
            wrong.append(f"{path.name} is cut: {path.stat().st_size} bytes")
    return wrong


def is_whole(path: Path) -> bool:
    """Whether an output file is one from its beginning to its end."""
    content = path.read_bytes()
    try:
        if path.name == "Label.txt":
            return all(
                json.loads(row.split(b"\t", 1)[1]) is not None for row in content.splitlines()
            )
        if path.suffix == ".jsonl":
            return all(map(json.loads, content.splitlines()))
        if path.suffix == ".json":
            return json.loads(content) is not None
        if path.suffix in {".xml", ".hocr"}:
            return ET.fromstring(content) is not None
        if path.suffix == ".png":
            PIL.Image.open(io.BytesIO(content)).load()
            return True
        if path.suffix == ".pdf":
            return content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
        return content.decode("utf-8") is not None
    except (ValueError, OSError, ET.ParseError, SyntaxError, IndexError):
        return False


def check_complete(case: Case, said: str, out: Path, jsonl: Path | None) -> list[str]:
    """What holds in the end: whole pictures were read, and everything that was asked for is there.

    Args:
        case: Of the run.
        said: Its messages.
        out: Its folder of outputs.
        jsonl: Its file of JSON lines; None where there is none.
    """
    if "--region" in case.options:
        return []
    named = [path for path in case.paths if Path(path).is_file()]
    once = len(set(case.paths)) == len(case.paths) == len(named)  # no pattern, no repeat
    sound = [
        each.name
        for each in case.inputs
        if each.whole and each.name in named and outcome(each.content or b"") == "read"
    ]
    wrong = []
    if jsonl:
        rows = map(json.loads, jsonl.read_bytes().splitlines() if jsonl.exists() else [])
        pages = [(row["image"], row["page"]) for row in rows]
        wrong += [f"{name} is not in the JSON" for name in sound if (name, 0) not in pages]
        if once and len(pages) > len(set(pages)):
            wrong.append("a page is twice in the JSON")
    if case.formats and once:
        outputs = Outputs(out, named, case.formats, drawn="--draw" in case.options)
        left = [name for name in sound if not outputs.are_there(named.index(name))]
        wrong += [f"{name} has not all outputs" for name in left]
    return [f"{each}: {said[-300:]}" for each in wrong]
