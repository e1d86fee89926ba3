"""Read COCO-Text, version 2 (`cocotext.v2.json`) and 1.4: {"imgs", "anns", "imgToAnns"}; illegible text is ignored.

Boxes are of words: "mask" or "polygon" is a flat polygon, "bbox" x, y, width, height. Pictures are COCO's of 2014.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from train.data.readers.files import RECORD_ERRORS, label_files, load_json, place_of, why
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import locate
from train.data.readers.polygon_to_quad import Points, rectangle, to_points
from train.data.readers.report import Report
from train.data.samples import PageSample

_PICTURES = ("", "train2014", "images", "images/train2014", "val2014")


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    patterns = ("cocotext*.json", "COCO_Text*.json", "*[Cc][Oo][Cc][Oo]*.json")
    for path in label_files(folder, *patterns):
        place = place_of(path, folder)
        content = load_json(path, report, place)
        if content is None:
            continue
        try:
            images, annotations = content["imgs"], content["anns"]
            of_image = content.get("imgToAnns") or _by_image(annotations)
            images = dict(images)
        except RECORD_ERRORS as error:
            report.skip(place, why(error))
            continue
        root = folder.parent if folder.is_file() else folder
        folders = [base / sub for base in dict.fromkeys((root, path.parent)) for sub in _PICTURES]
        for key, image in images.items():
            where = f"{place}:imgs[{key}]"
            try:
                name, size = str(image["file_name"]), (int(image["height"]), int(image["width"]))
                wanted = list(of_image.get(key) or [])
            except RECORD_ERRORS as error:
                report.skip(where, why(error))
                continue
            marks = list(_marks(place, wanted, annotations, report))
            failed = len(wanted) - len(marks)
            source = AnnotatedPicture(where, name, locate(name, folders), size, failed=failed)
            sample = make_page(source, marks, report)
            if sample is not None:
                yield sample


def _by_image(annotations: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, record in annotations.items():
        found.setdefault(str(record["image_id"]), []).append(key)
    return found


def _marks(place: str, keys: list[Any], annotations: Any, report: Report) -> Iterator[Mark]:
    for key in keys:
        where = f"{place}:anns[{key}]"
        try:
            record = annotations[str(key)]
            illegible = str(record.get("legibility") or "legible").strip() != "legible"
            text = str(record.get("utf8_string") or "")
            yield Mark(where, _points(record), text, illegible)
        except RECORD_ERRORS as error:
            report.skip(where, why(error))


def _points(record: dict[str, Any]) -> Points:
    polygon = record.get("mask") or record.get("polygon")
    if polygon and np.size(polygon[0]) > 2:  # a list of polygons, as COCO's own
        polygon = polygon[0]
    if polygon:
        return to_points(polygon)
    x, y, width, height = (float(value) for value in record["bbox"])
    return rectangle(x, y, x + width, y + height)
