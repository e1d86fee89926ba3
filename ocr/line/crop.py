"""Cut lines out of a page: quads grown by a margin, as many at a time as fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

from common.arrays import Image, Quads
from common.quads import crop, enlarged
from ocr.settings import Settings
from ocr.sheet import Sheet
from recognition.preprocess import UPSCALE_BELOW_HEIGHT


def parts(sheet: Sheet, settings: Settings) -> Iterator[Sheet]:
    """Yield the lines of a page with their crops, as many at a time as fit in memory."""
    image = sheet.image if sheet.unframed is None else sheet.unframed
    cut = cut_out(image, sheet.quads, sheet.margin(settings), settings.crop.batch_bytes)
    for first, crops in cut:
        part = sheet.picked(range(first, first + len(crops)))
        yield part.having(crops=tuple(crops))


def cut_out(
    image: Image, quads: Quads, margin: float, max_bytes: int
) -> Iterator[tuple[int, list[Image]]]:
    """Cut quads (M, 4, 2), grown by a margin, out of an image.

    Yields:
        The first one's number, and the crops of as many as fit in so many bytes.
    """
    crops: list[Image] = []
    first = size = 0
    for i, quad in enumerate(quads, 1):
        crops.append(crop(image, enlarged(quad, margin), fine=UPSCALE_BELOW_HEIGHT))
        size += crops[-1].nbytes
        if size > max_bytes or i == len(quads):
            yield first, crops
            crops, first, size = [], i, 0
