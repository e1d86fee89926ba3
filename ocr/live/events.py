"""Define the events of live reading: one for each line of text, from the first frame that shows it to the last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ocr.result import SCHEMA, Box


@dataclass(frozen=True)
class Event:
    """A line of text that was on screen for a while.

    Args:
        text: Not empty.
        score: From 0 to 1: how sure its characters are, after all readings of it were merged.
        box: In pixels of the picture, clockwise from the text's own top left, at the time it was read best.
        first: Seconds from the source's beginning to the first frame that shows it.
        last: Seconds to the last such frame.
        until: Seconds to the first frame that does not show it any more.
        frames: Numbers of the first and the last frame, from 0.
        seen: Frames in which it was found among those that were looked at.
        number: Counts lines in the order in which they came, from 0; the same for the whole source.
    """

    text: str
    score: float
    box: Box
    first: float
    last: float
    until: float
    frames: tuple[int, int]
    seen: int
    number: int

    def content(self, source: str) -> dict[str, Any]:
        """The event as an object of JSON, with the source's name as it was given."""
        return {
            "schema": SCHEMA,
            "source": source,
            "event": self.number,
            "text": self.text,
            "score": round(self.score, 4),
            "box": [[round(x, 1), round(y, 1)] for x, y in self.box],
            "first": round(self.first, 3),
            "last": round(self.last, 3),
            "frames": list(self.frames),
            "seen": self.seen,
        }


LINE_START = f'{{"schema": {SCHEMA}, "source": '.encode()
"""How a line of JSON begins that is an event."""


def to_json(content: dict[str, Any]) -> str:
    """One line of JSON, without a line break at its end."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode()
