"""Map paths of inputs to the names of their output files, and back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ocr.formats import FORMATS

MAX_NAME = 255
"""Bytes in a name, on all file systems in use."""

_DRAWN = ".drawn.png"
_PAGE = re.compile(r"\.p[1-9][0-9]*$")
_ROOM_FOR_NUMBERS = len(".p9999-999")


def page_suffix(page: int) -> str:
    """What follows an input's name for a page, from 0; the first has none."""
    return f".p{page}" if page else ""


def drawn_name(stem: str) -> str:
    """The name of a drawing."""
    return stem + _DRAWN


def free_names(
    paths: Iterable[str], formats: Sequence[str], *, drawn: bool = False
) -> Iterator[str]:
    """Each path's stem, with a number where another one before it has that stem; cut where it would be too long."""
    affixes = [len(FORMATS[name].name_for("")) for name in formats if not FORMATS[name].file_name]
    longest = max([*affixes, len(_DRAWN) if drawn else 0, len(".p9.png")])
    taken: set[str] = set()
    for path in paths:
        stem = name = _cut(Path(path).stem, MAX_NAME - longest)
        number = 2
        while name.lower() in taken:
            name = f"{_cut(stem, MAX_NAME - longest - _ROOM_FOR_NUMBERS)}-{number}"
            number += 1
        taken.add(name.lower())
        yield name


def _cut(name: str, size: int) -> str:
    """The beginning of a name that has at most so many bytes, in whole characters."""
    while len(os.fsencode(name)) > size:
        name = name[:-1]
    return name


def stem_of(
    file: str, formats: Iterable[str], names: frozenset[str], *, drawn: bool = False
) -> str | None:
    """The one of names that a file is an output of, in one of the formats or, if pages are drawn, as a drawing."""
    affixes = [
        (FORMATS[name].prefix, f".{FORMATS[name].extension}", FORMATS[name].single_page)
        for name in formats
        if not FORMATS[name].file_name
    ]
    if drawn:
        affixes.append(("", _DRAWN, True))
    for prefix, suffix, single in affixes:
        if not (file.startswith(prefix) and file.endswith(suffix)):
            continue
        stem = file[len(prefix) : -len(suffix)]
        for name in (stem, _PAGE.sub("", stem)) if single else (stem,):
            if name in names:
                return name
    return None
