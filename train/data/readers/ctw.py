"""Read CTW (Chinese Text in the Wild): `train.jsonl` and `val.jsonl`, one picture a line, sentences as characters.

{"file_name", "width", "height", "annotations": [[{"polygon", "text", "is_chinese", …}]], "ignore": [{"polygon",
"bbox"}]}. The files of the test (`test_cls.jsonl`) have no text and are not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from train.data.readers.files import RECORD_ERRORS, label_files, numbered_lines, place_of, why
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import PictureIndex
from train.data.readers.polygon_to_quad import around, rectangle, to_points
from train.data.readers.report import Report
from train.data.samples import PageSample


def read(folder: Path, report: Report) -> Iterator[PageSample]:
    pictures = PictureIndex.of(folder)
    files = label_files(folder, "train.jsonl", "val.jsonl")
    if not folder.is_file():
        files = sorted({*files, *folder.rglob("val.jsonl")})
    for path in files:
        for place, text in numbered_lines(path, report, place_of(path, folder)):
            try:
                record = json.loads(text)
                name = str(record["file_name"])
                size = (int(record["height"]), int(record["width"]))
                sentences, ignored = record["annotations"], record.get("ignore") or []
                total = len(sentences) + len(ignored)
            except json.JSONDecodeError as error:
                report.skip(place, f"broken JSON: {error.msg}, column {error.colno}")
                continue
            except (*RECORD_ERRORS, RecursionError) as error:
                report.skip(place, why(error))
                continue
            marks = list(_marks(place, sentences, ignored, report))
            picture = pictures.find(Path(name).stem, path)
            source = AnnotatedPicture(place, name, picture, size, failed=total - len(marks))
            sample = make_page(source, marks, report)
            if sample is not None:
                yield sample


def _marks(place: str, sentences: Any, ignored: Any, report: Report) -> Iterator[Mark]:
    for number, sentence in enumerate(sentences):
        where = f"{place}:annotations[{number}]"
        try:
            yield _sentence(where, sentence)
        except RECORD_ERRORS as error:
            report.skip(where, why(error))
    for number, region in enumerate(ignored):
        where = f"{place}:ignore[{number}]"
        try:
            if region.get("polygon"):
                points = to_points(region["polygon"])
            else:
                x, y, width, height = (float(value) for value in region["bbox"])
                points = rectangle(x, y, x + width, y + height)
            yield Mark(where, points, "", ignore=True)
        except RECORD_ERRORS as error:
            report.skip(where, why(error))


def _sentence(where: str, characters: list[dict[str, Any]]) -> Mark:
    """One line from its characters, which have corners each, clockwise from their own top left.

    So the tops of the characters, not the way from one to the next, say which way up the line is: a column
    has its first corners at its top, as elsewhere.
    """
    corners = np.stack([to_points(character["polygon"])[:4] for character in characters])
    tops = corners[:, 1] - corners[:, 0]
    quad = around(corners.reshape(-1, 2), tops.sum(axis=0))
    text = "".join(str(character["text"]) for character in characters)
    # Of text that is not Chinese a part of the characters may be left out by the annotators' rules, which
    # nothing tells from text that is complete: only what has no label at all is known.
    incomplete = any(not str(character["text"]).strip() for character in characters)
    return Mark(where, corners.reshape(-1, 2), text, ignore=incomplete, quad=quad)
