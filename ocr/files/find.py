"""What a command line was given in; the files it stands for out: files, folders, patterns, a list on stdin."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from common.image import InputError, MissingFileError, describe
from ocr.files.documents import find_files

_MAGIC = frozenset("*?[")

STDIN = "-"
"""Stands for a list of paths on stdin."""


def find_inputs(
    paths: Iterable[str],
    *,
    stdin: BinaryIO,
    separator: bytes = b"\n",
    on_error: Callable[[str, Exception], None],
) -> list[str]:
    """Find all files that paths stand for, in their order; a file keeps the spelling that it was given with.

    Args:
        paths: Files, folders (the pictures and PDFs below them), patterns of files (`*`, `?`, `[a-z]`, and `**` for
            any folders) where no file has that very name, and "-" for those that stdin lists.
        stdin: Read to its end when "-" is met.
        separator: What ends each path there.
        on_error: Gets the path and what was wrong with it; the others are still found.
    """
    found: list[str] = []
    for path in paths:
        try:
            listed = _listed(stdin.read(), separator) if path == STDIN else [path]
        except (InputError, OSError) as error:
            on_error("stdin", error)
            continue
        for item in listed:
            try:
                found += _files(item)
            except (InputError, OSError) as error:
                on_error(item, error)
    return found


def _listed(content: bytes, separator: bytes) -> list[str]:
    """The paths of a list; empty ones do not count.

    Raises:
        InputError: It is no such list.
    """
    if separator != b"\0" and b"\0" in content:
        raise InputError(
            "stdin: expected a list of paths, one a line, found zero bytes: "
            "give -0 if they are between the paths, or the picture as a file"
        )
    items = content.split(separator)
    if separator == b"\n":
        items = [item.removesuffix(b"\r") for item in items]
    return [os.fsdecode(item) for item in items if item]


def _files(path: str) -> list[str]:
    """The files of a folder or pattern; any other path as it is, also where nothing is there."""
    try:
        if Path(path).is_dir():
            return [str(file) for file in find_files(Path(path))]
        if Path(path).exists() or not set(path) & _MAGIC:
            return [path]
    except OSError:  # a name that no file can have, for one: reading it says so
        return [path]
    # Path.glob would rewrite the spelling, refuse absolute patterns and give hidden files.
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if "**" in path:
        # It fits what is in a folder beside the folder itself.
        matches = [match for match in matches if not Path(match).is_dir()]
    if not matches:
        raise MissingFileError(f"{describe(path)}: no such file, and none that fits this pattern")
    return [file for match in matches for file in _matched(match)]


def _matched(path: str) -> list[str]:
    return [str(file) for file in find_files(Path(path))] if Path(path).is_dir() else [path]
