"""Read the pages of a file, or draw them for a browser that cannot show them, on workers."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from common.arrays import Image
from common.image import InputError, open_picture
from common.wording import counted
from ocr.files.documents import Loader, pages
from ocr.formats.punctuation import apply
from ocr.page.regions import Region, read_regions
from ocr.reader import Reader
from ocr.result import Page
from ocr.web.errors import ServiceError
from ocr.web.limits import Limits
from ocr.web.pool import Cancelled

PREVIEW_SIDE = 2000
"""Longest side of a preview, in pixels."""

_PREVIEW_QUALITY = 85
_NO_LIMIT = 2**62


@dataclass(frozen=True)
class Upload:
    """A file that a request brought: where it lies, and what its sender calls it."""

    path: Path
    name: str


@dataclass(frozen=True)
class FailedPage:
    """A page, from 0, that could not be read, and why."""

    page: int
    message: str


@dataclass(frozen=True)
class Document:
    """What reading a file gives: at least one page read, and the pages that could not be."""

    pages: tuple[Page, ...]
    failed: tuple[FailedPage, ...]


def read_document(
    reader: Reader,
    upload: Upload,
    limits: Limits,
    cancelled: Cancelled,
    *,
    angle: bool = True,
    single_line: bool = False,
    regions: Sequence[Region] = (),
    punctuation: str = "raw",
) -> Document:
    """Read all pages of a file; a damaged page leaves the others readable.

    Args:
        reader: With its models.
        upload: The file.
        limits: Most pages and pixels.
        cancelled: Looked at before each page.
        angle: As in `Reader.read`.
        single_line: As in `Reader.read`.
        regions: As in `Reader.read`; none for the whole.
        punctuation: As in `ocr.formats.punctuation.apply`.

    Raises:
        ServiceError: "unreadable", "too_many_pixels", "too_many_pages"; "internal" once cancelled.
    """
    check_pages(upload, limits)
    read_page = partial(read_regions, reader, regions) if regions else reader.read_page
    read: list[Page] = []
    failed: list[FailedPage] = []
    for index, decode in _pages(upload, limits):
        if cancelled.is_set():
            raise ServiceError("internal", f"{upload.name}: given up before page {index}")
        try:
            page = read_page(
                decode, image=upload.name, page=index, angle=angle, single_line=single_line
            )
            read.append(apply(page, punctuation))
        except InputError as error:
            failed.append(FailedPage(index, _message(error, upload)))
        except MemoryError:
            failed.append(FailedPage(index, f"{upload.name}: not enough memory"))
    if not read:
        message = failed[0].message if failed else f"{upload.name}: no pages"
        raise ServiceError("unreadable", message)
    return Document(tuple(read), tuple(failed))


def preview(upload: Upload, limits: Limits, page: int) -> bytes:
    """One page, from 0, as a JPEG that any browser shows, reduced to `PREVIEW_SIDE`.

    Raises:
        ServiceError: It cannot be decoded, or there is no such page.
    """
    check_pages(upload, limits)
    for _, decode in itertools.islice(_pages(upload, limits), page, page + 1):
        try:
            image = decode()
        except InputError as error:
            raise ServiceError("unreadable", _message(error, upload)) from error
        scale = min(1.0, PREVIEW_SIDE / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        stream = io.BytesIO()
        PIL.Image.fromarray(small).save(stream, "JPEG", quality=_PREVIEW_QUALITY)
        return stream.getvalue()
    raise ServiceError("bad_option", f"page is {page}, but {upload.name} has fewer pages")


def check_pages(upload: Upload, limits: Limits) -> None:
    """Refuse a file before anything of it is decoded.

    Raises:
        ServiceError: "unreadable", "too_many_pixels" or "too_many_pages".
    """
    count = sum(1 for _ in itertools.islice(_pages(upload, limits), limits.max_pages + 1))
    if count > limits.max_pages:
        raise ServiceError(
            "too_many_pages",
            f"{upload.name}: more than {counted(limits.max_pages, 'page')}, the most this service reads at "
            "once: send it in parts",
        )


def _pages(upload: Upload, limits: Limits) -> Iterator[tuple[int, Loader]]:
    """As `ocr.files.documents.pages`, but where a file breaks off, that is one more page that cannot be read."""
    index = -1
    try:
        for index, decode in pages(upload.path, max_pixels=limits.max_pixels):
            yield index, decode
    except InputError as error:
        if index < 0:
            if _is_too_large(upload.path, limits):
                raise ServiceError("too_many_pixels", _too_large(upload, limits)) from error
            raise ServiceError("unreadable", _message(error, upload)) from error
        reason = error

        def fail() -> Image:
            raise reason

        yield index + 1, fail


def _is_too_large(path: Path, limits: Limits) -> bool:
    """Whether a picture would open if its size did not matter."""
    try:
        open_picture(path, max_pixels=limits.max_pixels).close()
    except InputError:
        try:
            open_picture(path, max_pixels=_NO_LIMIT).close()
        except InputError:
            return False
        return True
    return False


def _too_large(upload: Upload, limits: Limits) -> str:
    return (
        f"{upload.name}: more than the {limits.max_pixels / 1e6:g} megapixels that this service "
        "reads (less where a format takes more memory): reduce the picture first"
    )


def _message(error: Exception, upload: Upload) -> str:
    """An error's words, about the name its sender knows instead of a path of this machine."""
    return str(error).replace(str(upload.path), upload.name)
