"""Read Caffe-ocr's 3.6 million lines (280 x 32): `data_train.txt` and `data_test.txt` of `name.jpg i1 i2 … i10`.

The numbers are lines of `char_std_5990.txt`, of which the first, 0, is the blank. A line of the set is read
when it is reached: there are too many for a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from common.wording import counted
from train.data.readers.files import decodes, label_files, numbered_lines, place_of, why
from train.data.readers.pages import make_line
from train.data.readers.pictures import locate
from train.data.readers.report import Report
from train.data.samples import LineSample

CHARSET = "char_std_5990.txt"
_PICTURES = ("", "images", "data", "train_images", "test_images")


def read(folder: Path, report: Report) -> Iterator[LineSample]:
    """Raise FileNotFoundError where the charset file is missing: without it numbers mean nothing."""
    root = folder.parent if folder.is_file() else folder
    files = label_files(folder, "data_*.txt", "*train*.txt")
    charsets = sorted([*root.rglob("char_std*.txt"), *root.parent.glob("char_std*.txt")])
    if not charsets:
        raise FileNotFoundError(
            f"{root} has no {CHARSET}, whose lines the labels number: put it beside {files[0].name}"
        )
    characters = load_charset(charsets[0], report)
    for path in files:
        folders = [path.parent / sub for sub in (*_PICTURES, path.stem)]
        for place, text in numbered_lines(path, report, place_of(path, folder)):
            name, *numbers = text.split()
            try:
                label = "".join(_character(number, characters) for number in numbers)
            except ValueError as error:
                report.skip(place, why(error))
                continue
            sample = make_line(locate(name, folders), name, label, report, place)
            if sample is not None:
                yield sample


def load_charset(path: Path, report: Report) -> list[str]:
    """Lines of the file, UTF-8 or GBK, as they are: one may be a space. What cannot be decoded is empty.

    A file that has not as many lines as its name says is reported: every number after a lost line would mean
    another character.
    """
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    found = lines.removesuffix(b"\n").split(b"\n")
    foreign = [line for line in found if not line.isascii()]
    as_utf8 = sum(decodes(line, "utf-8") for line in foreign)
    encoding = "utf-8" if 2 * as_utf8 >= len(foreign) else "gb18030"
    characters = []
    for number, line in enumerate(found, 1):
        if not decodes(line, encoding):
            report.skip(f"{path.name}:{number}", f"encoding: the line is not {encoding}")
            line = b""
        characters.append(line.decode(encoding))
    named = re.search(r"\d+", path.stem)
    if named and int(named[0]) != len(characters):
        report.skip(
            path.name, f"other size: {counted(len(characters), 'line')}, its name says {named[0]}"
        )
    return characters


def _character(number: str, characters: list[str]) -> str:
    if not number.isdecimal() or not 0 < int(number) < len(characters):
        raise ValueError(
            f"bad index: {number}, the charset file has characters 1 to {len(characters) - 1}"
        )
    if not characters[int(number)]:
        raise ValueError(f"bad index: {number}, that line of the charset file is damaged")
    return characters[int(number)]
