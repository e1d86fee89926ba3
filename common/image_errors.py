"""Word the errors of pictures that cannot be read: one line, with the name of the source."""

from __future__ import annotations

from typing import BinaryIO, TypeGuard

import numpy as np
import PIL.Image


class InputError(ValueError):
    """A picture that cannot be read; the message is one line, "name: reason"."""


class MissingFileError(InputError, FileNotFoundError):
    """A path at which there is no file."""


def is_stream(source: object) -> TypeGuard[BinaryIO]:
    """Whether a source is a file object; Pillow's images have streams of their own."""
    return hasattr(source, "read") and not isinstance(source, PIL.Image.Image)


def describe(source: object) -> str:
    """A printable one-line name for a source in messages."""
    if isinstance(source, bytes):
        return "<bytes>"
    if is_stream(source):
        given = getattr(source, "name", "")
        return one_line(given) if isinstance(given, str) and given else "<stream>"
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, PIL.Image.Image):
        return one_line(getattr(source, "filename", "") or "<image>")
    return one_line(str(source))


def one_line(text: str) -> str:
    """The text with line breaks, controls and undecodable bytes escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def reason(error: BaseException) -> str:
    """One line saying what a library's exception says, without paths and ids."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return one_line(" ".join(str(text).split()))
