"""Load a picture from a path, bytes, a file, Pillow or an array, in RGB as a viewer shows it."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.ExifTags import Base as Exif

from common.arrays import Image
from common.image_errors import (
    InputError,
    MissingFileError,
    describe,
    is_stream,
    one_line,
    reason,
)
from common.image_headers import icon_sizes, share_of_limit, tile_size
from common.image_modes import array_to_rgb, picture_to_rgb
from common.image_streams import content_of, heif_formats

__all__ = [
    "LIMIT_VARIABLE",
    "MAX_PIXELS",
    "MAX_SIDE",
    "InputError",
    "MissingFileError",
    "Source",
    "check_file",
    "content_of",
    "decode",
    "describe",
    "is_stream",
    "load",
    "one_line",
    "open_picture",
    "rotate_ccw",
    "seek",
]

Source: TypeAlias = str | Path | bytes | BinaryIO | PIL.Image.Image | NDArray[np.generic]
"""What `load` reads. A file object is read from where it stands to its end, and left open."""

MAX_PIXELS = 120_000_000
"""Largest picture read by default: decoding takes 7 to 10 bytes a pixel, of 1.5 GB in all."""

LIMIT_VARIABLE = "OCR_MAX_MEGAPIXELS"
"""Environment variable whose number stands in for the default limit, where memory allows more or less."""

MAX_SIDE = 100_000
"""Longest side read, in pixels."""

# Only pictures proper: Pillow would start other programs for some of the rest (EPS, for one).
_FORMATS = (
    "JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000", "AVIF", "ICO", "TGA", "PCX",
)  # fmt: skip

# What Pillow's decoders are seen to raise on damaged data.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError,
    TypeError, AttributeError, ArithmeticError, AssertionError, RuntimeError, MemoryError,
)  # fmt: skip


class _PillowChecksOff:
    """While any thread is inside: no warnings, and our size limit in place of Pillow's.

    Both are settings of the process: the first thread in changes them, the last one out restores.
    A forked child, in which those threads are gone, restores them at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._restore_in_child,
            )
        self._inside = 0
        self._warnings = warnings.catch_warnings()
        self._limit: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._warnings = warnings.catch_warnings()
                self._warnings.__enter__()
                warnings.simplefilter("ignore")
                self._limit, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._restore()

    def _restore(self) -> None:
        PIL.Image.MAX_IMAGE_PIXELS = self._limit
        self._warnings.__exit__(None, None, None)

    def _restore_in_child(self) -> None:
        if self._inside:
            self._inside = 0
            self._restore()
        self._lock.release()


_pillow_checks_off = _PillowChecksOff()

# A Pillow image decodes itself when first looked at, which two threads must not make it do at once.
_decoding_shared = threading.Lock()


