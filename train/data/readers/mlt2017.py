"""Read ICDAR 2017 MLT (and 2019, whose form is the same): `x1,y1,…,x4,y4,script,text` in a file for each picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import split_numbers, text_after
from train.data.readers.polygon_to_quad import Points, to_points
from train.data.readers.report import Report
from train.data.readers.text_pages import read_text_pages
from train.data.samples import PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    return read_text_pages(folder, report, parse, patterns=("gt_*.txt", "*.txt"))


def parse(line: str) -> tuple[Points, str | None, bool]:
    """Take a line apart; the text may hold commas, the script does not."""
    numbers, rest = split_numbers(line, 8)
    _script, text = text_after(",", rest or "")
    return to_points(numbers), text, False
