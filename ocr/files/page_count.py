"""Count the pages of a file without decoding any."""

from __future__ import annotations

from pathlib import Path

import PIL.Image

from common.image import InputError, describe, open_picture, seek

_DOCUMENTS = frozenset({".pdf", ".tif", ".tiff"})


def is_document(path: str) -> bool:
    """Whether a file may have several pages, as far as its name tells."""
    return Path(path).suffix.lower() in _DOCUMENTS


def count_pages(path: str) -> int:
    """Pages of a document; 1 where that cannot be told, for one error is what there will be to count."""
    if Path(path).suffix.lower() == ".pdf":
        import pypdfium2

        try:
            with pypdfium2.PdfDocument(path) as pdf:
                return len(pdf)
        except (pypdfium2.PdfiumError, OSError):
            return 1
    try:
        with open_picture(path) as picture:
            return _frames(picture, describe(path)) if picture.format == "TIFF" else 1
    except InputError:
        return 1


def _frames(picture: PIL.Image.Image, name: str) -> int:
    count = 1
    while seek(picture, count, name=name):
        count += 1
    return count
