"""Group the lines of a page into blocks: paragraphs of running text, rows that belong together, tables.

Lines come in reading order and keep it: grouping only says where one thing ends and the next begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.arrays import Boxes, Quads
from common.characters import is_wide
from common.quads import contains, rotate_quads
from ocr.layout.reading_order import level_boxes
from ocr.layout.tables import Cell, Piece, find_table, table_of
from ocr.line.characters import characters_of
from ocr.result import Page, Table

CELL_GAP = 1.0
"""Gap between lines of one row, in line heights, from which they are cells rather than pieces of one text."""

MAX_HEIGHTS = 1.5
"""Line heights within a block differ by no more than this factor."""

MIN_SHARED_WIDTH = 0.3
"""Share of the narrower row's width that rows of a block have in common."""

MAX_SINGLE_ROWS = 2
"""Rows of one cell that may follow each other among rows of several without ending them."""

LONE_CELL_GAP = 2.5
"""The same for a row among text: a missed word leaves less."""

MIN_RUNNING = 4
"""Rows from which text is taken as running wherever it stands."""

MIN_WRAPPED = 0.4
"""Width against the page's wide rows below which a few rows are lines of their own: a name, a date, an address."""

MAX_ROWS_SHARE = 0.3
"""Share of a page's rows with several cells from which a few rows are lines of their own: it is a receipt or form."""

INDENT = 0.8
"""Indentation in line heights from which a line begins a paragraph."""

_ITEM = re.compile(
    r"[•·●○■□◆◇▪►‣。]|[-–*] |\(?\d{1,2}[.)、．]\D|[（(][\d一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、"
)


@dataclass(frozen=True)
class Block:
    """Lines that belong together.

    Args:
        kind: "text", "rows" (each row reads on its own, as on a receipt) or "table" (rows in clear columns).
        paragraphs: Numbers of the page's lines; one paragraph unless the block is text.
        rows: Of "rows" and "table", each row's cells, as many in every row of a table. None for text, nor for a
            table that the page has.
        table: Of "table".
    """

    kind: str
    paragraphs: tuple[tuple[int, ...], ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class _TextRow:
    """Lines side by side: the cells they make, where the row is, and its widest gap in line heights."""

    cells: tuple[tuple[int, ...], ...]
    box: tuple[float, float, float, float]
    height: float
    widest_gap: float

    @property
    def lines(self) -> tuple[int, ...]:
        return tuple(line for cell in self.cells for line in cell)


def find_blocks(page: Page) -> list[Block]:
    """Group the lines of a page; every line is in one block, in the order of the page. None for none.

    The page's tables are blocks; among its other lines more are searched for.
    """
    if not page.lines:
        return []
    quads = np.array([line.box for line in page.lines], np.float32)
    boxes = level_boxes(rotate_quads(quads, page.angle.degrees, (page.height, page.width)))
    blocks: list[Block] = []
    for table, lines in _parts(page, quads):
        if table:
            blocks.append(Block("table", (tuple(lines),), table=table))
        else:
            blocks += _blocks_of(page, lines, boxes)
    return blocks


def with_tables(page: Page) -> Page:
    """Return the page with all tables that its blocks are, besides those it has."""
    return replace(page, tables=tuple(each.table for each in find_blocks(page) if each.table))


def _parts(page: Page, quads: Quads) -> list[tuple[Table | None, list[int]]]:
    """Runs of lines in their order, in a table or in none; all of a table's lines are in one."""
    middles = quads.mean(axis=1)
    owner = np.full(len(quads), -1)
    for number, table in enumerate(page.tables):
        owner[(owner < 0) & contains(np.array(table.box, np.float32), middles)] = number
    parts: list[tuple[Table | None, list[int]]] = []
    seen: dict[int, list[int]] = {}
    for line, number in enumerate(owner.tolist()):
        if number >= 0:
            if number not in seen:
                seen[number] = []
                parts.append((page.tables[number], seen[number]))
            seen[number].append(line)
        elif parts and parts[-1][0] is None:
            parts[-1][1].append(line)
        else:
            parts.append((None, [line]))
    return parts


def _blocks_of(page: Page, lines: list[int], boxes: Boxes) -> list[Block]:
    """Group lines that are in no table of the page's."""
    rows = _rows(lines, boxes)
    wide = MIN_WRAPPED * float(np.quantile([row.box[2] - row.box[0] for row in rows], 0.9))
    many = sum(len(row.cells) > 1 for row in rows) >= MAX_ROWS_SHARE * len(rows)
    blocks: list[Block] = []
    for group in _groups(rows):
        for several, run in _runs(group):
            short = many or max(row.box[2] - row.box[0] for row in run) < wide
            if several or (short and 1 < len(run) < MIN_RUNNING):
                blocks.append(_rows_block(page, run, boxes))
            else:
                blocks.append(_text_block(page, run, boxes))
    return blocks


def _rows(lines: list[int], boxes: Boxes) -> list[_TextRow]:
    """Runs of neighbours in reading order that stand side by side."""
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1e-6)
    groups: list[list[int]] = []
    for i in lines:
        if groups:
            last = groups[-1][-1]
            shared = min(boxes[i, 3], boxes[last, 3]) - max(boxes[i, 1], boxes[last, 1])
            level = shared >= 0.5 * min(heights[i], heights[last])
            if level and boxes[i, 0] >= boxes[last, 2] - heights[i] / 2:
                groups[-1].append(i)
                continue
        groups.append([i])
    return [_row(group, boxes, heights.tolist()) for group in groups]


