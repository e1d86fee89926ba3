"""Hold every threshold of live reading."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LiveSettings:
    """How moving pictures are read. Lengths are in pixels of the picture that lines are followed in, unless said.

    Args:
        looks_per_second: Frames looked at for lines, at most; the others only tell when a line came and went.
        follow_pixels: Pixels of the picture that lines are followed in, about; a larger one is reduced for it.
        kept_seconds: How far back the beginning of a line is searched.
        kept_bytes: Memory for the frames of that time, at most.
        cell: Side of a cell of the map of changes.
        stroke_contrast: Grey levels from one pixel to the next at the edge of a stroke, at least.
        stroke_share: Share of a cell's pixels that are such, at least, where there may be text.
        changed_share: Share of a cell's contrast that must have changed for it to be looked at again.
        look_again: Seconds before a cell is looked at again, where what is behind the text moves all the time.
        look_again_most: The same where nothing changes, at most; it doubles from look to look.
        joined_gap: Heights that two pieces on one row may be apart to be one line.
        joined_score: Score of the detector of such pieces, and of a line found larger, at least.
        grows_for: Seconds after it was found within which a line may grow, unless it flies.
        same_place: Correlation from which a line's picture is where it is searched.
        present: Share of its usual contrast from which a line is there: a half in a fade, or in a clip at an edge.
        segment_present: What each piece of a line, as wide as high, has of the share of all, at least: one below it
            is another text.
        slack: How far off its expected place a line is searched from look to look.
        drift: The same from one frame to the next, beside what the list scrolls.
        lost_after: Seconds that a line is missing before it has ended.
        resume_within: Seconds after its end within which the same text in the same column goes on with it.
        reads: Readings of one line, at most.
        read_gaps: Seconds from one reading to the next, at least; the last one counts for all that follow.
        agree: A line is not read again once so many readings in a row said the same, surely.
        sure: Score of a reading from which that counts.
        likely: Score of the detector from which a reading of `readable` is enough.
        readable: Score of a reading below which there is no text.
        least_score: Score of an event, at least.
        short: Characters below which it has to be `least_short_score`: texture is read as a letter or two.
        least_short_score: Score of such an event, at least.
        least_looks: Frames in which a line has been found, at least.
        least_seconds: How long an event lasts, at least.
        alike: Similarity of texts, 0 to 1, from which a doubtful reading and another one are of the same line.
        enlarged: Times its area from which a line that is found larger has got more text, or come into view.
        same_lines: Share of a found line that a followed one covers where they are the same.
        emoji: Whether round colored pictures among the letters are painted over before reading.
    """

    looks_per_second: float = 5.0
    follow_pixels: int = 520_000
    kept_seconds: float = 1.2
    kept_bytes: int = 48_000_000
    cell: int = 12
    stroke_contrast: int = 18
    stroke_share: float = 0.06
    changed_share: float = 0.35
    look_again: float = 0.5
    look_again_most: float = 6.0
    joined_gap: float = 1.9
    joined_score: float = 0.9
    grows_for: float = 2.0
    same_place: float = 0.5
    present: float = 0.5
    segment_present: float = 0.45
    slack: int = 4
    drift: int = 4
    lost_after: float = 0.7
    resume_within: float = 1.5
    reads: int = 6
    read_gaps: tuple[float, ...] = (0.3, 0.5, 1.0, 2.0)
    agree: int = 3
    sure: float = 0.95
    likely: float = 0.7
    readable: float = 0.5
    least_score: float = 0.6
    short: int = 4
    least_short_score: float = 0.85
    least_looks: int = 2
    least_seconds: float = 0.25
    alike: float = 0.8
    enlarged: float = 1.15
    same_lines: float = 0.6
    emoji: bool = True


DEFAULTS = LiveSettings()

COMMENTS = LiveSettings(joined_gap=3.0)
"""Of a list of comments, in which no two lines stand side by side."""
