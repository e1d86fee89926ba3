"""Read PaddleOCR recognition labels, which PPOCRLabel writes as `rec_gt.txt`: a path, a tab and the text.

In place of a path there may be a JSON list of paths, pictures that share their text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import label_files, numbered_lines, place_of, text_after, why
from train.data.readers.pages import make_line
from train.data.readers.pictures import locate
from train.data.readers.report import Report
from train.data.samples import LineSample


def read(folder: Path, report: Report) -> Iterator[LineSample]:
    for path in label_files(folder, "rec_gt*.txt", "*rec*.txt", "*.txt"):
        for place, text in numbered_lines(path, report, place_of(path, folder), gbk=True):
            try:
                first, label = text_after("\t", text)
                names = json.loads(first) if first.lstrip().startswith("[") else [first]
                names = [str(name) for name in names]
            except (ValueError, TypeError, RecursionError) as error:
                report.skip(place, why(error))
                continue
            for name in names:
                picture = locate(name, [path.parent, path.parent.parent])
                sample = make_line(picture, name, label, report, place)
                if sample is not None:
                    yield sample
