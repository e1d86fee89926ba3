"""Read Total-Text: `poly_gt_img<n>.txt` or `.mat` for `img<n>.jpg`, words as polygons; orientation # is to be ignored.

Text files have `x: [[…]], y: [[…]], ornt: [u'c'], transcriptions: [u'WORD']`, whose arrays may go over several
lines. The .mat files have a row a word: a label, xs, a label, ys, text, orientation; or, in the variant of
rectangles, xmin, ymin, xmax, ymax, width, height, text, orientation.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from train.data.readers.files import RECORD_ERRORS, label_files, place_of, why
from train.data.readers.mat_files import MatReader, text_of
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import PictureIndex
from train.data.readers.polygon_to_quad import Points, rectangle, to_points
from train.data.readers.report import Report
from train.data.readers.text_pages import picture_of
from train.data.samples import PageSample

_START = re.compile(r"^\s*x:", re.MULTILINE)
_LITERAL = r"""(?:u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))"""
_WORD = re.compile(
    rf"\s*x:\s*\[\[([^\]]*)\]\],\s*y:\s*\[\[([^\]]*)\]\],\s*ornt:\s*\[({_LITERAL}?)\],"
    rf"\s*transcriptions:\s*\[({_LITERAL}?)\]\s*",
    re.DOTALL,
)


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    pictures = PictureIndex.of(folder)
    patterns = ("poly_gt_img*.txt", "poly_gt_img*.mat", "*gt_img*.mat", "*gt_img*.txt")
    files = label_files(folder, *patterns)
    with ExitStack() as stack:
        matlab = None
        if any(path.suffix.lower() == ".mat" for path in files):
            matlab = stack.enter_context(MatReader("rows", "polygt", "rectgt", "gt"))
        for path in files:
            place, lost = place_of(path, folder), report.lost
            if matlab is not None and path.suffix.lower() == ".mat":
                marks = list(_mat_words(matlab.records(path, report, place), place, report))
            else:
                marks = list(_text_words(path, place, report))
            picture, failed = picture_of(path, pictures), report.lost - lost
            if not marks and not failed:
                report.skip(place, "empty label file")
                continue
            sample = make_page(
                AnnotatedPicture(place, path.stem, picture, failed=failed), marks, report
            )
            if sample is not None:
                yield sample
    if not folder.is_file():
        pictures.report_unlabelled(report)


def _text_words(path: Path, place: str, report: Report) -> Iterator[Mark]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        report.skip(place, f"encoding: {error}")
        return
    if not text.strip():
        report.skip(place, "empty label file")
        return
    starts = [found.start() for found in _START.finditer(text)]
    if not starts:
        report.skip(f"{place}:1", f"broken record: {text.strip()[:60]!r}, expected x: [[…]]")
        return
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        begin = start + len(text[start:end]) - len(text[start:end].lstrip())
        where = f"{place}:{text.count(chr(10), 0, begin) + 1}"
        found = _WORD.fullmatch(text[start:end])
        try:
            if not found:
                raise ValueError(f"broken record: {text[begin:end][:60]!r}")
            yield _mark(where, _points(found[1], found[2]), _literal(found[4]), _literal(found[3]))
        except (*RECORD_ERRORS, SyntaxError) as error:
            report.skip(where, why(error))


def _points(xs: str, ys: str) -> Points:
    return _joined(re.split(r"[,\s]+", xs.strip()), re.split(r"[,\s]+", ys.strip()))


def _joined(xs: Any, ys: Any) -> Points:
    if len(xs) != len(ys):
        raise ValueError(f"bad box: {len(xs)} xs and {len(ys)} ys")
    return to_points([float(value) for pair in zip(xs, ys, strict=True) for value in pair])


def _literal(text: str) -> str:
    return str(ast.literal_eval(text)) if text else ""


def _mat_words(rows: Iterator[Any], place: str, report: Report) -> Iterator[Mark]:
    for number, row in enumerate(rows, 1):
        where = f"{place}:row {number}"
        try:
            if len(row) >= 8:
                points = rectangle(*(float(text_of(value)) for value in row[:4]))
                yield _mark(where, points, text_of(row[6]), text_of(row[7]))
            else:
                points = _joined(np.ravel(row[1]), np.ravel(row[3]))
                yield _mark(where, points, text_of(row[4]), text_of(row[5]) if row[5:] else "")
        except RECORD_ERRORS as error:
            report.skip(where, why(error))


def _mark(where: str, points: Points, text: str, orientation: str) -> Mark:
    ignore = orientation == "#" or text == "#"
    return Mark(where, points, text, ignore)
