"""Read many files, several at a time, and return their pages in the order of the files.

    reader = ocr.load(threads=1)
    for page in read_many(reader, paths):
        print(page.text)

Pages beside each other use the cores better than one page with a core to each of its parts: 24 pages on two
idle cores took 13.9 s one by one on one thread, 10.3 s one by one on two, 7.8 s two at a time. Processes
took 7.7 s, a start of half a second more and a copy of the models each, so there are threads: Python's own
lock is held for about a twentieth of the time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from common.arrays import Image
from common.image import MAX_PIXELS, InputError, describe, open_picture, seek
from common.image_headers import share_of_limit
from ocr.batch.ordered_pool import OrderedPool, PixelBudget
from ocr.files.documents import Loader, pages
from ocr.files.pdf_resolution import MAX_PDF_PIXELS
from ocr.onnx_runtime import available_cores
from ocr.page.regions import Region, read_regions
from ocr.reader import Reader
from ocr.result import Page

OnPage: TypeAlias = Callable[[int, Page, Image], None]
"""Gets the number of a file, one of its pages and that page's picture, on the thread that read it."""


class ReadEvent(NamedTuple):
    """What came next: a page of a file, an error of it, or, with neither, its end.

    Args:
        file: The file's number, from 0.
        page: The page that was read.
        error: Why a page, or the file as a whole, could not be.
        number: Which page of the file an error is about, from 0; None is the file as a whole.
    """

    file: int
    page: Page | None = None
    error: Exception | None = None
    number: int | None = None

    @property
    def is_end(self) -> bool:
        """Whether the file has no more pages."""
        return self.page is None and self.error is None


def read_many(
    reader: Reader,
    paths: Iterable[str | Path],
    *,
    jobs: int | None = None,
    angle: bool = True,
    single_line: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_error: Callable[[str, Exception], None] | None = None,
) -> Generator[Page]:
    """Read the pages of pictures, PDFs and multi-page TIFFs, several at a time, in the order of the paths.

    Args:
        reader: Its models work with one thread each at best: `ocr.load(threads=1)`.
        paths: Files. They may come from a generator, which other threads then draw from.
        jobs: Pages read at a time; as many as there are cores by default.
        angle: As in `Reader.read`.
        single_line: As in `Reader.read`.
        max_pixels: Larger pictures are refused. Pictures in memory at a time have no more pixels together.
        on_error: Gets the path and what went wrong there, in order with the pages; reading goes on.

    Raises:
        InputError: A file cannot be read, and there is no `on_error`.
        ValueError: `jobs` is below 1.
    """
    names: list[str] = []

    def named() -> Iterator[str]:
        for path in paths:
            names.append(str(path))
            yield names[-1]

    steps = read_files(
        reader, named(), jobs=jobs, angle=angle, single_line=single_line, max_pixels=max_pixels
    )
    # An exception would keep the generator, and so its threads, until it is forgotten.
    with closing(steps):
        for step in steps:
            if step.page is not None:
                yield step.page
            elif step.error is not None:
                if on_error is None:
                    raise step.error
                on_error(names[step.file], step.error)


def read_together(
    reader: Reader, paths: Sequence[str], *, contents: Mapping[str, bytes] = MappingProxyType({})
) -> Generator[ReadEvent]:
    """Read pictures of one line together, and tell of the first as `read_files` does of a file.

    Args:
        reader: Its recognizer takes several views.
        paths: Of the pictures.
        contents: Of those that are no files.
    """
    try:
        page = reader.read_views([contents.get(path, path) for path in paths])
    except InputError as error:
        yield ReadEvent(0, error=error)
    else:
        yield ReadEvent(0, replace(page, image=paths[0]))
    yield ReadEvent(0)


