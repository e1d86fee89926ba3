"""Write the pages of many inputs to files of one folder, named after the inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import PIL.Image

from common.arrays import Image
from common.image import describe
from ocr.files.page_count import count_pages, is_document
from ocr.files.page_images import pictures_of
from ocr.formats import FORMATS
from ocr.formats.draw import draw
from ocr.formats.output_names import drawn_name, free_names, page_suffix, stem_of
from ocr.formats.own_files import OverwriteError, is_foreign, is_own, write_own
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
        drawn: Pages are to be drawn, too.
        contents: Of those inputs that are no files, by their paths.
    """

    def __init__(
        self,
        folder: Path,
        paths: Sequence[str],
        formats: Iterable[str],
        *,
        characters: bool = False,
        drawn: bool = False,
        contents: Mapping[str, bytes] | None = None,
    ) -> None:
        self.formats = tuple(formats)
        self._folder = folder
        self._paths = paths
        self._characters = characters
        self._drawn = drawn
        self._contents = contents or {}
        self._names = list(free_names(paths, self.formats, drawn=drawn))
        self._labels = {
            name: LabelFile(folder, name) for name in self.formats if FORMATS[name].file_name
        }

    def check_free(self, *, overwrite: bool, resume: bool, json: Path | None = None) -> None:
        """Make sure that no output replaces an input, or a file that an earlier run has not written.

        Args:
            overwrite: Files that are not ours may be replaced.
            resume: Files of inputs that are done are left as they are.
            json: A file that is written beside those of the folder.

        Raises:
            OverwriteError: One would.
            OSError: The folder cannot be looked into.
        """
        beside = json is not None and json.parent.resolve() == self._folder.resolve()
        if json is not None and beside and self._writes(json.name, frozenset(self._names)):
            raise OverwriteError(
                f"{describe(json)}: is also an output file of -o: name another one"
            )
        names = frozenset(
            name
            for number, name in enumerate(self._names)
            if not (resume and self.are_there(number))
        )
        inputs = {identity(path): path for path in self._paths}
        for path in sorted(self._folder.iterdir()):
            if not self._writes(path.name, names) or not path.is_file():
                continue
            if identity(path) in inputs:
                raise OverwriteError(
                    f"{describe(path)}: an output would replace this input: name another folder with -o"
                )
            if not (overwrite or is_own(path)):
                raise OverwriteError(
                    f"{describe(path)}: is there already, and no earlier run wrote it as it is: "
                    "name another folder with -o, or give --overwrite to replace it"
                )

    def _writes(self, file: str, names: frozenset[str]) -> bool:
        return stem_of(file, self.formats, names, drawn=self._drawn) is not None

    def are_there(self, file: int) -> bool:
        """Whether an input's files, and its records in files that inputs share, are all there.

        Args:
            file: The input's number, from 0.
        """
        stem = self._names[file]
        return (
            all(path.is_file() for path in self._files_of(stem))
            and all(labels.has(self._paths[file], stem) for labels in self._labels.values())
            and (not self._drawn or self._are_drawn(file))
        )

    def foreign(self, files: Iterable[int]) -> list[Path]:
        """Output files of inputs that are there, and are known to be other than a run has written them."""
        paths = (path for file in files for path in self._files_of(self._names[file]))
        return [path for path in paths if is_foreign(path)]

    def _files_of(self, stem: str) -> list[Path]:
        own = [FORMATS[name] for name in self.formats if not FORMATS[name].file_name]
        names = [kind.name_for(stem) for kind in own] + [drawn_name(stem)] * self._drawn
        return [self._folder / name for name in names]

    def _are_drawn(self, file: int) -> bool:
        """Whether all pages of an input are drawn: the first one does not wait for the others."""
        path = self._paths[file]
        count = 1 if path in self._contents or not is_document(path) else count_pages(path)
        stem = self._names[file]
        return all(
            (self._folder / drawn_name(stem + page_suffix(page))).is_file()
            for page in range(1, count)
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
        source = self._contents.get(self._paths[file], self._paths[file])
        pictures = pictures_of(source) if kind.needs_pictures else None
        if name in self._labels:
            self._labels[name].add(self._paths[file], self._names[file], pages, source)
            return
        # A document's first page has the plain name, and is written last: once it is there, all are.
        for part in [[page] for page in reversed(pages)] if kind.single_page else [pages]:
            suffix = page_suffix(part[0].page) if kind.single_page else ""
            path = self._folder / kind.name_for(self._names[file] + suffix)
            with write_own(path) as stream:
                kind.write(part, stream, pictures, characters=self._characters)

    def draw(self, file: int, page: Page, image: Image) -> None:
        """Write the picture of a page with the boxes and text of its lines.

        Raises:
            OSError: It cannot be written.
        """
        path = self._folder / drawn_name(self._names[file] + page_suffix(page.page))
        drawing = PIL.Image.fromarray(draw(image, page))
        with write_own(path) as stream:
            drawing.save(stream, "PNG", compress_level=_PNG_LEVEL)


def identity(path: str | Path) -> tuple[int, int] | str:
    """What two paths of one file have in common, also through links; the path where no file is."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return os.fspath(path)
    return status.st_dev, status.st_ino
