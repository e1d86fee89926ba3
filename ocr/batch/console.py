"""Write pages as text to a stream and as JSON lines to a file or that stream, and say what went wrong."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from common.image import InputError, describe
from ocr.batch.resume import JsonLines, is_json_lines
from ocr.formats.output_folder import identity
from ocr.formats.own_files import OverwriteError
from ocr.result import Page

_log = logging.getLogger("demo")


class StreamError(Exception):
    """Text or JSON cannot be written any more; the message is one line."""


class ErrorReport:
    """Says what failed, in one line each; remembers whether anything did."""

    def __init__(self) -> None:
        self.failed = False
        self.aside: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext

    def error(self, path: str, error: Exception) -> None:
        """Report an error on one input."""
        known = isinstance(error, (InputError, MemoryError, OSError))
        if isinstance(error, InputError):
            message = str(error)
        elif isinstance(error, MemoryError):
            message = f"{describe(path)}: not enough memory"
        elif isinstance(error, OSError):
            what = f"{describe(error.filename)}: " if error.filename else ""
            message = f"{describe(path)}: {what}{error.strerror or error}"
        else:
            message = f"{describe(path)}: internal error: {error!r}"
        self.failed = True
        with self.aside():
            _log.error("error: %s", message, exc_info=None if known else error)


class Streams:
    """Where pages go at once, so that nothing is lost by what comes later.

    Args:
        text: For text, or None.
        json: For JSON lines: a file, or a stream that is not closed, or None.
    """

    def __init__(self, text: TextIO | None, json: JsonLines | TextIO | None) -> None:
        self._text = text
        self._json = json
        self._divider = ""
        self.aside: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
        """Takes a progress bar away while text is written."""

    def write(self, page: Page, *, characters: bool) -> None:
        """Write a page.

        Raises:
            StreamError: That failed.
            BrokenPipeError: Nobody reads it any more.
        """
        try:
            if self._text and page.lines:
                # A blank line divides pages.
                with self.aside():
                    print(self._divider, page.text, sep="", file=self._text, flush=True)
                self._divider = "\n"
            if isinstance(self._json, JsonLines):
                self._json.add(page.to_json(characters=characters))
            elif self._json:
                print(page.to_json(characters=characters), file=self._json, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            place = describe(error.filename) if error.filename else "standard output"
            advice = "; --resume goes on after the last whole page" if error.filename else ""
            raise StreamError(f"{place}: {error.strerror or error}{advice}") from error


def leave_quietly(stream: TextIO | None) -> None:
    """Have what is left in a stream that cannot be written go nowhere: the interpreter flushes it at its end."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def check_json(path: Path, inputs: Iterable[str], *, overwrite: bool) -> None:
    """Make sure that writing JSON lines to a path replaces no input, and no file that --json has not written.

    Raises:
        OverwriteError: It would.
        OSError: The file cannot be looked into.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    mine = identity(path)
    if any(identity(other) == mine for other in inputs):
        raise OverwriteError(f"{describe(path)}: is an input: give --json another name, or -")
    if not (overwrite or is_json_lines(path)):
        raise OverwriteError(
            f"{describe(path)}: is there already, and --json has not written it: give --json another name, or "
            "--overwrite to replace it"
        )


def require_stdout() -> TextIO:
    """Standard output.

    Raises:
        StreamError: It is closed.
    """
    if sys.stdout is None:
        raise StreamError("standard output is closed: give --json FILE or -o DIR")
    return sys.stdout
