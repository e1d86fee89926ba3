"""Read characters that stand in a regular grid along its columns where these make better sense than its rows.

In vertical writing set wide, characters may be further from those below than from those beside them, and a detector
takes rows for lines. Where they stand says nothing then; what they say does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from common.characters import is_wide
from common.quads import boxes_to_quads, quad_size
from common.roles import Reading
from ocr.layout.reading_order import reading_order
from ocr.line.characters import place, reads_vertically
from ocr.settings import Settings
from ocr.sheet import LanguageModel, Models, Sheet, joined
from ocr.table_settings import CharacterGrid


class Cell(NamedTuple):
    """A character that was read, and its middle in pixels of the page."""

    text: str
    score: float
    x: float
    y: float


Column = list[Cell]
"""From top to bottom."""


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Put columns in the place of the rows of a grid of characters; the step of the chain."""
    own = settings.character_grid
    if sheet.single_line or models.language is None:
        return sheet
    taken = _alike(sheet, own)
    cells = [cell for i in taken for cell in _cells(sheet, i, settings)]
    if len(cells) < own.min_cells:
        return sheet
    size = float(np.median([min(quad_size(sheet.quads[i])) for i in taken]))
    columns = columns_of(cells, size, models.language, own)
    texts = sorted("".join(cell.text for cell in column) for column in columns)
    if not columns or texts == sorted(sheet.readings[i].text for i in taken):
        return sheet  # they were found as columns
    score = float(np.mean(sheet.scores[taken]))
    lines = [_line(column, size, sheet.margin(settings)) for column in columns]
    found = sheet.having(
        quads=np.array([quad for _, quad in lines], np.float32),
        scores=np.full(len(lines), score, np.float32),
        readings=tuple(reading for reading, _ in lines),
    )
    others = [i for i in range(len(sheet.quads)) if i not in set(taken)]
    merged = joined([sheet.picked(others), found], sheet)
    return merged.picked(reading_order(merged.quads, settings.order))


def columns_of(
    cells: Sequence[Cell], size: float, language: LanguageModel, settings: CharacterGrid
) -> list[Column]:
    """Sort the characters of a grid into columns, the first on the right.

    Args:
        cells: All of it, in any order.
        size: Of a character in pixels.
        language: Natural log-probability of a text.
        settings: Of this step.

    Returns:
        The columns; none where the characters stand in no regular grid, or its rows make as good sense.
    """
    across = _places([cell.x for cell in cells], size, settings)
    down = _places([cell.y for cell in cells], size, settings)
    if across is None or down is None:
        return []
    (x, step_x), (y, step_y) = across, down
    width, height = int(x.max()) + 1, int(y.max()) + 1
    grid = dict(zip(zip(x.tolist(), y.tolist(), strict=True), cells, strict=True))
    is_grid = (
        min(width, height) >= settings.min_side
        and len(grid) == len(cells) >= settings.min_filled * width * height
        and settings.min_ratio * step_y <= step_x
    )
    if not is_grid:
        return []
    columns = [[grid[i, j] for j in range(height) if (i, j) in grid] for i in range(width)]
    rows = [[grid[i, j] for i in range(width) if (i, j) in grid] for j in range(height)]
    gain = _sense(columns, language) - _sense(rows, language)
    return columns[::-1] if gain >= settings.min_gain else []


def _sense(lines: Sequence[Sequence[Cell]], language: LanguageModel) -> float:
    """How likely a character is after those before it in its line: the mean of its natural logarithm.

    What begins a line is left out: otherwise fewer and longer lines would make more sense than more and shorter ones.
    """
    texts = ["".join(cell.text for cell in line) for line in lines]
    followers = sum(len(text) - 1 for text in texts)
    return sum(language(text) - language(text[0]) for text in texts) / max(followers, 1)


def _places(
    values: Sequence[float], size: float, settings: CharacterGrid
) -> tuple[NDArray[np.intp], float] | None:
    """Number the evenly spaced places of a grid's side; with them the space from one to the next, or nothing."""
    array = np.asarray(values)
    order = np.argsort(array)
    starts = np.append(True, np.diff(array[order]) > settings.max_spread * size)
    numbers = np.empty(len(array), np.intp)
    numbers[order] = np.cumsum(starts) - 1
    middles = [float(array[numbers == i].mean()) for i in range(int(numbers.max()) + 1)]
    if any(np.ptp(array[numbers == i]) > size for i in range(len(middles))) or len(middles) < 2:
        return None
    steps = [b - a for a, b in pairwise(middles)]
    step = float(np.median(steps))
    uneven = max(abs(each - step) for each in steps)
    return None if uneven > settings.max_uneven * step else (numbers, step)


def _alike(sheet: Sheet, settings: CharacterGrid) -> list[int]:
    """Number the lines of Chinese of the usual size."""
    sizes = np.array([min(quad_size(quad)) for quad in sheet.quads])
    wide = [
        i
        for i, reading in enumerate(sheet.readings)
        if 2 * sum(map(is_wide, reading.text)) >= len(reading.text) > 0
    ]
    if not wide:
        return []
    usual = float(np.median(sizes[wide]))
    return [i for i in wide if abs(sizes[i] - usual) <= settings.max_size_change * usual]


def _cells(sheet: Sheet, index: int, settings: Settings) -> Iterator[Cell]:
    """The characters of a line, each with its middle; a single one is in the middle of its box."""
    reading, quad = sheet.readings[index], sheet.quads[index]
    margin = sheet.margin(settings)
    first, last = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    if reads_vertically(quad, margin):
        first, last = (quad[0] + quad[1]) / 2, (quad[3] + quad[2]) / 2
    for character in place(reading, quad, margin):
        if not character.text.isspace():
            middle = first + (last - first) * (character.start + character.stop) / 2
            yield Cell(character.text, character.score, float(middle[0]), float(middle[1]))


def _line(column: Column, size: float, margin: float) -> tuple[Reading, Floats]:
    """A column's reading and its quad (4, 2), the first corner at its upper left."""
    middles = np.array([[cell.x, cell.y] for cell in column])
    x, top = float(middles[:, 0].mean()), float(middles[0, 1]) - size / 2
    length = float(middles[-1, 1]) + size / 2 - top
    left, right = x - size / 2, x + size / 2
    quad = boxes_to_quads(np.array([[left, top, right, top + length]], np.float32))[0]
    grown = margin * min(size, length) / length
    middle = [((y - top) / length + grown) / (1 + 2 * grown) for y in middles[:, 1].tolist()]
    scores = tuple(cell.score for cell in column)
    text = "".join(cell.text for cell in column)
    spans = tuple(zip(middle, middle, strict=True))
    return Reading(text, sum(scores) / len(scores), scores, spans), quad
