"""Read ICPR MTWI 2018: `image_train/<name>.jpg`, `txt_train/<name>.txt` of `x1,y1,…,x4,y4,text`, `###` to be ignored.

Names may end in two suffixes, of which the last alone is taken off. The corners of some files run the other way
around or start elsewhere than at the text's top left.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.icdar2015 import parse
from train.data.readers.report import Report
from train.data.readers.text_pages import read_text_pages
from train.data.samples import PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    return read_text_pages(folder, report, parse, patterns=("*.txt",), sure_start=False, gbk=True)
