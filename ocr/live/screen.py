"""Capture frames of the screen, as many a second as are asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from common.arrays import Image
from common.image import InputError
from ocr.live.frames import Frame, FrameRegion

_RATE = 10.0


class Screen:
    """Pictures of the first screen, or of a part of it.

    Args:
        part: In pixels of all screens together; None is the whole first screen.
        stop: Ends reading when set.
        rate: Pictures a second.
    """

    def __init__(
        self, part: FrameRegion | None, *, stop: threading.Event, rate: float | None = None
    ) -> None:
        self.name = "screen"
        self.damaged = 0
        self.lost_end: str | None = None
        self.length: float | None = None
        self._part = part
        self._stop = stop
        self._rate = rate or _RATE

    def __iter__(self) -> Iterator[Frame]:
        """The frames.

        Raises:
            InputError: There is no screen, or `mss` is not installed.
        """
        try:
            import mss
            from mss.exception import ScreenShotError
        except ImportError as error:
            raise InputError(
                "screen: needs mss: run sh setup-cpu.sh --video, or pip install -r requirements-video.txt"
            ) from error
        maker: Any = getattr(mss, "MSS", None) or mss.mss
        try:
            with maker() as camera:
                yield from self._pictures(camera)
        except ScreenShotError as error:
            raise InputError(
                f"screen: {error} (a graphical session is needed; DISPLAY says which)"
            ) from error

    def _pictures(self, camera: Any) -> Iterator[Frame]:  # noqa: ANN401
        area = camera.monitors[1]
        if self._part is not None:
            x, y, width, height = self._part
            area = {"left": x, "top": y, "width": width, "height": height}
        began, index, due = time.monotonic(), 0, 0.0
        while not self._stop.is_set():
            now = time.monotonic() - began
            yield _frame(np.asarray(camera.grab(area)), index, now)
            index += 1
            # Where reading is slower than the screen, what was missed is not made up for.
            due = max(due + 1 / self._rate, time.monotonic() - began)
            self._stop.wait(max(0.0, due - (time.monotonic() - began)))


def _frame(pixels: Image, index: int, seconds: float) -> Frame:
    """A picture (H, W, 4) BGRA."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY), np.uint8)
    return Frame(
        index, seconds, grey, lambda: np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8)
    )
