"""Recognize a run's own output files: they may be replaced by the next run, what others wrote may not.

A file carries the digest of what was written into it and the time of that, as an extended attribute. One that somebody
has changed since, or that stands where the file system keeps no such attributes, is not ours.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from common.files import replace_when_written

_ATTRIBUTE = "user.ocr.output"


class OverwriteError(ValueError):
    """An output would replace an input, or a file that is not ours; the message says which and what to do."""


@contextmanager
def write_own(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose contents are at the path once the block has ended without an error; see `is_own`.

    Raises:
        OSError: It cannot be written; what was at the path is as it was.
    """
    with replace_when_written(path) as partial:
        with partial.open("wb") as stream:
            yield stream
        _mark(partial)


def is_own(path: Path) -> bool:
    """Whether a file holds what `write_own` has put there."""
    try:
        return _marked(path)[0] == _digest(path)
    except OSError:
        return False


def is_foreign(path: Path) -> bool:
    """Whether it is known that a file does not hold what `write_own` has put there.

    Unlike `is_own`, this is quick: a file is not read as long as its time is that of writing. Where the file system
    keeps no attributes, nothing is known.
    """
    try:
        digest, written = _marked(path)
        return written != _time(path) and digest != _digest(path)
    except OSError as error:
        return error.errno == errno.ENODATA


def _mark(path: Path) -> None:
    if not hasattr(os, "setxattr"):
        return
    try:
        os.setxattr(path, _ATTRIBUTE, b" ".join([_digest(path), _time(path)]))
    except OSError:  # no such attributes here, or no room for one: then the file is not known again
        return


def _marked(path: Path) -> tuple[bytes, bytes]:
    """Digest and time of what was written.

    Raises:
        OSError: Nobody knows.
    """
    if not hasattr(os, "getxattr"):  # Linux has it
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    digest, _, written = os.getxattr(path, _ATTRIBUTE).partition(b" ")
    return digest, written


def _time(path: Path) -> bytes:
    return str(path.stat().st_mtime_ns).encode()


def _digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest().encode()
