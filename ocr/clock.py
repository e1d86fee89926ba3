"""Measure how long the phases of reading take."""

from __future__ import annotations

import time

from ocr.result import Elapsed


class Clock:
    """Count the milliseconds of each phase, from lap to lap."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End a phase, and begin the next one."""
        now = time.perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + (now - self._last) * 1000
        self._last = now

    def elapsed(self) -> Elapsed:
        """Return the milliseconds of the phases so far, and of all together."""
        return Elapsed(**self._laps, total=(self._last - self._start) * 1000)