def _row(lines: list[int], boxes: Boxes, heights: Sequence[float]) -> _TextRow:
    height = float(np.median([heights[i] for i in lines]))
    cells = [[lines[0]]]
    for i in lines[1:]:
        if boxes[i, 0] - boxes[cells[-1][-1], 2] >= CELL_GAP * height:
            cells.append([])
        cells[-1].append(i)
    low, high = boxes[lines, :2].min(axis=0), boxes[lines, 2:].max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    gaps = [boxes[b, 0] - boxes[a, 2] for a, b in zip(lines, lines[1:], strict=False)]
    return _TextRow(tuple(map(tuple, cells)), box, height, float(max(gaps, default=0.0)) / height)


def _groups(rows: list[_TextRow]) -> list[list[_TextRow]]:
    """Cut the rows where they jump, leave a wide gap, or change their size."""
    gaps = [b.box[1] - a.box[3] for a, b in zip(rows, rows[1:], strict=False) if _follows(a, b)]
    usual = max(float(np.median(gaps)), 0.0) if gaps else 0.0
    groups = [[rows[0]]]
    for above, row in zip(rows, rows[1:], strict=False):
        height = min(above.height, row.height)
        near = row.box[1] - above.box[3] <= max(0.8 * height, 1.5 * usual + 0.2 * height)
        alike = max(above.height, row.height) <= MAX_HEIGHTS * height
        if _follows(above, row) and near and alike:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _follows(above: _TextRow, row: _TextRow) -> bool:
    """Whether a row is below another and under some of it."""
    shared = min(above.box[2], row.box[2]) - max(above.box[0], row.box[0])
    narrower = min(above.box[2] - above.box[0], row.box[2] - row.box[0])
    return row.box[1] > above.box[1] and shared >= MIN_SHARED_WIDTH * narrower


def _runs(group: list[_TextRow]) -> list[tuple[bool, list[_TextRow]]]:
    """Cut rows into (whether they have several cells, rows); one such row alone may be text with a word missing."""
    several = [i for i, row in enumerate(group) if len(row.cells) > 1]
    runs: list[tuple[bool, list[_TextRow]]] = []
    done = 0
    while several:
        count = 1
        while count < len(several) and several[count] - several[count - 1] <= MAX_SINGLE_ROWS + 1:
            count += 1
        first, last = several[0], several[count - 1]
        if count > 1 or group[first].widest_gap >= LONE_CELL_GAP:
            if first > done:
                runs.append((False, group[done:first]))
            runs.append((True, group[first : last + 1]))
            done = last + 1
        several = several[count:]
    if done < len(group):
        runs.append((False, group[done:]))
    return runs


def _rows_block(page: Page, run: list[_TextRow], boxes: Boxes) -> Block:
    lines = tuple(line for row in run for line in row.lines)
    found = find_table(page, [row.cells for row in run], boxes)
    if found:
        return Block("table", (lines,), found.rows, table_of(page, found, boxes))
    return Block("rows", (lines,), tuple(tuple(map(_whole, row.cells)) for row in run))


def _text_block(page: Page, rows: list[_TextRow], boxes: Boxes) -> Block:
    """Running text, or rows where each line ends on its own, as those of an address do."""
    paragraphs = _paragraphs(page, rows)
    if len(paragraphs) == len(rows) > 1 and not any(_is_item(page, row) for row in rows):
        return _rows_block(page, rows, boxes)
    return Block("text", paragraphs)


def _paragraphs(page: Page, rows: list[_TextRow]) -> tuple[tuple[int, ...], ...]:
    """Cut rows of running text where a paragraph begins."""
    height = float(np.median([row.height for row in rows]))
    left, right = min(row.box[0] for row in rows), max(row.box[2] for row in rows)
    gaps = [b.box[1] - a.box[3] for a, b in zip(rows, rows[1:], strict=False)]
    usual = max(float(np.median(gaps)), 0.0) if gaps else 0.0
    is_indented = [row.box[0] - left >= INDENT * height for row in rows]
    centred = _are_centred(rows, height)
    paragraphs = [list(rows[0].lines)]
    for i, row in enumerate(rows[1:], 1):
        above = rows[i - 1]
        room = right - above.box[2] + (above.box[0] - left if centred else 0)
        ended = room > _first_word_width(page, row) + 1.5 * height
        # The rest of an item is set in as its text is.
        hangs = len(paragraphs[-1]) == len(above.lines) and _is_item(page, above)
        indented = is_indented[i] and not is_indented[i - 1] and not hangs
        spaced = gaps[i - 1] > 1.35 * usual + 0.15 * height
        if spaced or ended or (indented and not centred) or _is_item(page, row):
            paragraphs.append([])
        paragraphs[-1] += row.lines
    return tuple(map(tuple, paragraphs))


def _are_centred(rows: list[_TextRow], height: float) -> bool:
    """Whether rows of different widths have one middle."""
    middles = [row.box[0] + row.box[2] for row in rows]
    edges = [row.box[0] for row in rows]
    return float(np.ptp(middles)) <= height and float(np.ptp(edges)) > height


def _is_item(page: Page, row: _TextRow) -> bool:
    return bool(_ITEM.match(page.lines[row.lines[0]].text))


def _whole(lines: tuple[int, ...]) -> Cell:
    return tuple(Piece(line) for line in lines)


def _first_word_width(page: Page, row: _TextRow) -> float:
    """Width of what a row's text would have to leave together: its first word, or two Han characters."""
    line = page.lines[row.lines[0]]
    characters = characters_of(line)
    count = 0
    while count < len(characters) and characters[count].text.strip():
        if is_wide(characters[count].text) and count >= 1:
            count += 1
            break
        count += 1
    stop = characters[max(count - 1, 0)].stop if characters else 0.0
    return stop * float(np.linalg.norm(np.subtract(line.box[1], line.box[0])))
