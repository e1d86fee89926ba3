"""Read ICDAR 2015 incidental scene text, task 4: `gt_img_<n>.txt` of `x1,y1,…,x4,y4,text`, `###` to be ignored.

Also what other tools write in this form: any `<picture's name>.txt`. A file of eight numbers a line has boxes
without text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import split_numbers
from train.data.readers.polygon_to_quad import Points, to_points
from train.data.readers.report import Report
from train.data.readers.text_pages import read_text_pages
from train.data.samples import PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    return read_text_pages(folder, report, parse, patterns=("gt_*.txt", "*.txt"), gbk=True)


def parse(line: str) -> tuple[Points, str | None, bool]:
    """Take a line apart; the text may hold commas."""
    numbers, text = split_numbers(line, 8)
    return to_points(numbers), text, False
