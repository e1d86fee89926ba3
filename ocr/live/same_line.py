"""Tell when two followed lines are one: found again after it was lost, or followed twice.

A list that jumps by several lines at once can outrun the search: its line is found as a new one, while what followed
it still sees something in its old place, or comes back to it later.
"""

from __future__ import annotations

from collections.abc import Sequence

from ocr.live.settings import LiveSettings
from ocr.live.tracks import Track
from ocr.live.voting import similarity

_ROWS = 3.0
"""Heights by which a line may stand elsewhere when it is found again."""


def goes_on(old: Track, new: Track, settings: LiveSettings) -> bool:
    """Whether a line, found while another was being lost or shortly after, is that one."""
    gone = new.first.seconds - old.last.seconds
    if not -settings.lost_after <= gone <= settings.resume_within or new.first < old.first:
        return False
    height = max(old.rect.height, new.origin.height)
    if abs(old.rect.x - new.origin.x) > height:
        return False
    return abs(old.rect.y - new.origin.y) <= _ROWS * height and _say_the_same(old, new, settings)


def without_doubles(tracks: Sequence[Track], settings: LiveSettings) -> list[Track]:
    """Return tracks without those that follow the line of an older one."""
    kept: list[Track] = []
    for track in sorted(tracks, key=lambda track: track.first):
        if not any(_is_double(older, track, settings) for older in kept):
            kept.append(track)
    return kept


def _is_double(older: Track, track: Track, settings: LiveSettings) -> bool:
    if older.missing is not None or track.missing is not None:
        return False
    covered = min(older.rect.covers(track.rect), track.rect.covers(older.rect))
    return covered >= settings.same_lines and _say_the_same(older, track, settings)


def _say_the_same(old: Track, new: Track, settings: LiveSettings) -> bool:
    """Whether two lines read alike, as far as they were legible; a sure one that reads otherwise is another."""
    before, score = old.vote.result()
    now, again = new.vote.result()
    if before == now:
        return True
    doubtful = min(score, again) < settings.sure
    overlap = new.first.seconds <= old.last.seconds
    alike = similarity("".join(before.split()), "".join(now.split()))
    return (doubtful or overlap) and alike >= settings.alike
