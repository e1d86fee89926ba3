"""Define the results of reading: lines of text with boxes, on pages, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

SCHEMA = 1
"""Version of the JSON; it changes when a field changes its meaning or disappears."""

Box: TypeAlias = tuple[tuple[float, float], ...]
"""Four corners x, y in pixels, clockwise from the text's own top left."""


class Character(NamedTuple):
    """One character of a line: what it is, how sure that is (0 to 1), and which part of the line it takes.

    `start` and `stop` are shares of the line's length, from 0 at its first character to 1. The text is one
    character as it was read; a punctuation policy may have put none or several in its place.
    """

    text: str
    score: float
    start: float
    stop: float


@dataclass(frozen=True)
class TextLine:
    """One line of text: what it says, how sure that is (0 to 1), and where it stands.

    The box is in pixels of the picture as a viewer shows it, before it is turned upright.

    Args:
        text: Not empty.
        score: From 0 to 1.
        box: Clockwise from the text's own top left.
        characters: Those of the text in order, so that their texts joined are the text; empty where nobody
            knows where they stand.
        vertical: The text runs down its box, not along it.
    """

    text: str
    score: float
    box: Box
    characters: tuple[Character, ...] = ()
    vertical: bool = False

    def part(self, start: float, stop: float) -> Box:
        """The box of a part of the line, from one share of its length to another, cornered as the line's is."""
        first, second, third, fourth = self.box
        if self.vertical:
            return (
                _between(first, fourth, start),
                _between(second, third, start),
                _between(second, third, stop),
                _between(first, fourth, stop),
            )
        return (
            _between(first, second, start),
            _between(first, second, stop),
            _between(fourth, third, stop),
            _between(fourth, third, start),
        )


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
class TableCell:
    """A cell of a table.

    Args:
        row: The first row that it is in, from 0.
        column: Likewise.
        row_span: In how many rows it is.
        column_span: Likewise.
        text: Its lines joined, as a paragraph's are; empty where it is.
        box: As a line's.
    """

    row: int
    column: int
    row_span: int
    column_span: int
    text: str
    box: Box


@dataclass(frozen=True)
class Table:
    """A table of a page; its texts are those of the page's lines.

    Args:
        box: As a line's, around all cells.
        cells: Row by row, from the left; no two overlap, and a place may have none.
    """

    box: Box
    cells: tuple[TableCell, ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return max((cell.row + cell.row_span for cell in self.cells), default=0)

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return max((cell.column + cell.column_span for cell in self.cells), default=0)


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
        tables: In the order of their lines.
    """

    image: str
    page: int
    width: int
    height: int
    angle: Angle
    lines: tuple[TextLine, ...]
    elapsed_ms: Elapsed
    tables: tuple[Table, ...] = ()

    @property
    def text(self) -> str:
        """The lines joined by line breaks; empty for a page without text."""
        return "\n".join(line.text for line in self.lines)

    def to_json(self, *, characters: bool = False) -> str:
        """One line of JSON, without a line break at its end.

        Args:
            characters: Each line also has "characters": text, score and box of every one of them.
        """
        content = {
            "schema": SCHEMA,
            "image": self.image,
            "page": self.page,
            "width": self.width,
            "height": self.height,
            "angle": {"degrees": self.angle.degrees, "score": round(self.angle.score, 4)},
            "lines": [_line_content(line, characters) for line in self.lines],
            **({"tables": list(map(_table_content, self.tables))} if self.tables else {}),
            "elapsed_ms": {key: round(ms, 1) for key, ms in self.elapsed_ms._asdict().items()},
        }
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        # A file name may hold bytes that are no UTF-8; their escapes are valid JSON.
        return text.encode("utf-8", "backslashreplace").decode()


def _between(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _line_content(line: TextLine, characters: bool) -> dict[str, Any]:
    content: dict[str, Any] = {
        "text": line.text,
        "score": round(line.score, 4),
        "box": _corners(line.box),
    }
    if characters:
        content["characters"] = [
            {
                "text": character.text,
                "score": round(character.score, 4),
                "box": _corners(line.part(character.start, character.stop)),
            }
            for character in line.characters
        ]
    return content


def _table_content(table: Table) -> dict[str, Any]:
    return {
        "box": _corners(table.box),
        "rows": table.rows,
        "columns": table.columns,
        "cells": [{**vars(cell), "box": _corners(cell.box)} for cell in table.cells],
    }


def _corners(box: Box) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in box]
