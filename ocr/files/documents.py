"""Open the pages of a path or bytes, one in memory at a time: pictures, PDFs, multi-page TIFFs.

Nothing is decoded before its page is asked for, and a damaged page leaves the others readable.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import PIL.Image

from common.arrays import Image
from common.image import (
    MAX_PIXELS,
    InputError,
    check_file,
    decode,
    describe,
    load,
    one_line,
    open_picture,
    seek,
)
from ocr.files.pdf_resolution import MAX_PDF_PIXELS, POINTS_PER_INCH, drawing_scale

Loader: TypeAlias = Callable[[], Image]
"""Decodes one page; raises InputError where that page is damaged."""

EXTENSIONS = frozenset(
    {
        ".avif", ".bmp", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pcx",
        ".pdf", ".pgm", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp",
    }
)  # fmt: skip
"""What is looked for in folders; a file given by name may have any extension or none."""

# PDFium may be used by one thread at a time only. A thread that holds the lock may meet it again when
# the garbage collector closes a document; a fork waits for whoever holds it.
_pdfium_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_pdfium_lock.acquire,
        after_in_parent=_pdfium_lock.release,
        after_in_child=_pdfium_lock.release,
    )

# PDFium's numbers for why a document cannot be opened; for one without pages, the number of the failure before it.
_PDF_REASONS: dict[int | None, str] = {
    0: "it is damaged or has no pages",
    3: "it is damaged or has no pages",
    4: "it needs a password: remove that first",
    5: "its encryption is not supported",
}


def find_files(path: Path, left_out: list[Path] | None = None) -> list[Path]:
    """The files that a path stands for: itself, or the pictures and PDFs below a folder, sorted.

    Args:
        path: Of a file or folder.
        left_out: Gets the other files below the folder, but for hidden ones.

    Raises:
        InputError: The folder has none.
    """
    if not path.is_dir():
        return [path]
    files = sorted(child for child in path.rglob("*") if child.name[0] != "." and child.is_file())
    found = [file for file in files if file.suffix.lower() in EXTENSIONS]
    if left_out is not None:
        left_out += [file for file in files if file.suffix.lower() not in EXTENSIONS]
    if not found:
        raise InputError(f"{describe(path)}: no pictures or PDFs in this folder")
    return found


def pages(
    source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Iterator[tuple[int, Loader]]:
    """Yield (page from 0, function that decodes it) for the pages of a file, or of its content, in order.

    A loader is to be called before the next page is asked for. An animation has one page.

    Args:
        source: Path, or the content of a file.
        max_pixels: Larger pictures are refused.
        name: What messages call the source; by default the path as given.

    Raises:
        InputError: The file as a whole cannot be read.
    """
    name = name or describe(source)
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
            yield index, PdfPage(pdf, index, max_pixels, name)
    finally:
        with _pdfium_lock:
            pdf.close()


@dataclass(frozen=True)
class PdfPage:
    """Draws one page of an open PDF when called.

    Args:
        pdf: The document.
        index: Which page, from 0.
        max_pixels: Of the drawing.
        name: What messages call the document.
    """

    pdf: Any
    index: int
    max_pixels: int
    name: str

    def __call__(self) -> Image:
        """Draw the page.

        Raises:
            InputError: It is damaged.
        """
        with (
            self._opened() as (page, scale),
            contextlib.closing(page.render(scale=scale, rev_byteorder=True)) as bitmap,
        ):
            return np.array(bitmap.to_numpy()[:, :, :3], np.uint8, order="C")

    @property
    def dpi(self) -> float:
        """Pixels an inch at which it is drawn.

        Raises:
            InputError: It is damaged.
        """
        with self._opened() as (_, scale):
            return scale * POINTS_PER_INCH

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Any, float]]:
        """The page, and pixels a point, while PDFium is ours."""
        import pypdfium2

        try:
            with _pdfium_lock, contextlib.closing(self.pdf[self.index]) as page:
                yield page, drawing_scale(page, self.max_pixels)
        except (pypdfium2.PdfiumError, ValueError, OverflowError, MemoryError) as error:
            raise InputError(f"{self.name}: page {self.index}: {one_line(str(error))}") from error
