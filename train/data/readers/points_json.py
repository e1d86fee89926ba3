"""Read one JSON file of {picture's name: [{"transcription", "points", "illegibility"}]}, as LSVT and ArT have it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.data.readers.files import RECORD_ERRORS, label_files, load_object, place_of, why
from train.data.readers.pages import AnnotatedPicture, Mark, make_line, make_page
from train.data.readers.pictures import PictureIndex
from train.data.readers.polygon_to_quad import to_points
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample


def read_points_json(
    folder: Path, report: Report, *patterns: str
) -> Iterator[PageSample | LineSample]:
    """Iterate over the pictures; one whose only record has no points is itself a line."""
    pictures = PictureIndex.of(folder)
    for path in label_files(folder, *patterns):
        place = place_of(path, folder)
        labels = load_object(path, report, place)
        for name, records in labels.items():
            picture = pictures.find(name, path)
            sample = _sample(f"{place}:{name}", name, records, picture, report)
            if sample is not None:
                yield sample


def _sample(
    place: str, name: str, records: Any, picture: Path | None, report: Report
) -> PageSample | LineSample | None:
    if not isinstance(records, list):
        report.skip(place, f"broken record: {type(records).__name__}, expected a list")
        return None
    if len(records) == 1 and isinstance(records[0], dict) and "points" not in records[0]:
        if _flag(records[0]):
            report.skip(place, "illegible: its illegibility is true")
            return None
        return make_line(picture, name, str(records[0].get("transcription") or ""), report, place)
    marks = []
    for number, record in enumerate(records):
        where = f"{place}[{number}]"
        try:
            points, text = to_points(record["points"]), str(record["transcription"])
            marks.append(Mark(where, points, text, _flag(record)))
        except RECORD_ERRORS as error:
            report.skip(where, why(error))
    return make_page(
        AnnotatedPicture(place, name, picture, failed=len(records) - len(marks)), marks, report
    )


def _flag(record: dict[str, Any]) -> bool:
    return bool(record.get("illegibility"))
