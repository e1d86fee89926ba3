"""Track the lines of one region from frame to frame: found where pixels changed, read a few times, ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from common.arrays import Image, Quads
from common.roles import Detector, Reading, Recognizer
from ocr.line.accept import is_rule
from ocr.line.crop import cut_out
from ocr.live.changes import ChangeMap
from ocr.live.emoji import paint_over
from ocr.live.events import Event
from ocr.live.frames import Frame, FrameRegion, KeptFrame, Past
from ocr.live.matching import Rect
from ocr.live.motion import follow
from ocr.live.pieces import joined
from ocr.live.same_line import goes_on, without_doubles
from ocr.live.settings import DEFAULTS, LiveSettings
from ocr.live.tracks import Track
from ocr.settings import Accept, Crop

_CROP, _ACCEPT = Crop(), Accept()

_EDGE = 2
"""Pixels from the edge of a band within which a found line may be cut off."""


class _DetectedLine(NamedTuple):
    """A detected line: its place in the reduced region, its quad in the region's pixels, and its score."""

    rect: Rect
    quad: Quads
    score: float


class Follower:
    """Reads one region of moving pictures of one size. Memory does not grow with time.

    Args:
        detector: Finds lines.
        recognizer: Reads them.
        region: The part of the pictures that is read.
        settings: Of live reading.
        early: An event is given as soon as its text is stable, and not again at its end.
    """

    def __init__(
        self,
        detector: Detector,
        recognizer: Recognizer,
        region: FrameRegion,
        settings: LiveSettings = DEFAULTS,
        *,
        early: bool = False,
    ) -> None:
        self._detector = detector
        self._recognizer = recognizer
        self._region = region
        self._settings = settings
        self._early = early
        self._past = Past(region, settings)
        self._changes = ChangeMap(self._past.size, settings)
        self._tracks: list[Track] = []
        self._ended: list[Track] = []
        self._looked = -np.inf
        self.looks = self.detections = self.readings = self.events = 0

    def see(self, frame: Frame) -> list[Event]:
        """Take one more frame; the events that have come to their end."""
        kept = self._past.add(frame)
        # Frames do not come to the millisecond.
        if frame.seconds - self._looked < 0.98 / self._settings.looks_per_second:
            return []
        self._looked = frame.seconds
        self.looks += 1
        self._look(frame, kept)
        kept.detail.__dict__.pop("whole", None)
        return self._stable(frame.seconds) + self._over(frame.seconds)

    def finish(self) -> list[Event]:
        """The events of all lines that are still there."""
        for track in self._tracks:
            if track.missing is None:
                track.trace_end(self._past)
        self._ended += self._tracks
        self._tracks = []
        return self._over(np.inf)

    def _look(self, frame: Frame, kept: KeptFrame) -> None:
        for track in follow(self._tracks, kept, self._settings):
            if track.missing is None:
                # While the frames are still kept: it may turn out to be hidden only.
                track.missing = kept.moment
                track.trace_end(self._past)
        seconds = kept.moment.seconds
        here = [track for track in self._tracks if track.missing is None]
        band = self._changes.band(kept.detail.whole, [track.rect for track in here], seconds)
        new: list[Track] = []
        if band is not None:
            new = self._unknown(self._detect(frame, band), here, kept)
            self._changes.looked(kept.detail.whole, band, seconds)
        self._read(frame, new, here, seconds)
        for track in here:
            if track.rose and track.whole and track.seen >= 3:
                track.trace_back(self._past)
        self._end(seconds)

    def _detect(self, frame: Frame, band: tuple[int, int]) -> list[_DetectedLine]:
        """Lines in a band of rows of the reduced region."""
        self.detections += 1
        scale, height = self._past.scale, self._past.size[0]
        top, bottom = round(band[0] / scale), min(self._region.height, round(band[1] / scale))
        part = np.ascontiguousarray(self._region.of(frame.color())[top:bottom])
        quads, scores = joined(
            *self._detector(part), self._settings.joined_gap, self._settings.joined_score
        )
        found = []
        for quad, score in zip(quads, scores, strict=True):
            placed = np.asarray(quad, np.float32) + np.array([0, top], np.float32)
            rect = _around(placed * scale)
            cut_above = band[0] > 0 and rect.y < band[0] + _EDGE
            cut_below = band[1] < height and rect.y + rect.height > band[1] - _EDGE
            if not cut_above and not cut_below and rect.width > 3 and rect.height > 3:
                found.append(_DetectedLine(rect, placed, float(score)))
        return found

    def _unknown(
        self, found: Sequence[_DetectedLine], here: list[Track], kept: KeptFrame
    ) -> list[Track]:
        """Lines that are not followed yet; those found larger are noted in what follows them."""
        s = self._settings
        new: list[Track] = []
        for each in found:
            rect = each.rect
            same = [
                track
                for track in [*here, *new]
                if max(track.rect.covers(rect), rect.covers(track.rect)) >= s.same_lines
            ]
            if not same:
                new.append(Track(rect, each.quad, each.score, kept, s))
            elif each.score >= s.joined_score and self._are_enlarged(same, rect, kept):
                # What was followed in pieces goes on as the one that was there first.
                oldest = min(same, key=lambda track: track.first)
                oldest.grow(rect, each.quad, kept.detail)
                for lines in (here, new, self._tracks):
                    lines[:] = [line for line in lines if line is oldest or line not in same]
        return new

    def _are_enlarged(self, tracks: Sequence[Track], rect: Rect, kept: KeptFrame) -> bool:
        """Whether a found line is lines that are followed, and more of them."""
        s = self._settings
        larger = rect.width * rect.height >= s.enlarged * max(track.area for track in tracks)
        one_row = rect.height < 1.6 * max(track.rect.height for track in tracks)
        whole = all(rect.covers(track.rect) >= s.same_lines for track in tracks)
        young = any(
            track.age(kept.moment.seconds) <= s.grows_for or abs(track.velocity[0]) > s.slack
            for track in tracks
        )
        return larger and whole and young and (one_row or len(tracks) == 1)

    def _read(self, frame: Frame, new: Sequence[Track], here: list[Track], seconds: float) -> None:
        """Read new lines, and others whose turn it is; new ones without text are left."""
        due = [*new, *(track for track in here if track.is_due(seconds))]
        if not due:
            return
        scale = self._past.scale
        quads = np.array([track.place_in_region(scale) for track in due], np.float32)
        region = np.ascontiguousarray(self._region.of(frame.color()))
        readings = self._recognize(region, quads)
        self.readings += len(due)
        for track, reading in zip(due, readings, strict=True):
            if track in new and not self._is_text(track, reading):
                continue
            track.read(reading.text, _scores(reading), seconds)
            if track in new:
                track.trace_back(self._past)
                self._tracks.append(self._resumed(track) or track)

    def _recognize(self, region: Image, quads: Quads) -> list[Reading]:
        readings: list[Reading] = []
        for _, crops in cut_out(region, quads, _CROP.margin, _CROP.batch_bytes):
            clean = [paint_over(crop) for crop in crops] if self._settings.emoji else crops
            readings += self._recognizer(clean)
        return readings

    def _is_text(self, track: Track, reading: Reading) -> bool:
        s = self._settings
        if not reading.text.strip() or is_rule(reading.text, _ACCEPT):
            return False
        return track.certainty >= s.likely or reading.score >= s.readable

    def _resumed(self, track: Track) -> Track | None:
        """The line that a new one goes on with, where it was hidden, or changed its looks, for a moment."""
        lost = [*(t for t in self._tracks if t.missing is not None), *self._ended]
        for old in lost:
            if goes_on(old, track, self._settings):
                for lines in (self._tracks, self._ended):
                    lines[:] = [line for line in lines if line is not old]
                old.resume(track)
                return old
        return None

    def _end(self, seconds: float) -> None:
        """Part with lines that have been missing for long, and with what follows another's line."""
        self._tracks = without_doubles(self._tracks, self._settings)
        gone = [
            track
            for track in self._tracks
            if track.missing is not None
            and seconds - track.last.seconds >= self._settings.lost_after
        ]
        self._tracks = [track for track in self._tracks if track not in gone]
        for track in gone:
            younger = next((t for t in self._tracks if goes_on(track, t, self._settings)), None)
            if younger is None:
                self._ended.append(track)
            else:
                track.resume(younger)
                self._tracks[self._tracks.index(younger)] = track

    def _stable(self, seconds: float) -> list[Event]:
        """Events of lines that are still there, where they are to be told at once."""
        if not self._early:
            return []
        events = []
        for track in self._tracks:
            if track.told or not track.is_stable(seconds):
                continue
            event = self._event(track)
            if event is not None:
                track.told = True
                events.append(event)
        return events

    def _over(self, seconds: float) -> list[Event]:
        """Events of lines that will not come back."""
        s = self._settings
        over = [
            t for t in self._ended if seconds - t.last.seconds >= s.lost_after + s.resume_within
        ]
        self._ended = [track for track in self._ended if track not in over]
        over.sort(key=lambda track: (track.last, track.first, track.rect.y))
        events = [self._event(track) for track in over if not track.told]
        return [event for event in events if event is not None]

    def _event(self, track: Track) -> Event | None:
        """What a followed line amounts to; None where that is no text."""
        s = self._settings
        text, score = track.vote.result()
        lasted = max(track.until, track.last.seconds) - track.first.seconds
        if not text or is_rule(text, _ACCEPT):
            return None
        if score < (s.least_short_score if len(text) < s.short else s.least_score):
            return None
        if track.seen < s.least_looks or lasted < s.least_seconds:
            return None
        quad = track.best_quad(self._past.scale) + np.array(self._region[:2], np.float32)
        self.events += 1
        return Event(
            text, score, tuple((float(x), float(y)) for x, y in quad),
            track.first.seconds, track.last.seconds, max(track.until, track.last.seconds),
            (track.first.number, track.last.number), track.seen, self.events - 1,
        )  # fmt: skip


def _around(quad: Quads) -> Rect:
    """The rectangle of whole pixels around a quad (4, 2)."""
    left, top = np.floor(quad.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(quad.max(axis=0)).astype(int).tolist()
    return Rect(left, top, max(1, right - left), max(1, bottom - top))


def _scores(reading: Reading) -> Sequence[float]:
    """Scores of a reading's characters; its own for each where it does not know them."""
    scores = reading.char_scores
    return scores if len(scores) == len(reading.text) else (reading.score,) * len(reading.text)