def load(source: Source, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Image:
    """Read a picture as a viewer shows it: EXIF orientation applied, the first frame, no alpha.

    Args:
        source: Path, encoded bytes, Pillow image, or array: (H, W) grey, (H, W, 3) RGB or
            (H, W, 4) RGBA, of bool, uint8 or uint16. An RGB uint8 array comes back as it is.
        max_pixels: Larger pictures are refused before they are decoded. For the default,
            `LIMIT_VARIABLE` may say another number; formats that take more memory a pixel have a
            share of it.
        name: What error messages call the source; by default the path as given.

    Raises:
        InputError: It is no picture, a damaged one, or a too large one.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels, name or "array")
    if is_stream(source):
        return load(content_of(source), max_pixels=max_pixels, name=name or describe(source))
    given = cast("str | Path | bytes | PIL.Image.Image", source)
    picture = open_picture(given, max_pixels=max_pixels, name=name)
    if picture is source:
        with _decoding_shared:
            return decode(picture, name=name or describe(source))
    with contextlib.closing(picture):
        return decode(picture, name=name or describe(source))


def open_picture(
    source: str | Path | bytes | PIL.Image.Image,
    *,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
) -> PIL.Image.Image:
    """Read the header only, and refuse what is no picture or too large. The caller closes it.

    Raises:
        InputError: It is no picture, or a too large one.
    """
    name = name or describe(source)
    limit = _limit(max_pixels, name)
    picture = source if isinstance(source, PIL.Image.Image) else _open(source, limit, name)
    try:
        _check_size(picture.size, int(limit * share_of_limit(picture)), name)
        if picture.format == "TIFF":
            _check_size(tile_size(picture), limit, name)
    except InputError:
        if picture is not source:
            picture.close()
        raise
    return picture


def seek(picture: PIL.Image.Image, frame: int, *, name: str) -> bool:
    """Go to a frame of an opened picture; False where it has no more.

    Raises:
        InputError: The frame's header is damaged.
    """
    try:
        with _pillow_checks_off:
            picture.seek(frame)
    except EOFError:
        return False
    except _DECODER_ERRORS as error:
        raise InputError(f"{name}: page {frame} is damaged ({reason(error)})") from error
    return True


def decode(picture: PIL.Image.Image, *, name: str) -> Image:
    """The current frame of an opened picture, turned as its EXIF orientation says.

    Raises:
        InputError: Its data is damaged.
    """
    try:
        with _pillow_checks_off:
            picture.load()
            return picture_to_rgb(picture, _orientation(picture))
    except _DECODER_ERRORS as error:
        raise InputError(f"{name}: damaged picture ({reason(error)})") from error


def rotate_ccw(image: Image, degrees: int) -> Image:
    """Turn a picture counter-clockwise by 0, 90, 180 or 270 degrees; 0 gives the picture itself."""
    if degrees == 0:
        return image
    codes = {
        90: cv2.ROTATE_90_COUNTERCLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_CLOCKWISE,
    }
    if degrees not in codes:
        raise ValueError(f"degrees is {degrees}, expected 0, 90, 180 or 270")
    return np.asarray(cv2.rotate(image, codes[degrees]), np.uint8)


def _limit(max_pixels: int, name: str) -> int:
    """The limit on pixels that holds: for the default one, what the environment says of it."""
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if max_pixels != MAX_PIXELS or not text:
        return max_pixels
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{name}: {LIMIT_VARIABLE} is {text!r}, expected a number from 1")
    return int(text) * 1_000_000


def _open(source: str | Path | bytes, limit: int, name: str) -> PIL.Image.Image:
    """Open a file or bytes with Pillow, its warnings silenced."""
    if not isinstance(source, (str, Path, bytes)):
        raise TypeError(
            f"cannot read a picture from {type(source).__name__}: "
            "give a path, bytes, a Pillow image or an array"
        )
    if isinstance(source, bytes):
        if not source:
            raise InputError(f"{name}: no data")
        stream: io.BytesIO | Path = io.BytesIO(source)
    else:
        stream = Path(source)
        check_file(stream, name)
    try:
        for size in _icon_sizes(stream):
            _check_size(size, limit, name)
        with _pillow_checks_off:
            return PIL.Image.open(stream, formats=(*_FORMATS, *heif_formats(stream, name)))
    except InputError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise InputError(f"{name}: not a picture in a known format") from error
    except _DECODER_ERRORS as error:
        raise InputError(f"{name}: {reason(error)}") from error


def _icon_sizes(stream: io.BytesIO | Path) -> list[tuple[int, int]]:
    if isinstance(stream, io.BytesIO):
        return icon_sizes(stream)
    with stream.open("rb") as file:
        return icon_sizes(file)


def check_file(path: Path, name: str) -> None:
    """Raise unless there is a file with something in it."""
    try:
        empty = path.stat().st_size == 0
        is_file = path.is_file()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f"{name}: no such file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {reason(error)}") from error
    if not is_file:
        raise InputError(f"{name}: not a file")
    if empty:
        raise InputError(f"{name}: the file is empty")


def _check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"{name}: the picture has no pixels ({width} x {height})")
    if width * height > max_pixels:
        raise InputError(
            f"{name}: {width} x {height} is {width * height / 1e6:.0f} megapixels, more than the "
            f"limit of {max_pixels / 1e6:g} for this format; reduce the picture first, or raise "
            f"max_pixels or {LIMIT_VARIABLE}"
        )
    if max(width, height) > MAX_SIDE:
        raise InputError(
            f"{name}: {width} x {height} is longer than {MAX_SIDE} pixels; cut it first"
        )


def _from_array(array: NDArray[np.generic], max_pixels: int, name: str) -> Image:
    """Check an array's shape, type and size, and convert it."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise InputError(f"{name}: shape {array.shape}, expected (height, width, 3) RGB")
    if array.dtype not in (np.uint8, np.uint16, np.bool_):
        raise InputError(f"{name}: an array of {array.dtype}, expected uint8")
    _check_size((array.shape[1], array.shape[0]), _limit(max_pixels, name), name)
    return array_to_rgb(array)


def _orientation(picture: PIL.Image.Image) -> int:
    """EXIF orientation 1 to 8; 1 where there is none or it cannot be read."""
    try:
        with _pillow_checks_off:
            value = picture.getexif().get(Exif.Orientation, 1)
    except _DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
