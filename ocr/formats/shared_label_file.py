"""Write the records of many inputs to the one label file that they share.

Such a file is there to be corrected by hand, so what it says about a picture stays as it is.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import PIL.Image

from common.files import append_whole
from ocr.files.page_images import Picture, pictures_of
from ocr.formats import FORMATS, save
from ocr.formats.words import plain_text
from ocr.result import Page


class LabelFile:
    """A file of labels in a folder.

    Args:
        folder: Of the file, and of pictures of pages that are no files of their own; is there already.
        name: A format in `FORMATS` whose files are shared.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._format = FORMATS[name]
        self._folder = folder
        self._path = folder / self._format.file_name
        # PPOCRLabel names pictures with their folder: from above the file's.
        self._root = folder.parent if name == "paddle" else folder
        self._names = _names_in(self._path)

    def has(self, source: str, stem: str) -> bool:
        """Whether there are records of an input, which come all at once.

        Args:
            source: Path of the input.
            stem: Of its output files.
        """
        paths = Path(source), self._page_path(stem, 0)
        return any(self._listed(self._relative(path)) in self._names for path in paths)

    def add(
        self, source: str, stem: str, pages: Sequence[Page], content: str | bytes | None = None
    ) -> None:
        """Add records of the pages of an input, but of those that have one already.

        Args:
            source: Path of the input.
            stem: Of its output files.
            pages: In their order.
            content: Of an input that is no file.

        The picture of a page of a PDF or TIFF is written beside the labels, as a PNG that other programs open.

        Raises:
            OSError: A file cannot be written.
            InputError: The picture of a page cannot be read any more.
        """
        pictures = pictures_of(source if content is None else content)
        named = []
        for page in pages:
            picture = pictures(page)
            path = Path(source) if picture.is_file else self._page_path(stem, page.page)
            name = self._relative(path)
            if self._listed(name) in self._names:
                continue
            if not picture.is_file and not path.exists():
                _save_png(path, picture)
            named.append(replace(page, image=name))
        if named:
            self._append(self._format.encode(named))
            self._names.update(self._listed(page.image) for page in named)

    def _page_path(self, stem: str, page: int) -> Path:
        return self._folder / f"{stem}.p{page}.png"

    def _relative(self, path: Path) -> str:
        """A path as the file names it: from a folder on, with slashes; in full where that cannot be."""
        try:
            return Path(os.path.relpath(path.resolve(), self._root.resolve())).as_posix()
        except ValueError:  # on another drive of Windows
            return path.resolve().as_posix()

    def _listed(self, name: str) -> str:
        """A name as it is read back: PaddleOCR's has no escapes for line breaks, tabs and what is no UTF-8."""
        if self._format is not FORMATS["paddle"]:
            return name
        return plain_text(name).encode("utf-8", "backslashreplace").decode()

    def _append(self, record: bytes) -> None:
        """Add to the end; where the disk has no room for all of it, nothing is added."""
        with self._path.open("ab+", buffering=0) as stream:
            end = stream.seek(0, os.SEEK_END)
            if end:
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # cut off when a run was killed
                    record = b"\n" + record
            append_whole(stream, record, end)


def _names_in(path: Path) -> set[str]:
    """The pictures of which a file has records; none where it is not there yet."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            return {name for name in map(_name_of, stream) if name}
    except FileNotFoundError:
        return set()


def _name_of(record: str) -> str:
    """The picture that a line is about; "" of a line that is cut off."""
    name, tab, _ = record.partition("\t")
    if tab:
        return name
    try:
        return str(json.loads(record)["image"])
    except (ValueError, KeyError, TypeError):
        return ""


def _save_png(path: Path, picture: Picture) -> None:
    stream = io.BytesIO()
    PIL.Image.fromarray(picture.decode()).save(stream, "PNG")
    save(path, stream.getvalue())
