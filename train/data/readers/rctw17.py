"""Read RCTW-17: `<picture's name>.txt` of `x1,y1,…,x4,y4,difficult,"text"`; difficult text is to be ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import split_numbers, text_after, unquote
from train.data.readers.polygon_to_quad import Points, to_points
from train.data.readers.report import Report
from train.data.readers.text_pages import read_text_pages
from train.data.samples import PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    return read_text_pages(folder, report, parse, patterns=("*.txt",), gbk=True)


def parse(line: str) -> tuple[Points, str | None, bool]:
    """Take a line apart; the text may hold commas and quotes."""
    numbers, rest = split_numbers(line, 8)
    difficult, text = text_after(",", rest or "")
    if difficult.strip() not in ("0", "1"):
        raise ValueError(f"bad flag: difficult is {difficult[:20]!r}, expected 0 or 1")
    return to_points(numbers), unquote(text), difficult.strip() == "1"
