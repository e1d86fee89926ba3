"""Keep in memory what pipes and devices give: it can be read once only."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from common.image import InputError, content_of

STDIN_IMAGE = "stdin"
"""What results call a picture that comes on stdin."""


def take_pipes(
    files: Iterable[str],
    *,
    stdin: BinaryIO | None = None,
    on_error: Callable[[str, Exception], None],
) -> tuple[list[str], dict[str, bytes]]:
    """Read the inputs that are pipes or devices, as /dev/stdin and a shell's <(…) are.

    Args:
        files: Paths.
        stdin: Also read a picture from it; it comes first.
        on_error: Gets the path and what was wrong with it; that input is left out.

    Returns:
        The paths, and the contents of those that are no files.
    """
    paths: list[str] = []
    contents: dict[str, bytes] = {}

    def take(path: str, stream: BinaryIO) -> None:
        try:
            contents[path] = _some(content_of(stream), path)
            paths.append(path)
        except InputError as error:
            on_error(path, error)

    if stdin is not None:
        take(STDIN_IMAGE, stdin)
    for path in files:
        if path in contents or not _is_pipe(path):
            paths.append(path)
            continue
        try:
            with Path(path).open("rb", buffering=0) as raw:
                take(path, _Whole(raw))  # type: ignore[arg-type]
        except OSError as error:
            on_error(path, error)
    return paths, contents


class _Whole:
    """Reads a raw stream until it ends, however little it gives at a time."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Read up to so many bytes."""
        blocks: list[bytes] = []
        left = size
        while left and (block := self._stream.read(left)):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)


def _some(content: bytes, path: str) -> bytes:
    if not content:
        raise InputError(f"{path}: no data")
    return content


def _is_pipe(path: str) -> bool:
    with contextlib.suppress(OSError, ValueError):
        mode = Path(path).stat().st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)
    return False
