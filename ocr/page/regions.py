"""Read parts of a picture, as the fields of a form, to one page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from common.arrays import Image
from common.image import InputError, rotate_ccw
from common.quads import rotate_quads
from ocr.result import Angle, Box, Elapsed, Page, Table

_NUMBER = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*"
_REGION = re.compile(",".join([_NUMBER] * 4))


class PageReader(Protocol):
    """What `ocr.reader.Reader` is to this module, which it calls itself."""

    def orientation(self, image: Image) -> Angle:
        """Tell how far a picture is turned."""

    def read_page(
        self, decode: Callable[[], Image], *, image: str, page: int, angle: bool, single_line: bool
    ) -> Page:
        """Read what a function decodes."""


class Region(NamedTuple):
    """A part of a picture as a viewer shows it: left, top, width, height.

    In pixels; in shares of the picture's width and height where no number is larger than 1. Parts beyond the edge
    are left out.
    """

    x: float
    y: float
    width: float
    height: float

    def pixels(self, picture_width: int, picture_height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in whole pixels, within the picture.

        Raises:
            ValueError: Nothing of the region is in the picture.
        """
        scale = (picture_width, picture_height) if max(self) <= 1 else (1, 1)
        left, top = max(0, round(self.x * scale[0])), max(0, round(self.y * scale[1]))
        right = min(picture_width, round((self.x + self.width) * scale[0]))
        bottom = min(picture_height, round((self.y + self.height) * scale[1]))
        if right <= left or bottom <= top:
            raise ValueError(
                f"region {self} has nothing of a picture of {picture_width} x {picture_height}"
            )
        return left, top, right, bottom

    def __str__(self) -> str:
        return ",".join(f"{value:g}" for value in self)


def parse_region(text: str) -> Region:
    """A region from "x,y,w,h".

    Raises:
        ValueError: It is no such text, or without extent.
    """
    found = _REGION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no region: expected x,y,width,height in pixels or shares")
    return checked_region(map(float, found.groups()))


def checked_region(numbers: Iterable[float]) -> Region:
    """A region from its four numbers.

    Raises:
        ValueError: They are others, or it has no extent.
    """
    try:
        values = [float(number) for number in numbers]
    except TypeError:
        raise ValueError(
            f"region {numbers!r} is no list of four numbers; `region` takes a list of such"
        ) from None
    if len(values) != 4 or not all(np.isfinite(values)) or min(values) < 0 or not min(values[2:]):
        raise ValueError(f"region {values}: expected x, y from 0 and width, height above 0")
    return Region(*values)


def read_regions(
    reader: PageReader,
    regions: Sequence[Region],
    decode: Callable[[], Image],
    *,
    image: str,
    page: int = 0,
    angle: bool = True,
    single_line: bool = False,
) -> Page:
    """Read parts of a page; its turn is found on the whole picture.

    Args:
        reader: Reads each part.
        regions: In the order in which their lines come; a line in two of them comes twice.
        decode: As in `Reader.read_page`, and so all that is not described here.
        image: Likewise.
        page: Likewise.
        angle: Likewise.
        single_line: Each region is one line: neither turn nor detection.

    Raises:
        InputError: The picture cannot be read, or a region is outside it.
    """
    parts: list[Page] = []
    start = time.perf_counter()
    whole = decode()
    decoded = time.perf_counter()
    turned = reader.orientation(whole) if angle and not single_line else Angle(0, 1.0)
    found = time.perf_counter()
    height, width = whole.shape[:2]
    for region in regions:
        try:
            left, top, right, bottom = region.pixels(width, height)
        except ValueError as error:
            raise InputError(f"{image}: page {page}: {error}") from error
        part = np.ascontiguousarray(rotate_ccw(whole[top:bottom, left:right], turned.degrees))
        read = reader.read_page(
            partial(_same, part), image=image, page=page, angle=False, single_line=single_line
        )
        size = part.shape[0], part.shape[1]
        parts.append(_moved(read, turned.degrees, size, left, top))
    lines = tuple(line for part in parts for line in part.lines)
    spent = [part.elapsed_ms for part in parts]
    elapsed = Elapsed(
        1000 * (decoded - start),
        1000 * (found - decoded),
        sum(each.detect for each in spent),
        sum(each.recognize for each in spent),
        1000 * (time.perf_counter() - start),
    )
    tables = tuple(table for part in parts for table in part.tables)
    return Page(image, page, width, height, turned, lines, elapsed, tables)


def _same(picture: Image) -> Image:
    return picture


def _moved(page: Page, degrees: int, size: tuple[int, int], left: int, top: int) -> Page:
    """A part that was turned upright, its boxes in the whole picture as shown."""

    def moved(box: Box) -> Box:
        quad = rotate_quads(np.array([box], np.float32), -degrees % 360, size)[0]
        return tuple((float(x) + left, float(y) + top) for x, y in quad)

    def moved_table(table: Table) -> Table:
        cells = tuple(replace(cell, box=moved(cell.box)) for cell in table.cells)
        return Table(moved(table.box), cells)

    return replace(
        page,
        lines=tuple(replace(line, box=moved(line.box)) for line in page.lines),
        tables=tuple(map(moved_table, page.tables)),
    )
