"""Read ICDAR 2013 focused scene text, whole pictures: `gt_<n>.txt` of `x0 y0 x1 y1 "word"`, by blanks or by commas.

Blanks divide the training files, a comma and a blank those of the test. The set of cropped words is read by
`icdar_words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import unquote
from train.data.readers.polygon_to_quad import Points, rectangle
from train.data.readers.report import Report
from train.data.readers.text_pages import read_text_pages
from train.data.samples import PageSample

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_LINE = re.compile(rf"\s*{_NUMBER}[,\s]+{_NUMBER}[,\s]+{_NUMBER}[,\s]+{_NUMBER}(?:\s*,\s*|\s+)(.*)")


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    return read_text_pages(folder, report, parse, patterns=("gt_*.txt", "*.txt"))


def parse(line: str) -> tuple[Points, str | None, bool]:
    """Take a line apart; the word may hold commas and quotes."""
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError(f'bad numbers: {line[:60]!r}, expected x0 y0 x1 y1 "word"')
    x0, y0, x1, y1 = (float(found[i]) for i in range(1, 5))
    return rectangle(x0, y0, x1, y1), unquote(found[5]), False