def read_files(
    reader: Reader,
    paths: Iterable[str],
    *,
    jobs: int | None = None,
    angle: bool = True,
    single_line: bool = False,
    max_pixels: int = MAX_PIXELS,
    regions: Sequence[Region] = (),
    contents: Mapping[str, bytes] = MappingProxyType({}),
    skip: Callable[[int, int], bool] | None = None,
    on_page: OnPage | None = None,
    together: Sequence[str] = (),
) -> Generator[ReadEvent]:
    """Read files as `read_many` does, and tell each file's errors and end too.

    Args:
        reader: As in `read_many`, and so all that is not described here.
        paths: As results name them.
        jobs: With 1, everything is done on the calling thread.
        angle: As in `Reader.read`.
        single_line: As in `Reader.read`.
        max_pixels: As in `read_many`.
        regions: As in `Reader.read`.
        contents: Of those inputs that are no files, by their paths.
        skip: Tells from a file's number and the page whether that page is not wanted.
        on_page: Is shown each page with its picture; what it raises is an error after that page.
        together: Pictures of one line, read in place of the one file that `paths` names.

    Raises:
        ValueError: `jobs` is below 1.
    """
    if together:
        yield from read_together(reader, together, contents=contents)
        return
    jobs = available_cores() if jobs is None else jobs
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}, expected 1 or more")
    read = partial(read_regions, reader, regions, angle=angle, single_line=single_line)
    if not regions:
        read = partial(reader.read_page, angle=angle, single_line=single_line)
    tasks = _Files(paths, read, max_pixels, contents, skip, on_page).tasks()
    results = (task() for task in tasks) if jobs == 1 else OrderedPool(tasks, jobs).results()
    with closing(results):
        for steps in results:
            yield from steps


_Task: TypeAlias = Callable[[], list[ReadEvent]]


class _Files:
    """Makes the tasks of reading files. They are made by one thread at a time, in the order of the pages."""

    def __init__(
        self,
        paths: Iterable[str],
        read: Callable[..., Page],
        max_pixels: int,
        contents: Mapping[str, bytes],
        skip: Callable[[int, int], bool] | None,
        on_page: OnPage | None,
    ) -> None:
        self._paths = paths
        self._read = read
        self._max_pixels = max_pixels
        self._contents = contents
        self._skip = skip or (lambda file, page: False)
        self._on_page = on_page
        self._budget = PixelBudget(max_pixels)

    def tasks(self) -> Iterator[_Task]:
        for file, path in enumerate(self._paths):
            try:
                yield from self._pages(file, path)
            except Exception as error:  # whatever it was, the other files are read
                yield partial(list, [ReadEvent(file, error=error)])
            yield partial(list, [ReadEvent(file)])

    def _pages(self, file: int, path: str) -> Iterator[_Task]:
        name, source = describe(path), self._contents.get(path, path)
        size, several = _measure(source, self._max_pixels, name)
        walk = pages(source, max_pixels=self._max_pixels, name=name)
        for index, decode in walk:
            if self._skip(file, index):
                continue
            self._budget.enter(size)
            decoded = threading.Event()

            # The task keeps the walk alive: a picture may be decoded after this generator has ended.
            def task(
                index: int = index,
                decode: Loader = decode,
                decoded: threading.Event = decoded,
                walk: object = walk,
            ) -> list[ReadEvent]:
                return self._task(file, path, index, decode, size, decoded)

            yield task
            if not several:
                return
            decoded.wait()  # only then may the document's next page be asked for

    def _task(
        self, file: int, path: str, index: int, decode: Loader, size: int, decoded: threading.Event
    ) -> list[ReadEvent]:
        held = size
        image: list[Image] = []

        def load() -> Image:
            nonlocal held
            try:
                picture = decode()
            finally:
                decoded.set()
            pixels = picture.shape[0] * picture.shape[1]
            self._budget.change(pixels - held)
            held = pixels
            if self._on_page:
                image.append(picture)
            return picture

        steps: list[ReadEvent] = []
        try:
            page = self._read(load, image=path, page=index)
            steps.append(ReadEvent(file, page))
            if self._on_page:
                self._on_page(file, page, image[0])
        except Exception as error:  # a defect on one page must not cost the others
            steps.append(ReadEvent(file, error=error, number=index))
        finally:
            decoded.set()
            self._budget.change(-held)
        return steps


def _measure(source: str | bytes, max_pixels: int, name: str) -> tuple[int, bool]:
    """Pixels that a file's largest page has at most, from headers; and whether there may be several pages."""
    try:
        with open_picture(source, max_pixels=max_pixels, name=name) as picture:
            largest = picture.width * picture.height
            if picture.format != "TIFF":
                return int(largest / share_of_limit(picture)), False
            index = 1
            while seek(picture, index, name=name):
                largest = max(largest, picture.width * picture.height)
                index += 1
            return min(largest, max_pixels), True
    except InputError:
        # A PDF, or what `pages` will say is wrong.
        return min(MAX_PDF_PIXELS, max_pixels), True
