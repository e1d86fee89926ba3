"""Write pages as a searchable PDF: their pictures, upright, with the text selectable on top of them.

The text layer is drawn in a font without strokes, whose characters are as wide as the boxes they stand in: a mark that
covers a character on the picture copies that character, and no program has a gap to guess a space from.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from common.arrays import Floats, Image
from common.characters import is_wide
from common.quads import rotate_quads
from ocr.files.documents import _pdfium_lock
from ocr.files.page_images import Picture, Pictures
from ocr.formats.pdf_font import GlyphlessFont, used_characters
from ocr.formats.words import plain_text
from ocr.line.characters import characters_of
from ocr.result import Character, Page, TextLine

DEFAULT_DPI = 150.0
"""Of pictures that do not say it: a sheet of 1240 x 1754 pixels comes out as A4."""

MAX_POINTS = 14400.0
"""Longest side of a page in a PDF, in points of 1/72 inch."""

JPEG_QUALITY = 85
"""Of pictures that are not JPEG files already."""

_MAX_JPEG_SIDE = 65500
_DESCENT = 0.2  # share of a line's height below its baseline

# A line that falls by no more than this many of its heights is written level: programs that put text together from
# the places of words break a falling line in two, and a mark that is off by a line's height at the ends still serves.
_LEVELLED = 2.0
_INVISIBLE = 3  # PDF 32000, table 106


def write_pdf(
    pages: Sequence[Page], stream: BinaryIO, pictures: Pictures | None, characters: bool = False
) -> None:
    """Write a PDF; see the module. One picture is in memory at a time, and JPEG files go in unchanged.

    Args:
        pages: Each becomes one page, turned upright; none give a PDF of no pages.
        stream: To write to.
        pictures: Gives each page's picture.
        characters: Changes nothing: the text layer always knows where its characters stand.

    Raises:
        InputError: A picture cannot be read.
    """
    assert pictures is not None  # as `Format.write` has checked
    import pypdfium2

    with tempfile.TemporaryDirectory(prefix="ocr-pdf-") as folder:
        with _pdfium_lock:
            document = pypdfium2.PdfDocument.new()
            font = GlyphlessFont(document, used_characters(pages))
        try:
            sources = []  # PDFium reads the pictures when the file is saved
            for index, page in enumerate(pages):
                picture = pictures(page)
                path = Path(folder) / f"{index}.jpg"
                orientation = _save_jpeg(picture, path)
                with _pdfium_lock:
                    sources.append(_add_page(document, font, page, picture, path, orientation))
            kept = _GuardedStream(stream)
            with _pdfium_lock:
                document.save(kept)
            kept.reraise(sources)
        finally:
            with _pdfium_lock:
                font.close()
                document.close()


class _GuardedStream:
    """Keeps what a stream raises while C writes to it: Python would print that, and PDFium write on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._error: BaseException | None = None

    def write(self, data: Any) -> None:  # noqa: ANN401
        """Write, unless that has failed before."""
        if self._error is not None:
            return
        try:
            self._stream.write(data)
        except BaseException as error:
            self._error = error

    def reraise(self, sources: Sequence[_JpegSource]) -> None:
        """Raise what went wrong while the file was written, or while the pictures in it were read."""
        for error in (self._error, *(source.error for source in sources)):
            if error is not None:
                raise error


