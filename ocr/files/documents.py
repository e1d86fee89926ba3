"""A path or bytes in; the pages found there out, one in memory at a time: pictures, PDFs, multi-page TIFFs.

Nothing is decoded before its page is asked for, and a damaged page leaves the others readable.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import PIL.Image

from common.arrays import Image
from common.image import (
    MAX_PIXELS,
    MAX_SIDE,
    InputError,
    check_file,
    decode,
    describe,
    load,
    one_line,
    open_picture,
    seek,
)

Loader: TypeAlias = Callable[[], Image]
"""Decodes one page; raises InputError where that page is damaged."""

EXTENSIONS = frozenset(
    {
        ".avif", ".bmp", ".gif", ".ico", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pcx",
        ".pdf", ".pgm", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp",
    }
)  # fmt: skip
"""What is looked for in folders; a file given by name may have any extension or none."""

PDF_DPI = 200
"""Pixels an inch at which PDF pages are drawn, unless the page would get too large."""

MAX_PDF_PIXELS = 40_000_000
"""Largest drawing of a PDF page; larger sheets are drawn at fewer pixels an inch."""

_POINTS_PER_INCH = 72

# PDFium may be used by one thread at a time only. A thread that holds the lock may meet it again when
# the garbage collector closes a document; a fork waits for whoever holds it.
_pdfium_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_pdfium_lock.acquire,
        after_in_parent=_pdfium_lock.release,
        after_in_child=_pdfium_lock.release,
    )

# PDFium's numbers for why a document cannot be opened.
_PDF_REASONS: dict[int | None, str] = {
    0: "it is damaged or has no pages",
    3: "it is damaged",
    4: "it needs a password: remove that first",
    5: "its encryption is not supported",
}


def find_files(path: Path) -> list[Path]:
    """The files that a path stands for: itself, or the pictures and PDFs below a folder, sorted.

    Raises:
        InputError: The folder has none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(
        child
        for child in path.rglob("*")
        if child.suffix.lower() in EXTENSIONS and child.name[0] != "." and child.is_file()
    )
    if not found:
        raise InputError(f"{describe(path)}: no pictures or PDFs in this folder")
    return found


def pages(
    source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS
) -> Iterator[tuple[int, Loader]]:
    """Yield (page from 0, function that decodes it) for the pages of a file, or of its content, in order.

    A loader is to be called before the next page is asked for. An animation has one page.

    Raises:
        InputError: The file as a whole cannot be read.
    """
    name = describe(source)
    if isinstance(source, str):
        source = Path(source)
    if isinstance(source, Path):
        check_file(source, name)
    if _is_pdf(source, name):
        yield from _pdf_pages(source, name, min(max_pixels, MAX_PDF_PIXELS))
        return
    with open_picture(source, max_pixels=max_pixels, name=name) as picture:
        if picture.format == "TIFF":
            yield from _tiff_pages(picture, max_pixels, name)
            return
    yield 0, lambda: load(source, max_pixels=max_pixels, name=name)


def _is_pdf(source: Path | bytes, name: str) -> bool:
    if isinstance(source, bytes):
        return b"%PDF-" in source[:1024]
    try:
        with source.open("rb") as stream:
            return b"%PDF-" in stream.read(1024)
    except OSError as error:
        raise InputError(f"{name}: {one_line(error.strerror or str(error))}") from error


def _tiff_pages(
    picture: PIL.Image.Image, max_pixels: int, name: str
) -> Iterator[tuple[int, Loader]]:
    def load_current() -> Image:
        return decode(open_picture(picture, max_pixels=max_pixels, name=name), name=name)

    for index in itertools.count():
        if not seek(picture, index, name=name):
            return
        yield index, load_current


def _pdf_pages(source: Path | bytes, name: str, max_pixels: int) -> Iterator[tuple[int, Loader]]:
    import pypdfium2

    try:
        with _pdfium_lock:
            pdf = pypdfium2.PdfDocument(source)
            try:
                pdf.init_forms()
                count = len(pdf)
            except BaseException:
                pdf.close()
                raise
    except (pypdfium2.PdfiumError, OSError) as error:
        reason = _PDF_REASONS.get(getattr(error, "err_code", -1), one_line(str(error)))
        raise InputError(f"{name}: the PDF cannot be opened: {reason}") from error
    try:
        if count == 0:
            raise InputError(f"{name}: the PDF has no pages")
        for index in range(count):
            yield index, lambda index=index: _pdf_page(pdf, index, max_pixels, name)  # type: ignore[misc]
    finally:
        with _pdfium_lock:
            pdf.close()


def _pdf_page(pdf: Any, index: int, max_pixels: int, name: str) -> Image:  # noqa: ANN401
    import pypdfium2

    try:
        with _pdfium_lock, contextlib.closing(pdf[index]) as page:
            width, height = page.get_size()
            scale = _pdf_scale(width, height, max_pixels)
            with contextlib.closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
                return np.array(bitmap.to_numpy()[:, :, :3], np.uint8, order="C")
    except (pypdfium2.PdfiumError, ValueError, OverflowError, MemoryError) as error:
        raise InputError(f"{name}: page {index}: {one_line(str(error))}") from error


def _pdf_scale(width: float, height: float, max_pixels: int) -> float:
    """Pixels a point at which a page of that many points is drawn, within the limits on area and sides."""
    scale = PDF_DPI / _POINTS_PER_INCH
    scale = min(scale, math.sqrt(max_pixels / max(width * height, 1)))
    # Sides are rounded up.
    return min(scale, (MAX_SIDE - 1) / max(width, height, 1))
