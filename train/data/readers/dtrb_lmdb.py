"""Read LMDB in the form of DTRB and of the Chinese benchmark CTR.

Keys are `num-samples`, `image-000000001`, `label-000000001` and so on; a picture is a file as it was encoded.
Every `data.mdb` below the folder is read, by a process of its own: see `lmdb_records`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from train.data.readers.files import label_files, place_of
from train.data.readers.lmdb_records import END, FAULT, HEADER, NOTE, SAMPLE, SHORT
from train.data.readers.pages import make_line
from train.data.readers.report import Report
from train.data.samples import LineSample

_MAX_RESTARTS = 50
_MAX_BARREN = 3  # processes in a row that give no sample
_Frame = tuple[bytes, int, bytes | None, bytes | None]


def read(folder: Path, report: Report) -> Iterator[LineSample]:
    """Raise ModuleNotFoundError where the package lmdb is not installed."""
    if find_spec("lmdb") is None:
        raise ModuleNotFoundError("reading LMDB needs lmdb: pip install -r requirements-train.txt")
    for path in label_files(folder, "data.mdb", "*.mdb"):
        place = place_of(path, folder)
        for number, image, label in _samples(path, place, report):
            where = f"{place}:image-{number:09d}"
            if label is None:
                report.skip(where, f"no label: label-{number:09d}")
                continue
            try:
                text = label.decode("utf-8")
            except UnicodeDecodeError:
                report.skip(where, "encoding: the label is not UTF-8")
                continue
            sample = make_line(image, f"image-{number:09d}", text, report, where)
            if sample is not None:
                yield sample


def _samples(
    path: Path, place: str, report: Report
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Yield (number, picture, label); where the process that reads ends, another goes on after that sample."""
    last, barren, short = 0, 0, ""
    for _ in range(_MAX_RESTARTS):
        barren, reason = barren + 1, "reading the sample ends the process"
        for kind, number, first, second in _frames(path, last + 1):
            if kind == SAMPLE:
                last, barren = number, 0
                yield number, first, second
                continue
            text = (first or b"").decode("utf-8", "replace")
            if kind == NOTE:
                report.skip(place, text)
            elif kind == SHORT:
                short = text
            elif kind == FAULT and number:
                last, reason = number - 1, text
            elif kind == FAULT:
                report.skip(place, f"damaged database: {text}")
                return
            elif kind == END:
                return
        if short and not last:
            report.skip(place, f"damaged database: {short}")
            return
        if barren == _MAX_BARREN:
            break
        last += 1
        report.skip(f"{place}:image-{last:09d}", f"damaged database: {reason}")
    report.skip(place, f"damaged database: nothing after image-{last:09d} can be read")


def _frames(path: Path, first: int) -> Iterator[_Frame]:
    """Frames of one process until it ends, whatever way."""
    program = Path(__file__).with_name("lmdb_records.py")
    command = [sys.executable, "-I", str(program), str(path), str(first)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            while frame := _frame(process.stdout):
                yield frame
        finally:
            process.kill()


def _frame(stream: IO[bytes]) -> _Frame | None:
    """The next frame; None where the stream ends, also within one."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, number, *lengths = HEADER.unpack(header)
    pieces = [stream.read(length) if length >= 0 else None for length in lengths]
    if any(piece is not None and len(piece) < n for piece, n in zip(pieces, lengths, strict=True)):
        return None
    return kind, number, pieces[0], pieces[1]
