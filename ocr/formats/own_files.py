"""Output files that are known again: what a run has written may be replaced by the next one, what others wrote may not.

A file carries the digest of what was written into it, as an extended attribute. One that somebody has changed since, or
that stands where the file system keeps no such attributes, is not ours.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from common.files import replace_when_written

_ATTRIBUTE = "user.ocr.output"


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
    if not hasattr(os, "getxattr"):  # Linux has it
        return False
    try:
        return os.getxattr(path, _ATTRIBUTE) == _digest(path)
    except OSError:
        return False


def _mark(path: Path) -> None:
    if not hasattr(os, "setxattr"):
        return
    try:
        os.setxattr(path, _ATTRIBUTE, _digest(path))
    except OSError:  # no such attributes here, or no room for one: then the file is not known again
        return


def _digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest().encode()
