"""Read a weight file, which may be compressed: NAME.xz stands in for NAME wherever the project reads one."""

from __future__ import annotations

from pathlib import Path

XZ = ".xz"
"""Ending of a compressed file, after the ending of what is in it."""


class WeightsError(RuntimeError):
    """A weight file or the manifest is missing, damaged or unreadable; says what to do."""


def plain(path: Path) -> Path:
    """A file's path without the ending of compressed ones: its other ending says what is in it."""
    return path.with_suffix("") if path.suffix == XZ else path


def is_onnx(path: Path) -> bool:
    """Whether a file is an ONNX one by its name, compressed or not."""
    return plain(path).suffix == ".onnx"


def present(path: Path) -> Path:
    """Where a file is: the path itself, or that of the compressed file where only this one is there."""
    compressed = path.with_name(path.name + XZ)
    return compressed if compressed.is_file() and not path.exists() else path


def read_file(path: Path) -> bytes:
    """What is in a file, or in the compressed one that stands in for it.

    Raises:
        WeightsError: Neither can be read, or the compressed one is damaged.
    """
    path = present(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from error
    return unpacked(path, content)


def unpacked(path: Path, content: bytes) -> bytes:
    """What is in a file of such a name and content: the content itself where the name is no compressed file's.

    Raises:
        WeightsError: It is no whole xz file.
    """
    if path.suffix != XZ:
        return content
    try:
        import lzma  # some builds of Python lack it

        return lzma.decompress(content, lzma.FORMAT_XZ)
    except ImportError as error:
        raise WeightsError(
            f"{path}: this Python cannot decompress xz ({error}); take one that was built with liblzma"
        ) from error
    except lzma.LZMAError as error:
        raise WeightsError(
            f"{path}: expected a whole xz file, found {len(content)} bytes that are none ({error}); "
            "restore it, or compress it again"
        ) from error
