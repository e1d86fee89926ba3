"""Write pages as plain text, JSON and a table of words."""

from __future__ import annotations

from collections.abc import Sequence

from ocr.formats.words import bounds, plain_text, split_words
from ocr.layout.blocks import Block, find_blocks
from ocr.result import Page

PAGE_BREAK = "\f"
"""Between pages of plain text, as other tools write it."""

_COLUMNS = (
    "level", "page_num", "block_num", "par_num", "line_num", "word_num",
    "left", "top", "width", "height", "conf", "text",
)  # fmt: skip


def to_txt(pages: Sequence[Page]) -> str:
    """Lines of text, each with a line break; pages divided by form feeds."""
    return PAGE_BREAK.join(page.text + "\n" if page.lines else "" for page in pages)


def to_jsonl(pages: Sequence[Page], characters: bool = False) -> str:
    """One JSON object a line for each page, as `Page.to_json` writes it."""
    return "".join(page.to_json(characters=characters) + "\n" for page in pages)


def to_json(pages: Sequence[Page], characters: bool = False) -> str:
    """The JSON object of the one page there is; an array of objects, one a line, for any other number."""
    objects = [page.to_json(characters=characters) for page in pages]
    return (objects[0] if len(objects) == 1 else "[" + ",\n".join(objects) + "]") + "\n"


def to_tsv(pages: Sequence[Page]) -> str:
    """A table with a row for each page, block, paragraph, line and word (levels 1 to 5).

    Columns are those that programs for Tesseract's table expect. Boxes are upright around what they hold, in
    pixels of the picture as shown; conf is from 0 to 100, and -1 above words.
    """
    rows = ["\t".join(_COLUMNS)]
    for number, page in enumerate(pages, 1):
        rows.append(_row(1, (number, 0, 0, 0, 0), (0, 0, page.width, page.height), -1, ""))
        for index, block in enumerate(find_blocks(page), 1):
            rows += _block_rows(page, number, index, block)
    return "\n".join(rows) + "\n"


def _block_rows(page: Page, number: int, block_number: int, block: Block) -> list[str]:
    lines = [page.lines[index] for paragraph in block.paragraphs for index in paragraph]
    place = (number, block_number)
    rows = [_row(2, (*place, 0, 0, 0), bounds([line.box for line in lines]), -1, "")]
    for paragraph_number, paragraph in enumerate(block.paragraphs, 1):
        lines = [page.lines[index] for index in paragraph]
        box = bounds([line.box for line in lines])
        rows.append(_row(3, (*place, paragraph_number, 0, 0), box, -1, ""))
        for line_number, line in enumerate(lines, 1):
            where = (*place, paragraph_number, line_number)
            rows.append(_row(4, (*where, 0), bounds([line.box]), -1, ""))
            for word_number, word in enumerate(split_words(line), 1):
                conf = round(100 * word.score, 2)
                rows.append(_row(5, (*where, word_number), bounds([word.box]), conf, word.text))
    return rows


def _row(
    level: int,
    numbers: tuple[int, int, int, int, int],
    box: tuple[int, int, int, int],
    conf: float,
    text: str,
) -> str:
    left, top, right, bottom = box
    cells = (level, *numbers, left, top, right - left, bottom - top, f"{conf:g}", plain_text(text))
    return "\t".join(map(str, cells))
