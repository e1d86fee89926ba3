"""Find the files that a command line stands for: files, folders, patterns, a list on stdin."""

from __future__ import annotations

import codecs
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
    on_left_out: Callable[[str, list[Path]], None] = lambda folder, files: None,
) -> list[str]:
    """Find all files that paths stand for, in their order; a file keeps the spelling that it was given with.

    Args:
        paths: Files, folders (the pictures and PDFs below them), patterns of files (`*`, `?`, `[a-z]`, and `**` for
            any folders) where no file has that very name, and "-" for those that stdin lists.
        stdin: Read to its end when "-" is met.
        separator: What ends each path there.
        on_error: Gets the path and what was wrong with it; the others are still found.
        on_left_out: Gets a folder and the files below it that are neither pictures nor PDFs by their names.
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
                left_out: list[Path] = []
                found += _files(item, left_out)
                if left_out:
                    on_left_out(item, left_out)
            except (InputError, OSError) as error:
                on_error(item, error)
    return found


def _listed(content: bytes, separator: bytes) -> list[str]:
    """The paths of a list, in UTF-8 or, with a byte order mark or by its many zeros, UTF-16; empty ones do not count.

    Raises:
        InputError: It is no such list.
    """
    content = _as_utf8(content, separator)
    if separator != b"\0" and b"\0" in content:
        raise InputError(
            "stdin: expected a list of paths, one a line, found zero bytes: "
            "give -0 if they are between the paths, or --stdin-image if it is a picture"
        )
    items = content.split(separator)
    if separator == b"\n":
        items = [item.removesuffix(b"\r") for item in items]
    return [os.fsdecode(item) for item in items if item]


def _as_utf8(content: bytes, separator: bytes) -> bytes:
    """A list as Windows' programs write it, without its byte order mark and in UTF-8."""
    if content.startswith(codecs.BOM_UTF8):
        return content.removeprefix(codecs.BOM_UTF8)
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
    if not encoding and separator == b"\n" and len(content) % 2 == 0:
        zeros = content[1::2].count(0), content[::2].count(0)
        # Paths have at least their dots and line breaks in ASCII; pictures have zeros everywhere.
        if min(zeros) == 0 < max(zeros) and max(zeros) >= len(content) / 8:
            encoding = "utf-16-le" if zeros[0] else "utf-16-be"
    if not encoding:
        return content
    try:
        return os.fsencode(content.decode(encoding))
    except UnicodeError as error:
        raise InputError(f"stdin: expected a list of paths in UTF-16, found {error}") from error


def _files(path: str, left_out: list[Path]) -> list[str]:
    """The files of a folder or pattern; any other path as it is, also where nothing is there."""
    if not path:  # which would be this folder: a variable of a shell that is not set, most likely
        raise MissingFileError("'': an empty path, expected a file, a folder or a pattern")
    try:
        if Path(path).is_dir():
            return [str(file) for file in find_files(Path(path), left_out)]
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
    return [file for match in matches for file in _matched(match, left_out)]


def _matched(path: str, left_out: list[Path]) -> list[str]:
    if not Path(path).is_dir():
        return [path]
    return [str(file) for file in find_files(Path(path), left_out)]
