"""Inspect, check, convert and split a labelled set: what `python -m train.data` does, to be called from Python.

Progress and what is left out go to stderr, what is found to stdout.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ocr.formats import save
from recognition.charset import Charset
from train.data.check import check, summary
from train.data.inspect import ContactSheet, Contents, describe
from train.data.readers import read
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample
from train.data.split import held_out, key_of
from train.data.writers import Writer, WriterOptions, encoded, open_writer, to_lines

_SHOWN = 20  # losses named on stderr; `check` names all


@dataclass(frozen=True)
class LabelledSet:
    """A labelled set to read.

    Attributes:
        path: folder, or one label file.
        format: one of `READERS`, or auto.
        limit: only so many samples, the first ones; None reads all.
    """

    path: Path
    format: str = "auto"
    limit: int | None = None

    def samples(self, report: Report) -> Iterator[PageSample | LineSample]:
        """Read the samples, showing progress; `report` is told what is left out."""
        yield from tqdm(
            itertools.islice(read(self.format, self.path, report), self.limit),
            unit="sample",
            disable=None,
        )


@dataclass(frozen=True)
class Output:
    """Where a set is written.

    Attributes:
        folder: missing or empty.
        format: one of `FORMATS`.
        options: of the writer.
    """

    folder: Path
    format: str = "jsonl"
    options: WriterOptions | None = None

    def open(self, part: str = "") -> AbstractContextManager[Writer]:
        """Begin the set, or a part of it in a folder of its own."""
        return open_writer(self.format, self.folder / part, self.options)


def inspect_set(
    data: LabelledSet,
    charset: Charset,
    *,
    sheet: Path | None = None,
    figures: Path | None = None,
    count: int = 24,
    seed: int = 1,
) -> bool:
    """Count a set and print what is there.

    Args:
        data: the set.
        charset: characters without a class in it are listed.
        sheet: PNG file for a contact sheet.
        figures: JSON file for what is printed.
        count: pictures on the sheet.
        seed: chooses them.

    Returns:
        Whether there is anything.
    """
    report, contents = Report(), Contents()
    chosen = ContactSheet(count, np.random.default_rng(seed))
    for sample in chosen.watch(data.samples(report)):
        contents.add(sample)
    print(describe(contents, charset, report.summary()))
    if sheet:
        save(sheet, encoded(chosen.image(), None)[0])
    if figures:
        facts = {**contents.figures(charset), "read": report.read, "left_out": report.lost}
        save(figures, (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode())
    return bool(report.read)


def check_set(data: LabelledSet, charset: Charset) -> bool:
    """Print every finding with its place; return whether there is something to check, and nothing found."""
    report = Report()
    kinds: Counter[str] = Counter()
    for finding in check(data.samples(report), report, charset):
        kinds[finding.kind] += 1
        print(finding)
    print(summary(kinds, report.read))
    return bool(report.read) and not kinds


def convert(data: LabelledSet, output: Output, *, crops: bool = False) -> bool:
    """Write a set in another format, with `crops` its lines cut out of the pages; return whether anything was read."""
    report = Report()
    with output.open() as writer:
        for sample in data.samples(report):
            for piece in to_lines(sample) if crops else (sample,):
                writer.add(piece)
    _tell(report)
    return bool(report.read)


def split(data: LabelledSet, output: Output, *, share: float = 0.1, seed: int = 1) -> bool:
    """Write a set in two parts, `train` and `val`, and return whether anything was read.

    Args:
        data: the set, which is read twice.
        output: both parts' folder.
        share: of the pictures, to `val`; pictures that are alike go to one side.
        seed: chooses them.
    """
    keys = [key_of(sample) for sample in data.samples(Report())]
    chosen = held_out(keys, share, seed)
    report = Report()
    with ExitStack() as stack:
        parts = [stack.enter_context(output.open(name)) for name in ("train", "val")]
        for sample, is_held_out in zip(data.samples(report), chosen, strict=True):
            parts[int(is_held_out)].add(sample)
    _tell(report)
    print(f"{output.folder}: {int((~chosen).sum())} train, {int(chosen.sum())} val")
    return bool(report.read)


def _tell(report: Report) -> None:
    """Say on stderr what was left out."""
    print(report.summary(), file=sys.stderr)
    for skip in report.skipped[:_SHOWN]:
        print(f"  {skip}", file=sys.stderr)
    if report.lost > _SHOWN:
        print(f"  … and {report.lost - _SHOWN} more; check names all", file=sys.stderr)
