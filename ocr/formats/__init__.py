"""Write the pages of one input as an output file, by format name.

    FORMATS["hocr"].encode(pages)                        bytes
    FORMATS["pdf"].encode(pages, pictures_of("a.jpg"))    formats with the picture in them need it
    FORMATS["pdf"].write(pages, stream, pictures)         the same, a page at a time

The file of an input has the name `name_for(stem)`, or, where all inputs share one, `file_name`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from common.files import replace_when_written
from ocr.files.page_images import Pictures
from ocr.formats import alto, hocr, labels, markdown, pagexml, pdf, plain
from ocr.result import Page

PAGE_BREAK = plain.PAGE_BREAK

Write: TypeAlias = Callable[[Sequence[Page], BinaryIO, Pictures | None, bool], None]
"""Writes pages to a stream, with their pictures, with or without the boxes of single characters."""


@dataclass(frozen=True)
class Format:
    """One kind of output file.

    Args:
        extension: Of its files, without the first dot.
        media_type: As HTTP names it.
        writer: Writes pages to a stream.
        needs_pictures: Without pictures it cannot be written.
        single_page: A file holds one page only; a document gives one file for each.
        file_name: Where all inputs share one file: its name. Their records follow each other in it.
        prefix: Of its files' names.
    """

    extension: str
    media_type: str
    writer: Write
    needs_pictures: bool = False
    single_page: bool = False
    file_name: str = ""
    prefix: str = ""

    def name_for(self, stem: str) -> str:
        """The name of the file for an input: its stem between the format's prefix and extension."""
        return f"{self.prefix}{stem}.{self.extension}"

    def write(
        self,
        pages: Sequence[Page],
        stream: BinaryIO,
        pictures: Pictures | None = None,
        *,
        characters: bool = False,
    ) -> None:
        """Write the pages of one input; no pages are an empty document.

        Args:
            pages: In their order; one, where the format holds only one.
            stream: To write to, in binary mode.
            pictures: Gives a page's picture, see `ocr.files.page_images.pictures_of`.
            characters: Also write the box of each character, in formats that have a place for it: json, jsonl,
                hocr, alto, page.

        Raises:
            ValueError: Pictures are needed and there are none, or the format holds one page and there are others.
            InputError: A picture cannot be read.
        """
        if self.needs_pictures and pictures is None:
            raise ValueError(
                f"{self.extension} files hold the pictures of the pages: give pictures"
            )
        if self.single_page and len(pages) != 1:
            raise ValueError(
                f"a file of {self.extension} holds one page, found {len(pages)}: write one file for each"
            )
        self.writer(pages, stream, pictures, characters)

    def encode(
        self, pages: Sequence[Page], pictures: Pictures | None = None, *, characters: bool = False
    ) -> bytes:
        """The file's contents; see `write`."""
        stream = io.BytesIO()
        self.write(pages, stream, pictures, characters=characters)
        return stream.getvalue()


def _text(function: Callable[[Sequence[Page]], str]) -> Write:
    def write(
        pages: Sequence[Page], stream: BinaryIO, _: Pictures | None, characters: bool
    ) -> None:
        # What is no Unicode (a file name of other bytes) is written as escapes.
        stream.write(function(pages).encode("utf-8", "backslashreplace"))

    return write


def _detailed(function: Callable[[Sequence[Page], bool], str]) -> Write:
    def write(
        pages: Sequence[Page], stream: BinaryIO, _: Pictures | None, characters: bool
    ) -> None:
        stream.write(function(pages, characters).encode("utf-8", "backslashreplace"))

    return write


FORMATS: dict[str, Format] = {
    "txt": Format("txt", "text/plain", _text(plain.to_txt)),
    "json": Format("json", "application/json", _detailed(plain.to_json)),
    "jsonl": Format("jsonl", "application/x-ndjson", _detailed(plain.to_jsonl)),
    "tsv": Format("tsv", "text/tab-separated-values", _text(plain.to_tsv)),
    "md": Format("md", "text/markdown", _text(markdown.to_markdown)),
    "hocr": Format("hocr", "text/html", _detailed(hocr.to_hocr)),
    "alto": Format("alto.xml", "application/xml", _detailed(alto.to_alto)),
    "page": Format("page.xml", "application/xml", _detailed(pagexml.to_page_xml), single_page=True),
    "pdf": Format("pdf", "application/pdf", pdf.write_pdf, needs_pictures=True),
    "labels": Format(
        "labels.jsonl", "application/x-ndjson", _text(labels.to_labels), file_name="labels.jsonl"
    ),
    "paddle": Format("Label.txt", "text/plain", _text(labels.to_paddle), file_name="Label.txt"),
    "icdar": Format("txt", "text/plain", _text(labels.to_icdar), single_page=True, prefix="gt_"),
}
"""Format name to the format."""


def save(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen half written.

    Raises:
        OSError: It cannot be written; what was at the path is left as it was.
    """
    with replace_when_written(path) as partial:
        partial.write_bytes(content)
