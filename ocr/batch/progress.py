"""Show how far a long run is: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import collections
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from common.wording import counted
from ocr.batch.read_many import ReadEvent
from ocr.files.page_count import count_pages, is_document

SAY_EVERY_S = 10.0
"""Seconds between two lines in a log."""

COUNTING_S = 2.0
"""Seconds spent, at most, on counting pages before reading begins."""


class Progress:
    """Pages that are done, of those that there will be; how fast, and for how long still.

    Args:
        expected: Pages that each file probably has.
        stream: A terminal that shows a bar, or None.
        say: Gets a line of text now and then where there is no bar.
    """

    def __init__(
        self, expected: Sequence[int], stream: TextIO | None, say: Callable[[str], None]
    ) -> None:
        self._expected = expected
        self._total = sum(expected)
        self._done = 0
        self._done_before = 0  # pages of the files that have ended
        self._failed = 0
        self._last: tuple[int, int] | None = None  # file and page that came last
        self._say = say
        self._start = self._said = time.monotonic()
        self._bar: Any = None
        if stream is not None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=self._total, unit="page", file=stream, dynamic_ncols=True, leave=False
            )

    def count(self, step: ReadEvent) -> None:
        """Count a page that was read, or an error; where a file ends, its pages replace those expected."""
        if step.is_end:
            self._total += self._done - self._done_before - self._expected[step.file]
            self._done_before = self._done
            if self._bar is not None and self._bar.total != self._total:
                self._bar.total = self._total
                self._bar.refresh()
            return
        if step.page is None:
            self._count_error(step)
            return
        self._last = step.file, step.page.page
        self._done += 1
        if self._bar is not None:
            self._bar.update()
        elif time.monotonic() - self._said >= SAY_EVERY_S:
            self._said = time.monotonic()
            self._say(self._state())

    def _count_error(self, step: ReadEvent) -> None:
        if self._last == (step.file, step.number):
            return  # the page was read, its drawing failed
        self._failed += 1
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._failed} not read")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while others write."""
        if self._bar is None:
            yield
            return
        self._bar.clear()
        try:
            yield
        finally:
            self._bar.refresh()

    def close(self) -> str:
        """Take the bar away for good; gives what was done, in words."""
        if self._bar is not None:
            self._bar.close()
        seconds = time.monotonic() - self._start
        read = (
            f"{counted(self._done, 'page')} in {duration(seconds)}, {_speed(self._done, seconds)}"
        )
        return f"{read}; {self._failed} could not be read" if self._failed else read

    def _state(self) -> str:
        seconds = time.monotonic() - self._start
        left = duration(max(0, self._total - self._done) * seconds / max(self._done, 1))
        return f"{self._done} of {counted(self._total, 'page')}, {_speed(self._done, seconds)}, {left} left"


def _speed(pages: int, seconds: float) -> str:
    rate = pages / max(seconds, 1e-3)
    return f"{rate:.0f} pages/s" if rate >= 100 else f"{rate:.3g} pages/s"


def duration(seconds: float) -> str:
    """Seconds in words of a fitting size: 7.2 s, 3 min, 2.5 h."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def expected_pages(
    paths: Sequence[str], done: Iterable[tuple[str, int]] = (), *, seconds: float = COUNTING_S
) -> list[int]:
    """Tell how many pages each file probably has, without decoding any; not counting those that are done.

    PDFs and TIFFs are opened for as long as there is time, and the rest taken to be like those. PDFium must not be at
    work on another thread.
    """
    documents = [number for number, path in enumerate(paths) if is_document(path)]
    until = time.monotonic() + seconds
    counted: dict[int, int] = {}
    for number in documents:
        if time.monotonic() > until:
            break
        counted[number] = count_pages(paths[number])
    mean = math.ceil(sum(counted.values()) / max(len(counted), 1))
    counts = [1] * len(paths)
    for number in documents:
        counts[number] = counted.get(number, mean)
    before = collections.Counter(path for path, _ in done)
    return [max(0, count - before[path]) for count, path in zip(counts, paths, strict=True)]


def are_several(paths: Sequence[str]) -> bool:
    """Whether files have more than one page together, as far as their number and names tell."""
    return len(paths) > 1 or any(map(is_document, paths))
