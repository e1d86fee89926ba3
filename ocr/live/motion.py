"""Find tracked lines again in the next frame: each where it was, or all moved together."""

from __future__ import annotations

from collections.abc import Sequence

from ocr.live.frames import KeptFrame
from ocr.live.matching import Place
from ocr.live.settings import LiveSettings
from ocr.live.tracks import Track

_WITNESSES = 4
"""Lines that are searched far and wide for how the list has moved."""

_FAR = 12
"""Heights of a line that a list may scroll from look to look."""


def follow(tracks: Sequence[Track], kept: KeptFrame, settings: LiveSettings) -> list[Track]:
    """Find lines again and note it in them.

    Args:
        tracks: Those that may be there; also some that are missing.
        kept: The frame.
        settings: Of live reading.

    Returns:
        Those that were not found.
    """
    lost = [track for track in tracks if not _stays(track, kept, settings)]
    for _ in range(2):
        motion = _shared_motion(lost, kept, settings)
        if motion is None:
            break
        lost = [track for track in lost if not _moves(track, kept, motion, settings)]
        for track in lost:
            # One that is hidden for a moment scrolls on with the others.
            if track.missing is not None or not _is_free(track):
                track.rect = track.rect.moved(*motion)
    return lost


def _is_free(track: Track) -> bool:
    """Whether a line flies on its own."""
    return abs(track.velocity[0]) > abs(track.velocity[1]) + 20


def _stays(track: Track, kept: KeptFrame, settings: LiveSettings) -> bool:
    """Whether it is where it was, or where its own speed has brought it."""
    if _moves(track, kept, (0, 0), settings):
        return True
    passed = kept.moment.seconds - track.last.seconds
    ahead = round(track.velocity[0] * passed), round(track.velocity[1] * passed)
    if max(abs(ahead[0]), abs(ahead[1])) <= settings.slack:
        return False
    # The longer the way, the less is known of its end.
    slack = settings.slack + max(abs(ahead[0]), abs(ahead[1])) // 5
    return _moves(track, kept, ahead, settings, slack)


def _moves(
    track: Track,
    kept: KeptFrame,
    motion: tuple[int, int],
    settings: LiveSettings,
    slack: int | None = None,
) -> bool:
    expected = track.rect.moved(*motion)
    place = track.locate(kept.detail, expected, settings.slack if slack is None else slack)
    if place is None:
        return False
    track.found(expected.moved(place.dx, place.dy), place.present, kept)
    return True


def _shared_motion(
    lost: Sequence[Track], kept: KeptFrame, settings: LiveSettings
) -> tuple[int, int] | None:
    """The way that most of the lost lines have gone."""
    ways: list[tuple[int, int]] = []
    witnesses = sorted(lost, key=lambda track: (track.missing is not None, -track.area))
    for track in witnesses[:_WITNESSES]:
        far = _FAR * track.rect.height
        up = min(far, max(0, track.rect.y + track.rect.height // 2))
        below = kept.detail.luma.shape[0] - track.rect.y - track.rect.height // 2
        around = settings.slack, settings.slack, up, min(far, max(0, below))
        place = track.template.find_far(kept.detail, track.rect, around)
        way = place.dx, place.dy
        if track.accepts(place) and not any(_is_near(way, other) for other in ways):
            ways.append(way)
    if len(ways) < 2:
        return ways[0] if ways else None
    return max(ways, key=lambda way: _support(lost, kept, way, settings))


def _is_near(way: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(abs(way[0] - other[0]), abs(way[1] - other[1])) <= 2


def _support(
    lost: Sequence[Track], kept: KeptFrame, way: tuple[int, int], settings: LiveSettings
) -> float:
    """How many lines have gone a way; of two with as many, the shorter one."""
    places: list[Place | None] = [
        track.locate(kept.detail, track.rect.moved(*way), settings.slack) for track in lost
    ]
    return sum(place is not None for place in places) - 1e-4 * abs(way[1])
