"""Read FSNS, French street name signs: TFRecords of four views, 150 x 150 each, side by side, and their one text.

`image/orig_width` is that of the views there are; the rest is padding. Each view becomes a sample: a picture of
the whole sign, on which the text may stand on up to three lines. Where `image/text` is missing the text is taken
from `image/unpadded_class` by `charset_size=134.txt` (number, tab, character).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.data.readers.files import RECORD_ERRORS, label_files, numbered_lines, place_of, why
from train.data.readers.pages import label_fault
from train.data.readers.pictures import open_for
from train.data.readers.report import Report
from train.data.readers.tfrecords import read_examples
from train.data.samples import LineSample


def read(folder: Path, report: Report) -> Iterator[LineSample]:
    root = folder.parent if folder.is_file() else folder
    charset: dict[int, str] = {}
    for path in sorted({*root.rglob("charset_size*.txt"), *root.parent.glob("charset_size*.txt")})[
        :1
    ]:
        charset = load_charset(path, report)
    for path in label_files(folder, "*-of-*", "*.tfrecord*"):
        for where, features in read_examples(path, report, place_of(path, folder)):
            yield from _views(where, features, charset, report)


def load_charset(path: Path, report: Report) -> dict[int, str]:
    """Characters by number; `<nul>` and the like, of more than one character, stand for nothing."""
    charset = {}
    for place, line in numbered_lines(path, report, path.name):
        found = re.fullmatch(r"(\d+)\t(.+)", line)
        if not found:
            report.skip(place, f"bad record: {line[:40]!r}, expected a number, a tab, a character")
            continue
        charset[int(found[1])] = found[2] if len(found[2]) == 1 else ""
    return charset


def _views(
    where: str, features: dict[str, list[Any]], charset: dict[int, str], report: Report
) -> Iterator[LineSample]:
    try:
        text = _text(features, charset).strip()
        encoded = bytes(features["image/encoded"][0])
        width = int((features.get("image/orig_width") or [0])[0])
    except RECORD_ERRORS as error:
        report.skip(where, why(error))
        return
    fault = label_fault(text)
    if fault:
        report.skip(where, fault)
        return
    picture = open_for(encoded, report, where, "image/encoded")
    if picture is None:
        return
    height, full = picture.shown
    side = height if full % height == 0 else full
    for view in range(max(1, min(width or full, full) // side)):
        yield LineSample(
            picture.image[:, view * side : (view + 1) * side].copy(), text, place=where
        )


def _text(features: dict[str, list[Any]], charset: dict[int, str]) -> str:
    if features.get("image/text"):
        return bytes(features["image/text"][0]).decode("utf-8")
    numbers = features.get("image/unpadded_class") or features.get("image/class")
    if not numbers:
        raise ValueError("bad record: neither image/text nor image/class")
    if not charset:
        raise ValueError(
            "bad record: no image/text, and no charset_size=134.txt to read the classes"
        )
    missing = [number for number in numbers if number not in charset]
    if missing:
        raise ValueError(f"bad index: {missing[0]}, the charset file has none such")
    return "".join(charset[number] for number in numbers)
