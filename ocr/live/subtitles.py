"""Choose the subtitles of a clip: the rows in which text comes and goes, and cues of the lines of one time.

Subtitles change every few seconds in one place; names of stations stay for ever, and text of the scene comes anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ocr.live.events import Event

LONGEST = 15.0
"""Seconds that a subtitle stays, at most."""

_ROW = 0.6
"""Heights by which middles of lines on one row may differ."""

_NEXT_ROW = 2.0
"""Heights from a row to the next one of the same subtitles, at most."""

_SHARE = 0.15
"""Lines that a further row of the band has, as a share of the first one's."""

_TOGETHER = 0.3
"""Seconds by which the lines of one cue begin and end apart, at most."""


@dataclass(frozen=True)
class Cue:
    """What is shown at one time.

    Args:
        begin: Seconds.
        end: Seconds: the first frame without it.
        lines: From the top.
    """

    begin: float
    end: float
    lines: tuple[str, ...]


def middle(event: Event) -> float:
    """Height of a line's middle in the picture."""
    return sum(y for _, y in event.box) / 4


def height(event: Event) -> float:
    """A line's height in pixels."""
    return max(1.0, max(y for _, y in event.box) - min(y for _, y in event.box))


def band(events: Sequence[Event], picture_height: int) -> list[Event]:
    """The events that are subtitles.

    Args:
        events: Of a whole clip.
        picture_height: In pixels; of two bands alike, the lower one is of subtitles.
    """
    rows: list[list[Event]] = []
    for event in sorted((e for e in events if e.until - e.first <= LONGEST), key=middle):
        if rows and middle(event) - middle(rows[-1][0]) <= _ROW * height(event):
            rows[-1].append(event)
        else:
            rows.append([event])
    if not rows:
        return []
    main = max(range(len(rows)), key=lambda i: _prominence(rows[i], picture_height))
    chosen = list(rows[main])
    for step in (-1, 1):
        at = main
        while 0 <= at + step < len(rows):
            row, nearest = rows[at + step], rows[at]
            apart = abs(middle(row[0]) - middle(nearest[0]))
            if apart > _NEXT_ROW * max(height(row[0]), height(nearest[0])):
                break
            if len(row) < _SHARE * len(rows[main]):
                break
            chosen += row
            at += step
    return sorted(chosen, key=lambda event: (event.first, middle(event)))


def _prominence(row: Sequence[Event], picture_height: int) -> float:
    """How much a row of events is like subtitles: shown long, changing often, low in the picture."""
    shown = sum(event.until - event.first for event in row)
    return float(shown * len(row) ** 0.5 * (1 + 0.5 * middle(row[0]) / max(picture_height, 1)))


def cues(events: Sequence[Event]) -> list[Cue]:
    """Lines that begin and end together as one cue, in the order of time."""
    groups: list[list[Event]] = []
    for event in sorted(events, key=lambda event: (event.first, middle(event))):
        for group in reversed(groups[-4:]):
            other = group[0]
            if (
                abs(other.first - event.first) <= _TOGETHER
                and abs(other.until - event.until) <= _TOGETHER
            ):
                group.append(event)
                break
        else:
            groups.append([event])
    made = []
    for group in groups:
        group.sort(key=middle)
        begin, end = min(e.first for e in group), max(e.until for e in group)
        made.append(Cue(begin, end, tuple(event.text for event in group)))
    # What ends a frame late because the next one is alike must not overlap it.
    for i, cue in enumerate(made[:-1]):
        following = made[i + 1].begin
        if 0 < cue.end - following <= _TOGETHER / 2:
            made[i] = Cue(cue.begin, following, cue.lines)
    return made
