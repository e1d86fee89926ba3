"""Find what an earlier run has finished, at whatever moment it was killed, and what is left to do.

Files of JSON lines are appended to, so that only their last line can be half written. All other output files appear
whole or not at all (`ocr.formats.save`).
"""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from common.files import append_whole

_LINE_START = b'{"schema": '
"""How every line begins that `Page.to_json` makes; what is cut off after this or within it is one of ours."""


class ResumeError(ValueError):
    """A file that an earlier run cannot have written; the message says which line of it."""


class JsonLines:
    """A file of JSON lines, or a pipe or device. Whatever happens, a file ends after a whole line.

    Args:
        path: Lines go to its end.
        resume: The pages that are there count as done.

    Raises:
        ResumeError: It is resumed, and a line is no page. The file is left as it is.
        OSError: It cannot be read or written.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.done = reopen_json(path) if resume else set()
        """(image, page) of each page that was there."""
        self._path = path
        self._stream = io.FileIO(path, "a")
        self._is_file = stat.S_ISREG(os.fstat(self._stream.fileno()).st_mode)

    def clear(self) -> None:
        """Empty the file."""
        if self._is_file:
            self._stream.truncate(0)

    def add(self, line: str) -> None:
        """Add a line, without its line break, all of it or nothing.

        Raises:
            OSError: It cannot be written; says the file's name.
        """
        end = os.fstat(self._stream.fileno()).st_size if self._is_file else None
        try:
            append_whole(self._stream, f"{line}\n".encode(), end)
        except OSError as error:
            error.filename = str(self._path)
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def is_json_lines(path: Path) -> bool:
    """Whether a file is empty or begins with a page that --json wrote, if only with a part of it.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        line = stream.readline(1 << 20)
    return not line or _page(line) is not None or line.startswith(_LINE_START)


def reopen_json(path: Path) -> set[tuple[str, int]]:
    """Find the pages in a file of JSON lines, and make it end where its last whole line does.

    Args:
        path: No such file is an empty one, and is not made.

    Returns:
        (image, page) of each.

    Raises:
        ResumeError: A line is no page. The file is left as it is.
        OSError: It cannot be read or written.
    """
    done: set[tuple[str, int]] = set()
    end = 0
    tail = b""
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                page = _page(line)
                if page is None and line.endswith(b"\n"):
                    raise ResumeError(f"{path}: line {number} is no page that --json wrote")
                if page is None:
                    tail = line
                    break
                done.add(page)
                end += len(line)
                tail = b"" if line.endswith(b"\n") else b"\n"
    except FileNotFoundError:
        return done
    if tail == b"\n":  # killed between a line and its line break
        with path.open("ab") as stream:
            stream.write(tail)
    elif tail:
        _cut(path, end, tail)
    return done


def _cut(path: Path, end: int, tail: bytes) -> None:
    """Remove a half-written line; zeros are what some file systems leave after a loss of power."""
    written = tail.rstrip(b"\0")
    if not (written.startswith(_LINE_START) or _LINE_START.startswith(written)):
        raise ResumeError(f"{path}: ends in what is no page that --json wrote")
    with path.open("r+b") as stream:
        stream.truncate(end)


def _page(line: bytes) -> tuple[str, int] | None:
    try:
        content = json.loads(line)
        image, page = content["image"], content["page"]
    except (ValueError, KeyError, TypeError):
        return None
    return (image, page) if isinstance(image, str) and isinstance(page, int) else None


class Todo:
    """The files and pages of a run that an earlier one has left over.

    Args:
        files: All inputs of the run.
        written: Tells from a file's number whether its output files are all there; None where there are to be none.
        done: (path, page) of those in a file of JSON lines; None where there is to be no such file.
    """

    def __init__(
        self,
        files: Sequence[str],
        *,
        written: Callable[[int], bool] | None,
        done: Collection[tuple[str, int]] | None,
    ) -> None:
        self._done = () if done is None else done
        self._written = [written is None or written(number) for number in range(len(files))]
        # Output files tell that all pages are done, JSON which: its files have to be looked into.
        is_left = written is None or done is not None
        self.numbers = [
            number for number in range(len(files)) if is_left or not self._written[number]
        ]
        self.paths = [files[number] for number in self.numbers]

    def is_written(self, file: int) -> bool:
        """Whether a file, by its place in `paths`, needs no output files."""
        return self._written[self.numbers[file]]

    def is_done(self, file: int, page: int) -> bool:
        """Whether a page of a file, by its place in `paths`, needs not be read."""
        return self.is_written(file) and (self.paths[file], page) in self._done
