"""Choose the pixels a point at which a page of a PDF is drawn: its pictures' own resolution within limits."""

from __future__ import annotations

import math
from typing import Any

from common.image import MAX_SIDE

POINTS_PER_INCH = 72

PDF_DPI = 200
"""Pixels an inch at which PDF pages are drawn, unless their pictures have more, or the page would get too large."""

MAX_PDF_PIXELS = 40_000_000
"""Largest drawing of a PDF page; larger sheets are drawn at fewer pixels an inch."""

MAX_PICTURE_SIDE = 4000
"""Longest side in pixels to which a page is drawn for the sake of its pictures: A4 scanned at 300 dpi has 3508."""

_SHARE = 0.25  # of the page that pictures of a resolution must cover for it to count
_MOST_PICTURES = 500  # looked at on one page
_IMAGE = 3  # FPDF_PAGEOBJ_IMAGE


def drawing_scale(page: Any, max_pixels: int) -> float:  # noqa: ANN401
    """Pixels a point at which a page is drawn.

    Args:
        page: Of pypdfium2, while its document is open and PDFium is used by this thread alone.
        max_pixels: Of the drawing.
    """
    width, height = page.get_size()
    longest = max(width, height, 1)
    own = min(pictures_dpi(page) / POINTS_PER_INCH, MAX_PICTURE_SIDE / longest)
    scale = max(PDF_DPI / POINTS_PER_INCH, own)
    scale = min(scale, math.sqrt(max_pixels / max(width * height, 1)))
    # Sides are rounded up.
    return float(min(scale, (MAX_SIDE - 1) / longest))


def pictures_dpi(page: Any) -> float:  # noqa: ANN401
    """The resolution, in pixels an inch, that pictures on a quarter of the page have or exceed; 0 without such."""
    width, height = page.get_size()
    covered = 0.0
    for dpi, area in sorted(_pictures(page), reverse=True):
        covered += area
        if covered >= _SHARE * width * height:
            return dpi
    return 0.0


def _pictures(page: Any) -> list[tuple[float, float]]:  # noqa: ANN401
    """Pixels an inch and area, in square points, of the pictures on a page."""
    import pypdfium2

    found = []
    for number, item in enumerate(page.get_objects(filter=(_IMAGE,), max_depth=1)):
        if number == _MOST_PICTURES:
            break
        try:
            columns, rows = item.get_px_size()
            a, b, c, d, _, _ = item.get_matrix().get()
        except (pypdfium2.PdfiumError, AttributeError):
            continue
        wide, high = math.hypot(a, b), math.hypot(c, d)
        if min(wide, high) > 0 and min(columns, rows) > 0:
            dpi = min(columns / wide, rows / high) * POINTS_PER_INCH
            found.append((dpi, abs(a * d - b * c)))
    return found
