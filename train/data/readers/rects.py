"""Read ICDAR 2019 ReCTS: `gt/<name>.json` of {"chars", "lines": [{"points": [x1, …, y4], "transcription", "ignore"}]}.

The lines are read, the single characters are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from train.data.readers.files import RECORD_ERRORS, label_files, load_json, place_of, why
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import PictureIndex
from train.data.readers.polygon_to_quad import to_points
from train.data.readers.report import Report
from train.data.readers.text_pages import picture_of
from train.data.samples import PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    pictures = PictureIndex.of(folder)
    for path in label_files(folder, "*.json"):
        place = place_of(path, folder)
        labels = load_json(path, report, place)
        if labels is None:
            continue
        try:
            records = list(labels["lines"])
        except RECORD_ERRORS as error:
            report.skip(place, why(error))
            continue
        marks = []
        for number, record in enumerate(records):
            where = f"{place}:lines[{number}]"
            try:
                points, text = to_points(record["points"]), str(record["transcription"])
                marks.append(Mark(where, points, text, bool(int(record.get("ignore") or 0))))
            except RECORD_ERRORS as error:
                report.skip(where, why(error))
        source = AnnotatedPicture(
            place, path.stem, picture_of(path, pictures), failed=len(records) - len(marks)
        )
        sample = make_page(source, marks, report)
        if sample is not None:
            yield sample
    if not folder.is_file():
        pictures.report_unlabelled(report)
