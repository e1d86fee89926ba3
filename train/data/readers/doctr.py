"""Read docTR's `labels.json`, beside or above `images/`: recognition, detection, or both.

Recognition: {name: text}. Detection: {name: {"polygons": [[[x, y] × 4], …]}}, or by class {"words": [[…], …]},
without text. Both: {name: {"typed_words": [{"value", "geometry"}]}}, a geometry being x0, y0, x1, y1 or four
corners, in pixels or in shares of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from train.data.readers.files import RECORD_ERRORS, label_files, load_object, place_of, why
from train.data.readers.pages import AnnotatedPicture, Mark, make_line, make_page
from train.data.readers.pictures import locate
from train.data.readers.polygon_to_quad import Points, rectangle, to_points
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample | LineSample]:
    for path in label_files(folder, "labels.json", "*labels*.json"):
        place = place_of(path, folder)
        labels = load_object(path, report, place)
        folders = [path.parent / "images", path.parent]
        for name, label in labels.items():
            where, picture = f"{place}:{name}", locate(name, folders)
            sample: PageSample | LineSample | None
            if isinstance(label, str):
                sample = make_line(picture, name, label, report, where)
            else:
                sample = _page(where, name, picture, label, report)
            if sample is not None:
                yield sample


def _page(
    where: str, name: str, picture: Path | None, label: Any, report: Report
) -> PageSample | None:
    try:
        if "typed_words" in label:
            words = label["typed_words"]
            records: list[tuple[Any, str | None]] = [
                (w["geometry"], str(w["value"])) for w in words
            ]
        else:
            polygons = label["polygons"]
            if isinstance(polygons, dict):
                polygons = [polygon for group in polygons.values() for polygon in group]
            records = [(polygon, None) for polygon in polygons]
    except RECORD_ERRORS as error:
        report.skip(where, why(error))
        return None
    marks = []
    for number, (geometry, text) in enumerate(records):
        try:
            marks.append(Mark(f"{where}[{number}]", _corners(geometry), text))
        except RECORD_ERRORS as error:
            report.skip(f"{where}[{number}]", why(error))
    # No picture is two pixels wide: corners that are all under 1 are shares of its sides.
    relative = bool(marks) and all(np.abs(mark.points).max() <= 1 for mark in marks)
    failed = len(records) - len(marks)
    return make_page(
        AnnotatedPicture(where, name, picture, relative=relative, failed=failed), marks, report
    )


def _corners(geometry: Any) -> Points:
    flat = np.ravel(np.asarray(geometry, np.float64))
    if len(flat) == 4:
        if not np.isfinite(flat).all():
            raise ValueError(f"bad box: {geometry}, expected finite numbers")
        return rectangle(*flat)
    return to_points(flat)
