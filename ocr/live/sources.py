"""Open what a user names as a source of frames."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from common.image import InputError, MissingFileError, one_line
from ocr.live.folder import Folder
from ocr.live.frames import Frame, FrameRegion
from ocr.live.screen import Screen
from ocr.live.video import SCHEMES, Video

CLIPS = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .flv .ts .mts .m2ts .mpg .mpeg .wmv .3gp .ogv".split()
)
"""Suffixes of files that are moving pictures for `demo.py`; `ocr.live` opens files of any name."""

_AHEAD = 6
"""Frames that are decoded ahead, at most."""


class Source(Protocol):
    """Frames, and what is to be said about them."""

    name: str
    """For messages."""

    damaged: int
    """Frames and packets that could not be decoded, so far."""

    lost_end: str | None
    """Why it ended before its end; None where it did not."""

    length: float | None
    """Seconds, where they are known."""

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order."""


def open_source(
    name: str,
    *,
    stop: threading.Event,
    allow_network: bool = False,
    wait: float = 0.0,
    rate: float | None = None,
) -> Source:
    """Find out what a source is.

    Args:
        name: A file, a folder, "screen", "screen:x,y,w,h", or a URL.
        stop: Ends it when set.
        allow_network: Whether a URL may be opened.
        wait: Seconds that a folder or a stream may be silent before it has ended.
        rate: Pictures of a screen a second.

    Raises:
        InputError: There is no such file, or it may not be opened.
    """
    if name == "screen" or name.startswith("screen:"):
        part = parse_frame_region(name[7:]) if ":" in name else None
        return Screen(part, stop=stop, rate=rate)
    if "://" in name:
        scheme = urlsplit(name).scheme.lower()
        if scheme not in SCHEMES:
            raise InputError(
                f"{one_line(name)}: found the scheme {one_line(scheme)!r}, expected one of {', '.join(sorted(SCHEMES))}"
            )
        if not allow_network:
            raise InputError(
                f"{one_line(name)}: network sources are opened only with --allow-network"
            )
        return Video(name, stop=stop, patience=max(wait, 0.0), network=True)
    path = Path(name)
    if path.is_dir():
        return Folder(path, stop=stop, wait=wait)
    if not path.exists():
        raise MissingFileError(f"{one_line(name)}: no such file")
    return Video(path, stop=stop)


def is_clip(path: str) -> bool:
    """Whether a path is that of a clip, by its name."""
    return Path(path).suffix.lower() in CLIPS and Path(path).is_file()


def parse_frame_region(text: str) -> FrameRegion:
    """A region written as x,y,w,h.

    Raises:
        InputError: It is no region.
    """
    parts = text.split(",")
    try:
        x, y, width, height = (int(part) for part in parts)
    except ValueError as error:
        raise InputError(f"found the region {text!r}, expected x,y,w,h in pixels") from error
    if x < 0 or y < 0 or width < 8 or height < 8:
        raise InputError(
            f"found the region {text!r}, expected x and y from 0, w and h from 8 pixels"
        )
    return FrameRegion(x, y, width, height)


class Ahead:
    """Frames of a source, decoded by a thread of its own a few frames ahead.

    Args:
        source: Gives frames.
        stop: Ends it when set.
    """

    def __init__(self, source: Iterable[Frame], stop: threading.Event) -> None:
        self._source = source
        self._stop = stop
        self._frames: queue.Queue[Frame | Exception | None] = queue.Queue(_AHEAD)
        self._left = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        """The frames, and the errors of the source."""
        thread = threading.Thread(target=self._work, name="frames", daemon=True)
        thread.start()
        try:
            while True:
                try:
                    # Not for ever, so that Ctrl-C is heard on every system.
                    item = self._frames.get(timeout=0.5)
                except queue.Empty:
                    continue
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self._left.set()
            thread.join(timeout=5.0)

    def _work(self) -> None:
        end: Exception | None = None
        try:
            for frame in self._source:
                if not self._put(frame):
                    break
        except Exception as error:  # goes on in the thread that reads
            end = error
        self._put(end)

    def _put(self, item: Frame | Exception | None) -> bool:
        """Whether somebody still waits for frames."""
        while not self._left.is_set():
            try:
                self._frames.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
