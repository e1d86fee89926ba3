"""Read labelme: a JSON file for each picture, {"imagePath", "imageData", "imageHeight", "imageWidth", "shapes"}.

A shape is a polygon, or two corners of a rectangle; its text is the description, or else the label. Flags
`ignore`, `difficult` or `illegible` and the label `###` make it ignored. The picture is that of `imagePath`, or the
one within the file.
"""

from __future__ import annotations

import base64
import binascii
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

_IGNORED = ("ignore", "difficult", "illegible")


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    for path in label_files(folder, "*.json"):
        place = place_of(path, folder)
        content = load_json(path, report, place)
        if content is None:
            continue
        try:
            shapes = list(content["shapes"])
            name = str(content.get("imagePath") or "")
            picture: Path | bytes | None = locate(name, [path.parent]) if name else None
            if picture is None and content.get("imageData"):
                picture = base64.b64decode(content["imageData"], validate=True)
            height, width = content.get("imageHeight"), content.get("imageWidth")
            size = (int(height), int(width)) if height and width else None
        except (*RECORD_ERRORS, binascii.Error) as error:
            report.skip(place, why(error))
            continue
        marks = list(_marks(place, shapes, report))
        failed = len(shapes) - len(marks)
        sample = make_page(
            AnnotatedPicture(place, name, picture, size, failed=failed), marks, report
        )
        if sample is not None:
            yield sample


def _marks(place: str, shapes: list[Any], report: Report) -> Iterator[Mark]:
    for number, shape in enumerate(shapes):
        where = f"{place}:shapes[{number}]"
        try:
            text = str(shape.get("description") or shape["label"] or "")
            flags = shape.get("flags") or {}
            ignore = shape["label"] == "###" or any(flags.get(flag) for flag in _IGNORED)
            yield Mark(where, _corners(shape), text, ignore)
        except RECORD_ERRORS as error:
            report.skip(where, why(error))


def _corners(shape: dict[str, Any]) -> Points:
    kind = shape.get("shape_type") or "polygon"
    if kind == "rectangle" and len(shape["points"]) == 2:
        return rectangle(*(float(value) for value in np.ravel(shape["points"])))
    if kind not in ("polygon", "rectangle", "rotation", "quad"):
        raise ValueError(f"bad box: a shape of type {kind}, expected a polygon or a rectangle")
    return to_points(shape["points"])
