"""Read PaddleOCR detection labels, which PPOCRLabel writes as `Label.txt`.

For each picture a path, a tab, and a JSON list of {"transcription", "points", "difficult"}. Paths start with the
name of the opened folder; PPOCRLabel's own mark of a box nobody has read yet counts as no label. `###` and what is
marked difficult is to be ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import (
    RECORD_ERRORS,
    label_files,
    numbered_lines,
    place_of,
    text_after,
    why,
)
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import locate
from train.data.readers.polygon_to_quad import to_points
from train.data.readers.report import Report
from train.data.samples import PageSample

_UNREAD = frozenset({"待识别", "TEMPORARY"})


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    for path in label_files(folder, "Label.txt", "*[Ll]abel*.txt", "*.txt"):
        if path.name == "fileState.txt":
            continue
        for place, text in numbered_lines(path, report, place_of(path, folder), gbk=True):
            try:
                name, records = text_after("\t", text)
                records = json.loads(records)
                if not isinstance(records, list):
                    raise ValueError(f"broken record: {type(records).__name__}, expected a list")
            except json.JSONDecodeError as error:
                report.skip(place, f"broken JSON: {error.msg}, column {error.colno}")
                continue
            except (ValueError, RecursionError) as error:
                report.skip(place, why(error))
                continue
            marks = list(_marks(place, records, report))
            picture = locate(name, [path.parent, path.parent.parent])
            failed = len(records) - len(marks)
            sample = make_page(AnnotatedPicture(place, name, picture, failed=failed), marks, report)
            if sample is not None:
                yield sample


def _marks(place: str, records: list[dict[str, object]], report: Report) -> Iterator[Mark]:
    for number, record in enumerate(records):
        where = f"{place}[{number}]"
        try:
            text = str(record["transcription"])
            points = to_points(record["points"])  # type: ignore[arg-type]
            unread = text.strip() in _UNREAD
            yield Mark(where, points, "" if unread else text, bool(record.get("difficult")))
        except RECORD_ERRORS as error:
            report.skip(where, why(error))
