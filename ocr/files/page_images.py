"""Decode the picture of each page of a source again, only when asked for, one at a time.

Output files that hold the picture are written after reading, when it is no longer in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import PIL.Image
from PIL.ExifTags import Base as Exif

from common.image import MAX_PIXELS, InputError, Source, describe, load, open_picture, seek
from ocr.files.documents import Loader, PdfPage, pages
from ocr.result import Page

_SENSIBLE_DPI = (50.0, 2400.0)


@dataclass(frozen=True)
class Picture:
    """The picture of one page.

    Args:
        decode: Gives the pixels, (H, W, 3) RGB, as a viewer shows them.
        jpeg: The source itself, where it is a JPEG file that any viewer shows.
        orientation: EXIF orientation, 1 to 8, of `jpeg`; `decode` has applied it.
        dpi: Pixels an inch, where the source says so sensibly.
        is_file: The source is this one picture, which other programs open as it is.
    """

    decode: Loader
    jpeg: Path | bytes | None = None
    orientation: int = 1
    dpi: float | None = None
    is_file: bool = True


Pictures: TypeAlias = Callable[[Page], Picture]
"""Gives the picture of a page. Pages are asked for in their order, and each is done with before the next."""


def pictures_of(source: Source, *, max_pixels: int = MAX_PIXELS) -> Pictures:
    """Give the pictures of a source's pages: a path to a picture, PDF or TIFF, or what `Reader.read` takes.

    What it returns raises InputError for a page that the source does not have, or no longer has.
    """
    if isinstance(source, str):
        source = Path(source)
    if isinstance(source, (Path, bytes)):
        return _DocumentPictures(source, max_pixels)
    return partial(_single, source, max_pixels)


def _single(source: Source, max_pixels: int, _: Page) -> Picture:
    return Picture(partial(load, source, max_pixels=max_pixels), is_file=False)


class _DocumentPictures:
    """Goes through a document once; asked for an earlier page, it starts anew."""

    def __init__(self, source: Path | bytes, max_pixels: int) -> None:
        self._source = source
        self._max_pixels = max_pixels
        self._pages: Iterator[tuple[int, Loader]] = iter(())
        self._next = -1

    def __call__(self, page: Page) -> Picture:
        if not 0 <= self._next <= page.page:
            self._pages, self._next = pages(self._source, max_pixels=self._max_pixels), 0
        for index, decode in self._pages:
            self._next = index + 1
            if index == page.page:
                return _described(self._source, decode)
        self._next = -1
        raise InputError(f"{describe(self._source)}: has no page {page.page} (from 0) any more")


def _described(source: Path | bytes, decode: Loader) -> Picture:
    """A picture with what its header says."""
    if isinstance(decode, PdfPage):
        return Picture(decode, dpi=decode.dpi, is_file=False)
    try:
        header = open_picture(source, name=describe(source))
    except InputError:
        return Picture(decode, is_file=False)
    with header:
        return Picture(
            decode,
            source if header.format == "JPEG" and header.mode in ("L", "RGB") else None,
            _orientation(header),
            _dpi(header),
            isinstance(source, Path) and _is_single(header, describe(source)),
        )


def _is_single(header: PIL.Image.Image, name: str) -> bool:
    try:
        return header.format != "TIFF" or not seek(header, 1, name=name)
    except InputError:  # there is another page, if a damaged one
        return False


def _orientation(header: PIL.Image.Image) -> int:
    try:
        value = header.getexif().get(Exif.Orientation, 1)
    except Exception:  # damaged EXIF fails in many ways; the picture itself was readable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _dpi(header: PIL.Image.Image) -> float | None:
    try:
        dpi = float(header.info["dpi"][0])
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return dpi if _SENSIBLE_DPI[0] <= dpi <= _SENSIBLE_DPI[1] else None
