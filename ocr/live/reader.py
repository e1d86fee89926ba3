"""Read a source: events, one after the other as lines leave the picture."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Sequence

from common.image import InputError
from common.roles import Detector, Recognizer
from ocr.live.events import Event
from ocr.live.follower import Follower
from ocr.live.frames import Frame, FrameRegion
from ocr.live.settings import DEFAULTS, LiveSettings
from ocr.live.sources import Ahead, Source


class LiveReader:
    """Reads moving pictures. One object reads one source; models may be shared.

    Args:
        detector: Finds lines.
        recognizer: Reads them.
        regions: Parts of the picture that are read; none is all of it.
        settings: Of live reading.
        early: Events are given as soon as their text is stable, and not again at their end.
    """

    def __init__(
        self,
        detector: Detector,
        recognizer: Recognizer,
        *,
        regions: Sequence[FrameRegion] = (),
        settings: LiveSettings = DEFAULTS,
        early: bool = False,
    ) -> None:
        self._models = detector, recognizer
        self._regions = tuple(regions)
        self._settings = settings
        self._early = early
        self._followers: list[Follower] = []
        self.told = 0
        self.size = (0, 0)
        self.seconds = 0.0
        self.frames = 0
        self.looks = self.detections = self.readings = 0

    def read(self, source: Source, stop: threading.Event) -> Iterator[Event]:
        """Read a source to its end, or until it is stopped; all lines end with it.

        Raises:
            InputError: It cannot be read at all, or a region lies outside it.
        """
        yield from self.follow(Ahead(source, stop), stop)

    def follow(self, frames: Iterable[Frame], stop: threading.Event) -> Iterator[Event]:
        """Read frames.

        Raises:
            InputError: A region lies outside of them.
        """
        for frame in frames:
            yield from self.see(frame)
            if stop.is_set():
                break
        yield from self.finish()

    def see(self, frame: Frame) -> list[Event]:
        """Take one more frame; the events that have come to their end.

        Raises:
            InputError: A region lies outside of it.
        """
        events: list[Event] = []
        if frame.size != self.size:
            # Places of before mean nothing in a picture of another size.
            events += self.finish()
            self._begin(frame)
        self.seconds, self.frames = frame.seconds, self.frames + 1
        for follower in self._followers:
            events += self._numbered(follower.see(frame))
        return events

    def _begin(self, frame: Frame) -> None:
        self.size = frame.size
        height, width = frame.size
        regions = self._regions or (FrameRegion(0, 0, width, height),)
        inside = [region.within(frame.size) for region in regions]
        for region, part in zip(regions, inside, strict=True):
            if part.width < 8 or part.height < 8:
                raise InputError(
                    f"the region {','.join(map(str, region))} lies outside of the picture of {width} x {height}"
                )
        self._followers = [
            Follower(*self._models, part, self._settings, early=self._early) for part in inside
        ]

    def finish(self) -> list[Event]:
        """The events of all lines that are still there."""
        events = [event for follower in self._followers for event in follower.finish()]
        for follower in self._followers:
            self.looks += follower.looks
            self.detections += follower.detections
            self.readings += follower.readings
        self._followers = []
        return self._numbered(events)

    def _numbered(self, events: Sequence[Event]) -> list[Event]:
        numbered = []
        for event in events:
            numbered.append(dataclasses.replace(event, number=self.told))
            self.told += 1
        return numbered