def _save_jpeg(picture: Picture, path: Path) -> int:
    """Put a page's picture into a JPEG file; the EXIF orientation by which it is still to be turned."""
    if isinstance(picture.jpeg, Path):
        shutil.copyfile(picture.jpeg, path)
        return picture.orientation
    if picture.jpeg is not None:
        path.write_bytes(picture.jpeg)
        return picture.orientation
    image = picture.decode()
    longest = max(image.shape[:2])
    if longest > _MAX_JPEG_SIDE:
        scale = _MAX_JPEG_SIDE / longest
        size = (max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    encoded = PIL.Image.fromarray(image[:, :, 1] if _is_grey(image) else image)
    encoded.save(path, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return 1


def _is_grey(image: Image) -> bool:
    return all(
        bool((rows[:, :, :1] == rows[:, :, 1:]).all())
        for rows in np.array_split(image, max(1, len(image) // 256))
    )


def _add_page(
    document: Any,  # noqa: ANN401
    font: GlyphlessFont,
    page: Page,
    picture: Picture,
    path: Path,
    orientation: int,
) -> Any:  # noqa: ANN401
    """Add one page; what it returns must live until the document is saved."""
    import pypdfium2.raw as pdfium

    place = _placement(page, picture)
    sheet = place(np.array([[0, 0], [page.width, page.height]], np.float32))
    width, height = np.abs(sheet[1] - sheet[0])
    target = document.new_page(float(width), float(height))
    try:
        image = pdfium.FPDFPageObj_NewImageObj(document)
        source = _JpegSource(path)
        if not pdfium.FPDFImageObj_LoadJpegFile(None, 0, image, source.access):
            # Pillow reads files that PDFium does not, those with something before the picture among them.
            orientation = _save_jpeg(replace(picture, jpeg=None), path)
            source = _JpegSource(path)
            if not pdfium.FPDFImageObj_LoadJpegFile(None, 0, image, source.access):
                raise RuntimeError(f"PDFium does not take the picture of {page.image}")
        corners = np.array([[0, 1], [1, 1], [0, 0]], np.float32)  # the stored picture's, y down
        shown = _as_shown(corners, orientation) * np.array([page.width, page.height])
        _set_matrix(image, *place(shown))
        pdfium.FPDFPage_InsertObject(target, image)
        for line in page.lines:
            _add_line(document, target, font, line, place)
        pdfium.FPDFPage_GenerateContent(target)
    finally:
        target.close()
    return source


class _JpegSource:
    """Lets PDFium read a file when it wants to; the file is open only then."""

    def __init__(self, path: Path) -> None:
        import pypdfium2.raw as pdfium

        self.error: OSError | None = None

        def read(_: object, position: int, buffer: Any, size: int) -> int:  # noqa: ANN401
            try:
                with path.open("rb") as stream:
                    stream.seek(position)
                    data = stream.read(size)
            except OSError as error:
                self.error = error
                return 0
            ctypes.memmove(buffer, data, len(data))
            return int(len(data) == size)

        self.access = pdfium.FPDF_FILEACCESS()
        self.access.m_FileLen = path.stat().st_size
        self.access.m_GetBlock = type(self.access.m_GetBlock)(read)


def _placement(page: Page, picture: Picture) -> Callable[[Floats], NDArray[np.float64]]:
    """How points (..., 2) of the picture as shown map to points of the upright PDF page, y upwards."""
    degrees = page.angle.degrees
    size = (page.height, page.width)
    upright_height = page.width if degrees in (90, 270) else page.height
    scale = min(72 / (picture.dpi or DEFAULT_DPI), MAX_POINTS / max(size))
    # PDFium refuses pages without any extent.
    scale = max(scale, 3.0 / min(size) if max(size) * 3.0 / min(size) <= MAX_POINTS else scale)

    def place(points: Floats) -> NDArray[np.float64]:
        upright = rotate_quads(np.asarray(points, np.float32), degrees, size).astype(np.float64)
        upright[..., 1] = upright_height - upright[..., 1]
        return np.asarray(upright * scale, np.float64)

    return place


def _as_shown(points: Floats, orientation: int) -> Floats:
    """Where points (M, 2) of a stored picture of unit size land when its EXIF orientation is applied."""
    x, y = points[:, 0], points[:, 1]
    shown = {
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }.get(orientation, (x, y))
    return np.stack(shown, axis=1).astype(np.float32)


def _add_line(
    document: Any,  # noqa: ANN401
    target: Any,  # noqa: ANN401
    font: GlyphlessFont,
    line: TextLine,
    place: Callable[[Floats], NDArray[np.float64]],
) -> None:
    """Put the text of a line where its box is, run by run."""
    origin, end, head = _edges(line, place)
    for text, start, stop in _runs(characters_of(line)):
        along = (end - origin) * (stop - start) / len(text)
        up = head - origin
        if not (np.hypot(*along) > 1e-4 and np.hypot(*up) > 1e-4):
            along, up = np.array([0.01, 0.0]), np.array([0.0, 0.01])
        corner = origin + (end - origin) * start + _DESCENT * up
        _add_text(document, target, font, text, corner, along, up)


def _edges(
    line: TextLine, place: Callable[[Floats], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where a line's foot begins, where it ends, and where its head begins, on the PDF page."""
    first, second, third, fourth = place(np.array(line.box, np.float32))
    # A column's text lies on its side and runs down the page.
    origin, end, head = (first, fourth, second) if line.vertical else (fourth, third, first)
    along, up = end - origin, head - origin
    level, across = (1, 0) if line.vertical else (0, 1)
    height = float(np.hypot(*up))
    if abs(along[across]) <= min(_LEVELLED * height, abs(along[level]) / 4):
        middle = origin[across] + along[across] / 2
        origin, end = origin.copy(), end.copy()
        origin[across] = end[across] = middle
        up = np.zeros(2)
        up[across] = height
        head = origin + up
    return origin, end, head


def _runs(characters: Sequence[Character]) -> Iterator[tuple[str, float, float]]:
    """Text that is drawn in one go, with the part of the line it takes: a word, a space, or one wide character."""
    numbered = enumerate((plain_text(c.text), c.start, c.stop) for c in characters if c.text)

    def kind(item: tuple[int, tuple[str, float, float]]) -> object:
        number, (text, _, _) = item
        alone = is_wide(text) or text.isspace()
        return number if alone else "word"

    for _, group in itertools.groupby(numbered, kind):
        items = [item for _, item in group]
        yield "".join(text for text, _, _ in items), items[0][1], items[-1][2]


def _add_text(
    document: Any,  # noqa: ANN401
    target: Any,  # noqa: ANN401
    font: GlyphlessFont,
    text: str,
    origin: NDArray[np.float64],
    along: NDArray[np.float64],
    up: NDArray[np.float64],
) -> None:
    """Put text at a point, each character as wide as `along` and as high as `up`, in points."""
    import pypdfium2.raw as pdfium

    handle = pdfium.FPDFPageObj_CreateTextObj(document, font.handle, 1.0)
    codes = (ctypes.c_uint32 * len(text))(*font.codes(text))
    pdfium.FPDFText_SetCharcodes(handle, codes, len(text))
    pdfium.FPDFTextObj_SetTextRenderMode(handle, _INVISIBLE)
    _set_matrix(handle, origin, origin + along, origin + up)
    pdfium.FPDFPage_InsertObject(target, handle)


def _set_matrix(
    handle: Any,  # noqa: ANN401
    origin: NDArray[np.float64],
    right: NDArray[np.float64],
    top: NDArray[np.float64],
) -> None:
    """Map the unit square's corners (0, 0), (1, 0) and (0, 1) to three points."""
    import pypdfium2.raw as pdfium

    matrix = (*(right - origin), *(top - origin), *origin)
    if not all(map(math.isfinite, matrix)):
        raise ValueError(f"corners {origin}, {right}, {top} of a PDF object are not finite")
    pdfium.FPDFPageObj_SetMatrix(handle, pdfium.FS_MATRIX(*map(float, matrix)))
