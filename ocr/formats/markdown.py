"""Write pages as Markdown: headings, paragraphs joined over their lines, rows kept together, tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import numpy as np

from common.quads import quad_size
from ocr.formats.words import plain_text
from ocr.layout.blocks import Block, find_blocks
from ocr.layout.joining import join_lines
from ocr.layout.tables import Cell
from ocr.result import Page, Table

_PAGE_RULE = "\n---\n\n"
_HEADING_HEIGHTS = (1.7, 1.35)
"""Height of a heading of the first and the second level against the page's usual line."""

_HEADING_LENGTH = 80  # characters; what is longer is an opening paragraph in large type
# A bullet is at times read as a full stop, which begins no line.
_BULLET = re.compile(r"[•·●○■□◆◇▪►‣。]\s*")
_ESCAPED = re.compile(
    r"[\\`*]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|~(?=~)|&(?=#?\w+;)|!?\[(?=[^\]]*\]\()"
)
_BLOCK_START = re.compile(r"#{1,6}(?=\s|$)|>|\+(?=\s|$)|([-=_*]\s*){2,}$|~~~")
_CELL_DIVIDER = "    "


def to_markdown(pages: Sequence[Page]) -> str:
    """A Markdown document (CommonMark with tables); pages divided by rules, empty for pages without text."""
    parts = [_page(page) for page in pages]
    return _PAGE_RULE.join(part for part in parts if part)


def _page(page: Page) -> str:
    heights = [_height(page, i) for i in range(len(page.lines))]
    usual = _usual_height(page, heights)
    parts = [
        part for block in find_blocks(page) for part in _block(page, block, heights, usual) if part
    ]
    text = ""
    for i, part in enumerate(parts):
        # Items of a list stand close together.
        close = i and part.startswith("- ") and parts[i - 1].startswith("- ")
        text += ("" if not i else "\n" if close else "\n\n") + part
    return text + "\n" if text else ""


def _block(page: Page, block: Block, heights: list[float], usual: float) -> list[str]:
    if block.table:
        return [_table(block.table)]
    if block.kind == "rows":
        rows = [_CELL_DIVIDER.join(_cell(page, cell) for cell in row) for row in block.rows]
        return ["\\\n".join(_guarded(row) for row in rows if row)]
    parts = []
    for paragraph in block.paragraphs:
        text = _joined([page.lines[i].text for i in paragraph])
        level = 0
        if len(block.paragraphs) <= 2 and len(paragraph) <= 2 and len(text) <= _HEADING_LENGTH:
            level = _heading_level(float(np.median([heights[i] for i in paragraph])) / usual)
        bullet = _BULLET.match(text)
        if level and not bullet:
            parts.append("#" * level + " " + text)
        elif bullet:
            parts.append("- " + text[bullet.end() :])
        else:
            parts.append(_guarded(text))
    return parts


def _heading_level(ratio: float) -> int:
    return next((i for i, least in enumerate(_HEADING_HEIGHTS, 1) if ratio >= least), 0)


def _table(table: Table) -> str:
    """A table of Markdown; of HTML within it where cells span several rows or columns."""
    if any(cell.row_span > 1 or cell.column_span > 1 for cell in table.cells):
        return _html_table(table)
    rows = [[""] * table.columns for _ in range(table.rows)]
    for cell in table.cells:
        rows[cell.row][cell.column] = _escaped(plain_text(cell.text)).replace("|", "\\|")
    rows.insert(1, ["---"] * table.columns)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _html_table(table: Table) -> str:
    """Without empty lines, which would end it in Markdown."""
    root = ET.Element("table")
    for number in range(table.rows):
        row = ET.SubElement(root, "tr")
        for cell in (each for each in table.cells if each.row == number):
            spans = {"rowspan": cell.row_span, "colspan": cell.column_span}
            attributes = {name: str(span) for name, span in spans.items() if span > 1}
            ET.SubElement(row, "td", attributes).text = plain_text(cell.text)
    ET.indent(root, "")
    return ET.tostring(root, "unicode", method="html")


def _cell(page: Page, cell: Cell) -> str:
    return _joined([piece.text(page) for piece in cell])


def _joined(texts: Sequence[str]) -> str:
    return _escaped(join_lines(map(plain_text, texts)))


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\\" + match[0], text)


def _guarded(text: str) -> str:
    """Text that does not begin what Markdown takes for a heading, a quotation or a rule."""
    return "\\" + text if _BLOCK_START.match(text) else text


def _height(page: Page, index: int) -> float:
    line = page.lines[index]
    height, width = quad_size(np.array(line.box, np.float32))
    return width if line.vertical else height


def _usual_height(page: Page, heights: list[float]) -> float:
    """The height of most of the page's characters."""
    if not heights:
        return 1.0
    order = np.argsort(heights)
    counts = np.cumsum([len(page.lines[i].text) for i in order])
    middle = int(np.searchsorted(counts, counts[-1] / 2))
    return max(float(heights[int(order[min(middle, len(order) - 1)])]), 1e-6)
