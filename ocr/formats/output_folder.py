"""Pages of many inputs in; their files in one folder out, named after the inputs."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import PIL.Image

from common.arrays import Image
from ocr.files.page_images import pictures_of
from ocr.formats import FORMATS, save, saving
from ocr.formats.draw import draw
from ocr.formats.shared_label_file import LabelFile
from ocr.result import Page

_PNG_LEVEL = 3  # of 9: a drawing is looked at, not kept


class Outputs:
    """Where the output files of inputs go.

    Args:
        folder: Is there already.
        paths: All inputs of the run in their order; equal lists give equal names.
        formats: Names in `FORMATS`.
        characters: Files have the boxes of single characters, where their format has a place for them.
    """

    def __init__(
        self,
        folder: Path,
        paths: Sequence[str],
        formats: Iterable[str],
        *,
        characters: bool = False,
    ) -> None:
        self.formats = tuple(formats)
        self._folder = folder
        self._paths = paths
        self._characters = characters
        self._names = list(_free_names(paths))
        self._labels = {
            name: LabelFile(folder, name) for name in self.formats if FORMATS[name].file_name
        }

    def are_there(self, file: int) -> bool:
        """Whether an input's files, and its records in files that inputs share, are all there.

        Args:
            file: The input's number, from 0.
        """
        own = [FORMATS[name] for name in self.formats if not FORMATS[name].file_name]
        stem = self._names[file]
        return all((self._folder / kind.name_for(stem)).is_file() for kind in own) and all(
            labels.has(self._paths[file], stem) for labels in self._labels.values()
        )

    def write(self, file: int, name: str, pages: Sequence[Page]) -> None:
        """Write an input's pages in one format.

        Args:
            file: The input's number, from 0.
            name: Of the format.
            pages: In their order.

        Raises:
            OSError: A file cannot be written.
            InputError: The format holds the picture, and it can no longer be read.
        """
        kind = FORMATS[name]
        pictures = pictures_of(self._paths[file]) if kind.needs_pictures else None
        if name in self._labels:
            self._labels[name].add(self._paths[file], self._names[file], pages)
            return
        # A document's first page has the plain name, and is written last: once it is there, all are.
        for part in [[page] for page in reversed(pages)] if kind.single_page else [pages]:
            suffix = _page_suffix(part[0]) if kind.single_page else ""
            path = self._folder / kind.name_for(self._names[file] + suffix)
            with saving(path) as stream:
                kind.write(part, stream, pictures, characters=self._characters)

    def draw(self, file: int, page: Page, image: Image) -> None:
        """Write the picture of a page with the boxes and text of its lines.

        Raises:
            OSError: It cannot be written.
        """
        stream = io.BytesIO()
        PIL.Image.fromarray(draw(image, page)).save(stream, "PNG", compress_level=_PNG_LEVEL)
        save(self._folder / f"{self._names[file]}{_page_suffix(page)}.drawn.png", stream.getvalue())


def _page_suffix(page: Page) -> str:
    return f".p{page.page}" if page.page else ""


def _free_names(paths: Iterable[str]) -> Iterator[str]:
    """Each path's stem, with a number where another one before it has that stem."""
    taken: set[str] = set()
    for path in paths:
        stem = name = Path(path).stem
        number = 2
        while name.lower() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.lower())
        yield name
