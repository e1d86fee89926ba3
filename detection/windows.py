"""Windows on a picture: grown, joined where they overlap, divided where they are too large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """A part of a picture, in pixels, edges exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def pixels(self) -> int:
        """Its area."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)


def grown(window: Window, margin: int, size: tuple[int, int]) -> Window:
    """Return the window with a margin, as far as the picture of (height, width) reaches."""
    return Window(
        max(0, window.x0 - margin),
        max(0, window.y0 - margin),
        min(size[1], window.x1 + margin),
        min(size[0], window.y1 + margin),
    )


def apart(windows: list[Window], counts: list[int]) -> list[Window]:
    """Return windows that do not overlap, by making one of those that do; the one with the highest count first."""
    done: list[tuple[int, Window]] = []
    for count, window in zip(counts, windows, strict=True):
        while over := [one for one in done if _overlap(one[1], window)]:
            done = [one for one in done if one not in over]
            count += sum(one[0] for one in over)
            edges = np.array([window, *(one[1] for one in over)])
            window = Window(*edges[:, :2].min(axis=0).tolist(), *edges[:, 2:].max(axis=0).tolist())
        done.append((count, window))
    return [window for _, window in sorted(done, reverse=True)]


def _overlap(a: Window, b: Window) -> bool:
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


def parts(window: Window, max_pixels: int, margin: int) -> Iterator[Window]:
    """Yield the window, divided until no part has more pixels; parts overlap by twice a margin."""
    if window.pixels <= max_pixels:
        yield window
        return
    x0, y0, x1, y1 = window
    x, y = (x0 + x1) // 2, (y0 + y1) // 2
    if x1 - x0 > y1 - y0:
        halves = Window(x0, y0, x + margin, y1), Window(x - margin, y0, x1, y1)
    else:
        halves = Window(x0, y0, x1, y + margin), Window(x0, y - margin, x1, y1)
    for half in halves:
        yield from parts(half, max_pixels, margin)
