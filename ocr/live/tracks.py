"""Keep the track of one line: where it is, what was read, since when it has been there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.arrays import Quads
from ocr.live.frames import KeptFrame, Moment, Past
from ocr.live.matching import Detail, Place, Rect, Template
from ocr.live.settings import LiveSettings
from ocr.live.voting import LineVote

_FULLY = 0.8
"""Share of a line that is present from which it is worth reading, and its picture worth remembering."""

_RISING = 0.7
"""Seconds after it was found within which a line may still be fading in."""

_STABLE = 1.5
"""Seconds after which a line's text is taken as it is then."""


class Track:
    """One line. All its places are in the reduced region but `quad`, which is in the region's own pixels.

    Args:
        rect: Where it was found.
        quad: (4, 2) as it was detected.
        certainty: Score of the detector.
        kept: The frame.
        settings: Of live reading.
    """

    def __init__(
        self, rect: Rect, quad: Quads, certainty: float, kept: KeptFrame, settings: LiveSettings
    ) -> None:
        self._settings = settings
        self.certainty = certainty
        self.first = self.last = self._born = kept.moment
        self.until = kept.moment.seconds
        self.velocity = (0.0, 0.0)
        self.seen = 1
        self.told = False
        self.missing: Moment | None = None
        self.grow(rect, quad, kept.detail)

    def grow(self, rect: Rect, quad: Quads, detail: Detail) -> None:
        """Take what was detected now in place of what was before: more of the line has come into view."""
        self.rect = self.origin = self.best_at = rect
        self.quad = quad
        self.template = Template(detail.crop(rect))
        self.vote = LineVote()
        self._times: list[float] = []
        self._sure = 0
        self.best_score = 0.0
        self.rose = False
        self.whole = True

    @property
    def area(self) -> int:
        """Pixels of its place."""
        return self.rect.width * self.rect.height

    def age(self, seconds: float) -> float:
        """Seconds since it was found."""
        return seconds - self._born.seconds

    def locate(self, detail: Detail, expected: Rect, slack: int) -> Place | None:
        """Find it near a place; None where it is not."""
        place = self.template.find(detail, expected, (slack, slack, slack, slack))
        return place if self.accepts(place) else None

    def accepts(self, place: Place) -> bool:
        """Whether what was found is this line."""
        s = self._settings
        return (
            place.correlation >= s.same_place
            and place.present >= s.present
            and place.least >= s.segment_present * place.present
        )

    def found(self, rect: Rect, present: float, kept: KeptFrame) -> None:
        """Note that it is there."""
        passed = kept.moment.seconds - self.last.seconds
        if passed > 0 and self.missing is None:
            self.velocity = (rect.x - self.rect.x) / passed, (rect.y - self.rect.y) / passed
        self.rect, self.last, self.missing = rect, kept.moment, None
        self.until = kept.moment.seconds
        self.seen += 1
        self.whole = present >= _FULLY
        if not self.whole:
            return
        picture = kept.detail.crop(rect)
        young = kept.moment.seconds - self._born.seconds < _RISING
        if young and self.template.rises(picture):
            self.template, self.rose = Template(picture), True
        else:
            self.template.blend(picture)

    def place_in_region(self, scale: float) -> Quads:
        """Its quad (4, 2) where it is now, in the region's own pixels."""
        moved = (self.rect.x - self.origin.x, self.rect.y - self.origin.y)
        return np.asarray(self.quad + np.array(moved, np.float32) / scale, np.float32)

    def is_due(self, seconds: float) -> bool:
        """Whether it should be read now."""
        s, reads = self._settings, len(self._times)
        if not self.whole or reads >= s.reads or self._sure >= s.agree:
            return False
        if not reads:
            return True
        gap = s.read_gaps[min(reads, len(s.read_gaps)) - 1]
        return seconds - self._times[-1] >= gap - 1e-3

    def is_stable(self, seconds: float) -> bool:
        """Whether further readings will hardly change its text."""
        return self._sure >= self._settings.agree or seconds - self.first.seconds >= _STABLE

    def read(self, text: str, scores: Sequence[float], seconds: float) -> None:
        """Count a reading of it."""
        score = sum(scores) / len(scores) if scores else 0.0
        again = bool(self.vote.texts) and self.vote.texts[-1] == text
        self._sure = (self._sure + 1 if again else 1) if score >= self._settings.sure else 0
        # A reading that is doubtful as a whole should not outvote a sure one by its length.
        self.vote.add(text, scores, max(score, 0.05) ** 2)
        self._times.append(seconds)
        if score > self.best_score:
            self.best_score, self.best_at = score, self.rect

    def best_quad(self, scale: float) -> Quads:
        """Its quad (4, 2) where it was read best, in the region's own pixels."""
        moved = (self.best_at.x - self.origin.x, self.best_at.y - self.origin.y)
        return np.asarray(self.quad + np.array(moved, np.float32) / scale, np.float32)

    def resume(self, other: Track) -> None:
        """Go on with a line that turned out to be this one."""
        self.rect, self.missing = other.rect, None
        self.last, self.until, self.velocity = other.last, other.until, other.velocity
        self.first = min(self.first, other.first)
        self.template, self.whole = other.template, other.whole
        self.seen += other.seen
        self.quad, self.origin, self.best_at = other.quad, other.origin, other.best_at
        self.best_score = max(self.best_score, other.best_score)
        for text in other.vote.texts:
            self.vote.add(text, [other.best_score] * len(text), max(other.best_score, 0.05) ** 2)

    def trace_back(self, past: Past) -> None:
        """Find the first frame that shows it, and how fast it moves, in the frames before this one."""
        rect, newest, missed, way = self.rect, self.last, 0, (0, 0)
        self.first = oldest = newest
        for kept in past.backwards():
            if kept.moment.number >= newest.number:
                continue
            place = self._step(kept.detail, rect, way)
            if place is None:
                missed += 1
                if missed > 1:
                    break
                continue
            way, missed = (place.dx, place.dy), 0
            rect = rect.moved(*way)
            self.first = oldest = kept.moment
        passed = newest.seconds - oldest.seconds
        if passed > 0:
            self.velocity = (self.rect.x - rect.x) / passed, (self.rect.y - rect.y) / passed
        self.rose = False

    def trace_end(self, past: Past) -> None:
        """Find the last frame that shows it among those after it was found last."""
        rect, way = self.rect, (0, 0)
        for kept in past.after(self.last):
            place = self._step(kept.detail, rect, way)
            if place is None:
                self.until = kept.moment.seconds
                return
            way, self.last = (place.dx, place.dy), kept.moment
            rect = rect.moved(*way)
        self.until = self.last.seconds

    def _step(self, detail: Detail, rect: Rect, way: tuple[int, int] = (0, 0)) -> Place | None:
        """Find it in a neighbouring frame: it goes on as it did, stays, or jumps by a line, or flies on its row."""
        drift, line = self._settings.drift, int(1.6 * rect.height)
        for ahead in dict.fromkeys([way, (0, 0)]):
            near = self.locate(detail, rect.moved(*ahead), drift)
            if near is not None:
                return near._replace(dx=near.dx + ahead[0], dy=near.dy + ahead[1])
        for around in ((drift, drift, line, line), (2 * line, 2 * line, drift, drift)):
            place = self.template.find_far(detail, rect, around)
            if self.accepts(place):
                return place
        return None
