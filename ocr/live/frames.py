"""Define frames of a moving picture, as sources give them and as lines are tracked in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np

from common.arrays import Image
from ocr.live.matching import Detail
from ocr.live.settings import LiveSettings


@dataclass
class Frame:
    """One picture of a source.

    Args:
        index: From 0; frames that were lost count.
        seconds: From the source's beginning.
        luma: (H, W) uint8.
        decode: Gives the picture in color, (H, W, 3) uint8 RGB. It is called only where there is something to read.
    """

    index: int
    seconds: float
    luma: Image
    decode: Callable[[], Image]
    _color: Image | None = field(default=None, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.luma.shape[0], self.luma.shape[1]

    def color(self) -> Image:
        """(H, W, 3) uint8 RGB; decoded once."""
        if self._color is None:
            self._color = self.decode()
        return self._color


class FrameRegion(NamedTuple):
    """A part of the picture in pixels."""

    x: int
    y: int
    width: int
    height: int

    def within(self, size: tuple[int, int]) -> FrameRegion:
        """The part of it that lies in a picture of (height, width); of no width or height where none does."""
        left, top = min(max(self.x, 0), size[1]), min(max(self.y, 0), size[0])
        right, bottom = min(self.x + self.width, size[1]), min(self.y + self.height, size[0])
        return FrameRegion(left, top, max(0, right - left), max(0, bottom - top))

    def of(self, image: Image) -> Image:
        """The part of an image (H, W, …), a view."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


class Moment(NamedTuple):
    """A frame's number and time."""

    number: int
    seconds: float


class KeptFrame(NamedTuple):
    """A frame as lines are followed in it."""

    moment: Moment
    detail: Detail


class Past:
    """The last frames of a region, reduced, within bounds of time and memory.

    Args:
        region: The part of the pictures that is kept.
        settings: Of live reading.
    """

    def __init__(self, region: FrameRegion, settings: LiveSettings) -> None:
        self._region = region
        self._settings = settings
        pixels = region.width * region.height
        # A whole number of pixels makes one: that is several times faster.
        self.scale = 1 / max(1, round((pixels / settings.follow_pixels) ** 0.5))
        self.size = (
            max(1, round(region.height * self.scale)),
            max(1, round(region.width * self.scale)),
        )
        self._frames: deque[KeptFrame] = deque()

    def add(self, frame: Frame) -> KeptFrame:
        """Keep one more frame."""
        part = self._region.of(frame.luma)
        if part.shape != self.size:
            small = cv2.resize(part, self.size[::-1], interpolation=cv2.INTER_AREA)
            part = np.asarray(small, np.uint8)
        kept = KeptFrame(Moment(frame.index, frame.seconds), Detail(np.array(part, np.uint8)))
        self._frames.append(kept)
        most = max(2, self._settings.kept_bytes // part.size)
        oldest = frame.seconds - self._settings.kept_seconds
        while len(self._frames) > most or self._frames[0].moment.seconds < oldest:
            self._frames.popleft()
        return kept

    def backwards(self) -> Iterator[KeptFrame]:
        """The frames before the newest, newest first."""
        frames = reversed(self._frames)
        next(frames, None)
        return frames

    def after(self, moment: Moment) -> list[KeptFrame]:
        """The frames after a moment, oldest first."""
        return [kept for kept in self._frames if kept.moment.number > moment.number]
