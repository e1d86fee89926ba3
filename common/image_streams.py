"""Read file objects, and what else must be known before Pillow opens a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from common.image_errors import InputError, describe, reason
from common.image_headers import HEIF_HEAD, is_heif

MAX_STREAM = 256 << 20
"""Most bytes that are read from a pipe or file object; a file may have more."""


def content_of(stream: BinaryIO) -> bytes:
    """Read a file object to its end.

    Raises:
        InputError: It gives text, or more than `MAX_STREAM` bytes, or cannot be read.
    """
    name = describe(stream)
    try:
        content = stream.read(MAX_STREAM + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {reason(error)}") from error
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise InputError(
            f"{name}: gives {type(content).__name__}, expected bytes: open it in binary mode"
        )
    if len(content) > MAX_STREAM:
        raise InputError(f"{name}: more than {MAX_STREAM >> 20} MiB: give it as a file")
    return bytes(content)


def heif_formats(stream: io.BytesIO | Path, name: str) -> tuple[str, ...]:
    """What Pillow calls HEIC and HEIF, where a picture is one of these; pillow-heif decodes them.

    Raises:
        InputError: It is one, and pillow-heif is not installed.
    """
    if isinstance(stream, io.BytesIO):
        head = stream.getvalue()[:HEIF_HEAD]
    else:
        with stream.open("rb") as file:
            head = file.read(HEIF_HEAD)
    if not is_heif(head):
        return ()
    try:
        import pillow_heif
    except ImportError as error:
        raise InputError(
            f"{name}: a HEIC picture, which pillow-heif decodes: "
            "pip install -r requirements-heic.txt, or save it as JPEG"
        ) from error
    pillow_heif.register_heif_opener()
    return ("HEIF",)
