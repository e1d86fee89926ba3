"""Read frames from a folder that is being filled with pictures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from common.arrays import Image
from common.image import InputError, load
from ocr.files.documents import EXTENSIONS
from ocr.live.frames import Frame

_log = logging.getLogger("ocr.live")

_POLL = 0.2
_GROWING = 2.0
"""Seconds since its last change within which a picture that cannot be read may still be being written."""

_STEP = 0.2
"""Seconds from picture to picture where their files' times do not tell."""


class Folder:
    """Pictures of a folder in the order of their names, as they come.

    Args:
        path: The folder.
        stop: Ends reading when set.
        wait: Seconds without a new picture after which it has ended; 0 reads what is there.
    """

    def __init__(self, path: Path, *, stop: threading.Event, wait: float = 0.0) -> None:
        self.name = str(path)
        self.damaged = 0
        self.lost_end: str | None = None
        self.length: float | None = None
        self._path = path
        self._stop = stop
        self._wait = wait

    def __iter__(self) -> Iterator[Frame]:
        """The frames; their times are those at which the files were written.

        Raises:
            InputError: It cannot be listed, or no picture in it can be read.
        """
        index, begin, previous = 0, 0.0, -_STEP
        last_name, news = "", time.monotonic()
        while not self._stop.is_set():
            for path in self._listed(last_name):
                image = self._load(path)
                if image is None:
                    break
                last_name = path.name
                if not image.size:
                    continue
                written = path.stat().st_mtime
                begin = begin if index else written
                at = written - begin
                previous = at if at > previous else previous + _STEP
                news = time.monotonic()
                yield _frame(image, index, previous)
                index += 1
            if time.monotonic() - news >= self._wait:
                break
            self._stop.wait(_POLL)
        if not index:
            raise InputError(f"{self.name}: found no picture in it that can be read")

    def _listed(self, after: str) -> list[Path]:
        """Pictures whose names come after one."""
        try:
            paths = list(self._path.iterdir())
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror}") from error
        names = sorted(
            (path for path in paths if path.suffix.lower() in EXTENSIONS - {".pdf"}),
            key=lambda p: p.name,
        )
        return [path for path in names if path.name > after and path.is_file()]

    def _load(self, path: Path) -> Image | None:
        """A picture; an empty array for one that is damaged, None for one that is not finished."""
        try:
            return load(path)
        except (InputError, OSError) as error:
            try:
                fresh = time.time() - path.stat().st_mtime < _GROWING
            except OSError:
                fresh = False
            if fresh and self._wait:
                return None
            self.damaged += 1
            _log.warning("%s", error)
            return np.zeros((0, 0, 3), np.uint8)


def _frame(image: Image, index: int, seconds: float) -> Frame:
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    return Frame(index, seconds, grey, lambda: image)
