"""Write a file that appears whole or not at all."""

from __future__ import annotations

import io
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.part")


@contextmanager
def replace_when_written(path: Path) -> Iterator[Path]:
    """Give a path to write to; what is there gets the wanted name once the block has ended without an error.

        with replace_when_written(path) as partial, partial.open("wb") as stream:
            stream.write(content)

    The bytes are on the disk before the name is (fsync), so neither a full disk nor a machine that stops leaves a
    cut file. Until then, and after any error, what was at `path` is as it was.

    Args:
        path: In a folder that exists. The partial file's name is short, however long this one is.

    Raises:
        OSError: It cannot be written, or nothing was.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def is_partial(name: str) -> bool:
    """Whether a file has a name as `replace_when_written` gives; such a file stays only where a run was killed."""
    return _PARTIAL.fullmatch(name) is not None


def append_whole(stream: io.FileIO, content: bytes, end: int | None) -> None:
    """Add to the end of a file, and put it on the disk; where that fails, the file ends where it did before.

    Args:
        stream: Unbuffered, opened for appending.
        content: To add.
        end: Bytes that the file has; None for what has no length (a pipe, a device).

    Raises:
        OSError: It cannot be written.
    """
    view = memoryview(content)
    try:
        while view:
            view = view[stream.write(view) or 0 :]
        if end is not None:
            os.fsync(stream.fileno())
    except OSError:
        if end is not None:
            stream.truncate(end)
        raise


def _sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk; Windows has no such call, and some network drives refuse it."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
