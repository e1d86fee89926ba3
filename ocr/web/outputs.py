"""Make the body, media type and headers of an output file from pages, on workers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from common.image import InputError
from ocr.files.page_images import Pictures, pictures_of
from ocr.formats import FORMATS
from ocr.result import Page
from ocr.web.errors import ServiceError
from ocr.web.limits import Limits
from ocr.web.reading import Upload

_TEXTUAL = ("text/", "application/xml", "application/json", "application/x-ndjson")


class OutputFile(NamedTuple):
    """The contents of a file with what HTTP says about it."""

    content: bytes
    media_type: str
    headers: dict[str, str]


def describe_formats() -> list[dict[str, Any]]:
    """Name and extension of each format, and whether it needs the picture."""
    return [
        {"name": name, "extension": each.extension, "picture": each.needs_pictures}
        for name, each in FORMATS.items()
    ]


def write_output(
    name: str, pages: Sequence[Page], limits: Limits, *, source: str, upload: Upload | None
) -> OutputFile:
    """Write pages in a format; several pages in a format that holds one become a ZIP archive.

    Args:
        name: A key of `FORMATS`.
        pages: At least one.
        limits: Largest picture.
        source: Name of the file that was read, from which the output's is made.
        upload: That file, for formats that hold the picture.

    Raises:
        ServiceError: The picture is needed and there is none, or it is not that of these pages.
    """
    chosen = FORMATS[name]
    if chosen.needs_pictures and upload is None:
        raise ServiceError(
            "bad_request", f"{name} files hold the picture: send it as the field 'file' as well"
        )
    pictures = None if upload is None else pictures_of(upload.path, max_pixels=limits.max_pixels)
    stem = source.rpartition(".")[0] or source or "text"
    try:
        if chosen.single_page and len(pages) > 1:
            content = _archive(name, pages, pictures, stem)
            return OutputFile(content, "application/zip", _disposition(f"{stem}.{name}.zip"))
        content = chosen.encode(pages, pictures)
    except InputError as error:
        path = str(upload.path) if upload else source
        raise ServiceError("unreadable", str(error).replace(path, source)) from error
    kind = chosen.media_type
    charset = "; charset=utf-8" if kind.startswith(_TEXTUAL) else ""
    return OutputFile(content, kind + charset, _disposition(f"{stem}.{chosen.extension}"))


def _archive(name: str, pages: Sequence[Page], pictures: Pictures | None, stem: str) -> bytes:
    stream = io.BytesIO()
    chosen = FORMATS[name]
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for page in pages:
            file_name = f"{Path(stem).name}.p{page.page}.{chosen.extension}"
            archive.writestr(file_name, chosen.encode([page], pictures))
    return stream.getvalue()


def _disposition(file_name: str) -> dict[str, str]:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in file_name)
    encoded = quote(file_name, safe="")
    return {"content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"}
