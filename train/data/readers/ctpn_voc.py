"""Read the VOC set that CTPN implementations train on: `Annotations/*.xml`, whose objects are strips 16 pixels wide.

Neighboring strips are joined to the lines that they were cut from; there is no text. Coordinates count from 1,
both ends included. All annotations are read; give the path of `ImageSets/Main/train.txt` to read a part. Nothing is
cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.data.readers.files import RECORD_ERRORS, label_files, numbered_lines, place_of, why
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import PictureIndex
from train.data.readers.polygon_to_quad import rectangle
from train.data.readers.report import Report
from train.data.samples import PageSample

_STRIP = 16
_GAP = 2  # pixels between strips of one line, by rounding
_OVERLAP = 0.5  # share of the lower of two neighboring strips


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    root = folder.parents[2] if folder.is_file() else folder
    pictures = PictureIndex(root)
    parse, errors = _parser()
    for path, place in _annotations(folder, root, report):
        try:
            boxes, difficult, size, failed = _objects(parse(path).getroot(), place, report)
        except errors as error:
            report.skip(place, f"broken XML: {error}")
            continue
        marks = []
        for number, strips in enumerate(join_strips(boxes)):
            where = f"{place}:line {number + 1}"
            quad = line_around(boxes[strips]).astype(np.float32)
            marks.append(
                Mark(where, quad.astype(np.float64), None, bool(difficult[strips].any()), quad)
            )
        source = AnnotatedPicture(
            place, path.stem, pictures.find(path.stem, path), size, failed=failed
        )
        sample = make_page(source, marks, report)
        if sample is not None:
            yield sample


def _annotations(folder: Path, root: Path, report: Report) -> Iterator[tuple[Path, str]]:
    if not folder.is_file():
        for path in label_files(folder, "Annotations/*.xml", "*.xml"):
            yield path, place_of(path, folder)
        return
    for place, text in numbered_lines(folder, report, folder.name):
        path = root / "Annotations" / f"{text.split()[0]}.xml"
        if path.is_file():
            yield path, place_of(path, root)
        else:
            report.skip(place, f"no labels: {path.name}")


def _parser() -> tuple[Callable[[Path], Any], tuple[type[Exception], ...]]:
    """A parser that expands no entities, and what it raises."""
    try:
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import ParseError, parse
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading XML needs defusedxml: pip install -r requirements-train.txt"
        ) from error
    return parse, (ParseError, DefusedXmlException, OSError, *RECORD_ERRORS)


def _objects(
    tree: Any, place: str, report: Report
) -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[int, int] | None, int]:
    """Boxes (n, 4) with edges at integers, which are difficult, the size labelled at, and how many are broken."""
    boxes, difficult, failed = [], [], 0
    for number, found in enumerate(tree.iter("object"), 1):
        try:
            values = [
                float(found.find(f"bndbox/{key}").text) for key in ("xmin", "ymin", "xmax", "ymax")
            ]
            x0, y0, x1, y1 = values[0] - 1, values[1] - 1, values[2], values[3]
            if not (np.isfinite(values).all() and x0 < x1 and y0 < y1):
                raise ValueError(f"empty box: {values}")
            boxes.append((x0, y0, x1, y1))
            difficult.append((found.findtext("difficult") or "0").strip() == "1")
        except RECORD_ERRORS as error:
            report.skip(f"{place}:object {number}", why(error))
            failed += 1
    height, width = (int(tree.findtext(f"size/{key}") or 0) for key in ("height", "width"))
    size = (height, width) if height and width else None
    return np.array(boxes, np.float64).reshape(-1, 4), np.array(difficult, np.bool_), size, failed


def join_strips(boxes: NDArray[np.float64]) -> list[Sequence[int]]:
    """Group strips, which stand in the file line by line from the left, to lines; wider boxes stay alone."""
    lines: list[list[int]] = []
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        if lines and x1 - x0 <= _STRIP + 1:
            before = boxes[lines[-1][-1]]
            shared = min(y1, before[3]) - max(y0, before[1])
            lower = min(y1 - y0, before[3] - before[1])
            narrow = before[2] - before[0] <= _STRIP + 1
            if narrow and abs(x0 - before[2]) <= _GAP and shared >= _OVERLAP * lower:
                lines[-1].append(number)
                continue
        lines.append([number])
    return [list(line) for line in lines]


def line_around(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quad (4, 2) of a line from its strips: straight lines through their tops and their bottoms."""
    x0, x1 = boxes[0, 0], boxes[-1, 2]
    if len(boxes) == 1:
        return rectangle(*boxes[0])
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    top, bottom = np.polyfit(middles, boxes[:, 1], 1), np.polyfit(middles, boxes[:, 3], 1)
    ends = np.array([x0, x1])
    (left_top, right_top), (left_bottom, right_bottom) = (
        np.polyval(top, ends),
        np.polyval(bottom, ends),
    )
    return np.array([[x0, left_top], [x1, right_top], [x1, right_bottom], [x0, left_bottom]])
