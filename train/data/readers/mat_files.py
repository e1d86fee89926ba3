"""Read MATLAB files by SciPy in a process of its own, see `mat_records`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from train.data.readers.report import Report


class MatReader:
    """Reads any number of .mat files through one process, started anew where a file ends it.

    Args:
        mode: "cells" or "rows"; see `mat_records`.
        names: the variables to read.

    Raises:
        ModuleNotFoundError: SciPy is not installed.
    """

    def __init__(self, mode: str, *names: str) -> None:
        if find_spec("scipy") is None:
            raise ModuleNotFoundError(
                "reading .mat files needs scipy: pip install -r requirements-train.txt"
            )
        program = Path(__file__).with_name("mat_records.py")
        self._command = [sys.executable, "-I", str(program), mode, *names]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> MatReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def records(self, path: Path, report: Report, place: str) -> Iterator[Any]:
        """Yield the records of a file, dicts of cells or lists; what is wrong with it goes to the report."""
        counts: dict[str, int] = {}
        finished = False
        for message in self._messages(path):
            finished = "end" in message or "error" in message
            counts = message.get("counts", counts)
            if "error" in message:
                report.skip(place, f"damaged file: {message['error']}")
            elif "record" in message:
                yield message["record"]
            if finished:
                break
        if not finished:
            self._stop()
            report.skip(place, "damaged file: reading it ends the process")
        elif len(set(counts.values())) > 1:
            report.skip(place, f"different counts: {counts}")

    def _messages(self, path: Path) -> Iterator[dict[str, Any]]:
        """What the process says of a file, until it ends; the last message may be followed by none."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, encoding="utf-8",
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(str(path)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return
        for line in self._process.stdout:
            if not line.endswith("\n"):
                return
            yield json.loads(line)

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        with suppress(BrokenPipeError):
            self._process.communicate()
        self._process = None


def text_of(value: Any) -> str:
    """Text from a cell: a string in a list in a list, or an empty list."""
    while isinstance(value, list):
        value = value[0] if value else ""
    return str(value).strip()
