"""What reading gives: lines of text with boxes, on pages, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

SCHEMA = 1
"""Version of the JSON; it changes when a field changes its meaning or disappears."""

Box: TypeAlias = tuple[tuple[float, float], ...]
"""Four corners x, y in pixels, clockwise from the text's own top left."""


@dataclass(frozen=True)
class TextLine:
    """One line of text: what it says, how sure that is (0 to 1), and where it stands.

    The box is in pixels of the picture as a viewer shows it, before it is turned upright.
    """

    text: str
    score: float
    box: Box


class Angle(NamedTuple):
    """How far clockwise the page's content is turned (0, 90, 180, 270), and how sure that is."""

    degrees: int
    score: float


class Elapsed(NamedTuple):
    """Milliseconds spent on a page; total covers decoding to result, with models loaded."""

    decode: float
    angle: float
    detect: float
    recognize: float
    total: float


@dataclass(frozen=True)
class Page:
    """One page that was read; no lines is a page without text.

    Args:
        image: The path as given, or what kind of object was.
        page: From 0 within a document of several pages.
        width: In pixels, of the picture as a viewer shows it.
        height: Likewise.
        angle: How far the content is turned.
        lines: In reading order of the upright page.
        elapsed_ms: Where the time went.
    """

    image: str
    page: int
    width: int
    height: int
    angle: Angle
    lines: tuple[TextLine, ...]
    elapsed_ms: Elapsed

    @property
    def text(self) -> str:
        """The lines joined by line breaks; empty for a page without text."""
        return "\n".join(line.text for line in self.lines)

    def to_json(self) -> str:
        """One line of JSON, without a line break at its end."""
        lines = [
            {
                "text": line.text,
                "score": round(line.score, 4),
                "box": [[round(x, 1), round(y, 1)] for x, y in line.box],
            }
            for line in self.lines
        ]
        content = {
            "schema": SCHEMA,
            "image": self.image,
            "page": self.page,
            "width": self.width,
            "height": self.height,
            "angle": {"degrees": self.angle.degrees, "score": round(self.angle.score, 4)},
            "lines": lines,
            "elapsed_ms": {key: round(ms, 1) for key, ms in self.elapsed_ms._asdict().items()},
        }
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        # A file name may hold bytes that are no UTF-8; their escapes are valid JSON.
        return text.encode("utf-8", "backslashreplace").decode()
