"""Read sets with one text file for each picture, one line of it for each line of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from train.data.readers.files import RECORD_ERRORS, label_files, numbered_lines, place_of, why
from train.data.readers.pages import AnnotatedPicture, Mark, make_page
from train.data.readers.pictures import PictureIndex
from train.data.readers.polygon_to_quad import Points
from train.data.readers.report import Report
from train.data.samples import PageSample

Parse = Callable[[str], tuple[Points, str | None, bool]]
"""From a line of the file to corners, label and whether it is to be ignored; raises ValueError."""

_PREFIX = re.compile(r"^(poly_|rect_)?(gt_|GT_)")


def read_text_pages(
    folder: Path,
    report: Report,
    parse: Parse,
    *,
    patterns: tuple[str, ...],
    sure_start: bool = True,
    gbk: bool = False,
) -> Iterator[PageSample]:
    """Iterate over the label files that a pattern finds and their pictures, matched by name."""
    pictures = PictureIndex.of(folder)
    for path in label_files(folder, *patterns):
        place = place_of(path, folder)
        marks, failed = [], 0
        for where, text in numbered_lines(path, report, place, gbk=gbk):
            try:
                points, label, ignore = parse(text)
            except RECORD_ERRORS as error:
                report.skip(where, why(error))
                failed += 1
                continue
            marks.append(Mark(where, points, label, ignore))
        if any(mark.text is not None for mark in marks):
            for mark in [mark for mark in marks if mark.text is None]:
                report.skip(
                    mark.place, "bad record: it has no label, unlike other lines of the file"
                )
                marks.remove(mark)
                failed += 1
        picture = picture_of(path, pictures)
        if not marks and not failed:
            continue  # an empty file, which the report has
        source = AnnotatedPicture(place, path.stem, picture, sure_start=sure_start, failed=failed)
        sample = make_page(source, marks, report)
        if sample is not None:
            yield sample
    if not folder.is_file():
        pictures.report_unlabelled(report)


def picture_of(path: Path, pictures: PictureIndex) -> Path | None:
    """The picture of a label file: of its name without the last suffix, with or without what marks it as labels."""
    return pictures.find(_PREFIX.sub("", path.stem), path) or pictures.find(path.stem, path)
