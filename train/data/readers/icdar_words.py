"""Read Cropped words of ICDAR 2013 and 2015: `gt.txt` (or `…_GT.txt`) of `word_1.png, "text"`.

Quotes and backslashes of the text are behind backslashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import label_files, numbered_lines, place_of, text_after, unquote, why
from train.data.readers.pages import make_line
from train.data.readers.pictures import PictureIndex, locate
from train.data.readers.report import Report
from train.data.samples import LineSample

PATTERNS = ("gt.txt", "*_GT.txt", "*gt.txt")


def read(folder: Path, report: Report) -> Iterator[LineSample]:
    index = PictureIndex.of(folder)
    for path in label_files(folder, *PATTERNS):
        for place, text in numbered_lines(path, report, place_of(path, folder)):
            try:
                name, label = text_after(",", text)
                label = unquote(label, escapes=True)
            except ValueError as error:
                report.skip(place, why(error))
                continue
            # The test's labels come in an archive of their own, away from the pictures.
            picture = locate(name, [path.parent]) or index.find(Path(name.strip()).stem, path)
            sample = make_line(picture, name.strip(), label, report, place)
            if sample is not None:
                yield sample
