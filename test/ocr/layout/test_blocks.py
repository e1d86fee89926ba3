"""Blocks, paragraphs and tables, and the Markdown made of them: papers, receipts, forms, chats."""

from __future__ import annotations

import re

import numpy as np
import pytest

from common.quads import rotate_quads
from ocr.formats import FORMATS
from ocr.layout.blocks import find_blocks
from ocr.layout.reading_order import reading_order
from ocr.line.characters import spread
from ocr.result import Angle, Elapsed, Page, TextLine
from ocr.settings import Order

SIZE = (1200, 900)
EM = 20.0
"""Line height in pixels; Han characters are as wide, others half."""


def width_of(text: str, em: float = EM) -> float:
    return sum(em if c >= "\u2e80" else em / 2 for c in text)


def at(x: float, y: float, text: str, em: float = EM) -> tuple[str, list[float]]:
    return text, [x, y, x + width_of(text, em), y + em]


def paragraph(x: float, y: float, *texts: str, pitch: float = 30) -> list[tuple[str, list[float]]]:
    return [at(x, y + i * pitch, text) for i, text in enumerate(texts)]


def page_of(placed: list[tuple[str, list[float]]], *, degrees: int = 0, tilt: float = 0) -> Page:
    """A page with lines in reading order, its content turned clockwise, tilted by some degrees before."""
    boxes = np.array([box for _, box in placed], np.float32).reshape(-1, 4)
    quads = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    angle = np.deg2rad(tilt)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    quads = (quads @ turn).astype(np.float32)
    order = reading_order(quads, Order())
    shown = rotate_quads(quads, -degrees % 360, SIZE)
    size = SIZE[::-1] if degrees in (90, 270) else SIZE
    lines = []
    for i in order:
        text = placed[i][0]
        box = tuple((float(x), float(y)) for x, y in shown[i])
        lines.append(TextLine(text, 0.9, box, spread(text, 0.9)))
    elapsed = Elapsed(0, 0, 0, 0, 0)
    return Page("a", 0, size[1], size[0], Angle(degrees, 1), tuple(lines), elapsed)


def markdown(page: Page) -> str:
    return FORMATS["md"].encode([page]).decode()


LEFT = [
    "The three models are trained on rendered",
    "pages and need neither downloads nor la-",
    "bels; reading runs on a plain processor.",
    "All of them are small.",
]
RIGHT = [
    "Each column of a paper is read from its",
    "top to its bottom before the next one is",
    "begun, since that is how people read it",
    "aloud.",
]
PAPER = [
    at(150, 40, "Reading Pages with Small Models", 36),
    *paragraph(30, 120, *LEFT, *LEFT),
    *paragraph(470, 120, *RIGHT, *RIGHT),
]
RECEIPT = [
    at(330, 40, "CORNER CAFE", 32),
    at(330, 100, "12 Harbour Street"),
    at(320, 130, "Tel: (555) 018-2764"),
    *[
        cell
        for i, (name, price) in enumerate(
            [("2 x Flat White", "8.40"), ("Lemon tart", "4.75"), ("Soup", "6.90"), ("TOTAL", "20.05")]
        )
        for cell in (at(250, 200 + 34 * i, name), at(600, 200 + 34 * i, price))
    ],
    at(320, 400, "THANK YOU"),
]  # fmt: skip
TABLE_ROWS = [
    ["姓名", "部门", "电话", "邮箱"],
    ["王小明", "研发", "021-5550", "wang@a.org"],
    ["李华", "", "021-5551", "li@a.org"],
    ["赵六", "市场部", "021-5552", "z@a.org"],
]
TABLE = [
    at(100, 30, "员工联系方式一览表", 30),
    *[
        at(100 + 170 * column, 120 + 40 * row, text)
        for row, texts in enumerate(TABLE_ROWS)
        for column, text in enumerate(texts)
        if text
    ],
]
CHAT = [
    at(300, 20, "周末爬山群"),
    at(80, 100, "王小明", 14),
    *paragraph(100, 130, "大家周六有空吗？我想去香山，听", "说红叶已经红了"),
    at(560, 240, "可以啊，几点出发？"),
    at(80, 310, "李华", 14),
    *paragraph(100, 340, "早上八点在地铁站集合吧，记得带", "水和午饭"),
    *paragraph(480, 460, "OK, see you at 8 am, I will", "bring some snacks."),
]
PAGES = {"paper": PAPER, "receipt": RECEIPT, "table": TABLE, "chat": CHAT}


@pytest.fixture(params=PAGES)
def placed(request: pytest.FixtureRequest) -> list[tuple[str, list[float]]]:
    return PAGES[request.param]


def test_no_lines_no_blocks() -> None:
    page = page_of([])
    assert find_blocks(page) == []
    assert markdown(page) == ""


def test_one_line_is_one_paragraph() -> None:
    page = page_of([at(10, 10, "One")])
    (block,) = find_blocks(page)
    assert (block.kind, block.paragraphs, block.rows) == ("text", ((0,),), ())
    assert markdown(page) == "One\n"


def test_every_line_is_in_one_block_in_order(rng: np.random.Generator) -> None:
    for count in (1, 2, 3, 7, 40):
        for _ in range(12):
            corners = rng.uniform(0, 800, (count, 2))
            boxes = [[*c, *(c + rng.uniform(0, [300, 60]))] for c in corners.tolist()]
            page = page_of([("文 a"[i % 3] * 3, box) for i, box in enumerate(boxes)])
            numbers = [i for b in find_blocks(page) for p in b.paragraphs for i in p]
            assert numbers == list(range(len(page.lines)))
            for block in find_blocks(page):
                assert all(block.paragraphs)
                assert (block.kind == "text") == (block.rows == ())
                pieces = [piece.line for row in block.rows for cell in row for piece in cell]
                assert not pieces or set(pieces) == set(block.paragraphs[0])


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turn_and_tilt_do_not_change_the_blocks(
    placed: list[tuple[str, list[float]]], degrees: int
) -> None:
    level = markdown(page_of(placed))
    for tilt in (-3.0, 0.0, 2.0):
        assert markdown(page_of(placed, degrees=degrees, tilt=tilt)) == level, f"tilted by {tilt}"


def test_scale_does_not_change_the_blocks(placed: list[tuple[str, list[float]]]) -> None:
    larger = [(text, [4 * value for value in box]) for text, box in placed]
    assert markdown(page_of(larger)) == markdown(page_of(placed))


def test_paragraphs_of_a_two_column_paper_are_read_column_by_column() -> None:
    left = (
        "The three models are trained on rendered pages and need neither downloads nor labels; "
        "reading runs on a plain processor. All of them are small."
    )
    right = (
        "Each column of a paper is read from its top to its bottom before the next one is begun, "
        "since that is how people read it aloud."
    )
    expected = ["# Reading Pages with Small Models", left, left, right, right]
    assert markdown(page_of(PAPER)).rstrip("\n").split("\n\n") == expected


def test_a_receipt_keeps_its_rows() -> None:
    text = markdown(page_of(RECEIPT))
    assert "2 x Flat White    8.40\\\nLemon tart    4.75\\\nSoup    6.90\\\nTOTAL    20.05" in text
    assert "12 Harbour Street\\\nTel: (555) 018-2764" in text
    assert "|" not in text


def test_a_clear_grid_is_a_table() -> None:
    text = markdown(page_of(TABLE))
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in text.split("\n") if "|" in row
    ]
    assert rows == [TABLE_ROWS[0], ["---"] * 4, *TABLE_ROWS[1:]]


def test_a_chat_has_a_paragraph_for_each_message() -> None:
    parts = markdown(page_of(CHAT)).rstrip("\n").split("\n\n")
    assert "大家周六有空吗？我想去香山，听说红叶已经红了" in parts
    assert "可以啊，几点出发？" in parts
    assert "早上八点在地铁站集合吧，记得带水和午饭" in parts
    assert "OK, see you at 8 am, I will bring some snacks." in parts


def test_cells_joined_by_the_detector_are_parted_at_the_gap() -> None:
    placed = [
        at(100 + 170 * column, 120 + 40 * row, f"cell{row}{column}")
        for row in range(6)
        for column in range(4)
        if (row, column) not in {(2, 1), (2, 2)}
    ]
    # "one" stands in the second column and "two" in the third; they were read as one line.
    text = "one" + " " * 14 + "two"
    placed.append((text, [270, 200, 270 + 200, 220]))
    row = next(r for r in markdown(page_of(placed)).split("\n") if "one" in r)
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["cell20", "one", "two", "cell23"]


def test_scattered_cells_are_no_table() -> None:
    placed = [at(100 + 190 * ((i * 7) % 4), 100 + 40 * (i // 2), f"cell {i}") for i in range(0, 9)]
    assert "|" not in markdown(page_of(placed))


def test_label_and_value_form_one_row() -> None:
    form = [
        cell
        for i, (label, value) in enumerate(
            [("姓名", "王小明"), ("性别", "男"), ("电话", "021-5550")]
        )
        for cell in (at(80, 60 + 40 * i, label), at(300, 60 + 40 * i, value))
    ]
    assert markdown(page_of(form)) == "姓名    王小明\\\n性别    男\\\n电话    021-5550\n"


def test_indented_paragraphs_are_parted() -> None:
    full = "人" * 30
    placed = [
        *paragraph(100, 40, "人" * 30, "完。"),
        at(140, 100, "人" * 28),
        *paragraph(100, 130, full, full),
        at(140, 190, "人" * 28),
        at(100, 220, "人" * 9),
    ]
    lengths = [len(part) for part in markdown(page_of(placed)).split("\n\n")]
    assert lengths == [32, 88, 38]  # the last one ends the file with a line break


def test_items_of_a_list_stay_apart() -> None:
    placed = [
        *paragraph(60, 40, "• first item of the list that goes on", "  and ends here"),
        *paragraph(60, 100, "• second item"),
        *paragraph(60, 130, "• third item"),
    ]
    placed[1] = at(80, 70, "and ends here")
    assert markdown(page_of(placed)) == (
        "- first item of the list that goes on and ends here\n- second item\n- third item\n"
    )


def test_an_address_keeps_its_lines() -> None:
    body = [at(60, 300 + 30 * i, "word " * 14) for i in range(5)]
    address = paragraph(60, 40, "王小明", "青松路18号", "2026年8月20日")
    assert markdown(page_of([*address, *body])).startswith(
        "王小明\\\n青松路18号\\\n2026年8月20日\n\n"
    )


def test_words_parted_by_a_hyphen_are_put_together_and_others_are_not() -> None:
    rows = [
        "An example of infor-",
        "mation about the year",
        "2020- 2021, model A-",
        "Z of it, as it was said.",
    ]
    text = markdown(page_of(paragraph(30, 30, *rows)))
    assert "information" in text
    assert "A- Z" in text


@pytest.mark.parametrize(
    "text",
    ["# no heading", "> no quote", "---", "***", "* * *", "a*b*c", "`code`", "_a_ b", "<b>", "&amp;",
     "[a](b)", "~~a~~", "+ plus", "===", "1\\2", "| a | b |"],
)  # fmt: skip
def test_markup_in_text_is_escaped(text: str) -> None:
    """What Markdown would take for a mark has a backslash before it; without those the text is as it was."""
    found = markdown(page_of([at(10, 10, text)])).rstrip("\n")
    assert re.sub(r"\\([\\`*_<~&>#+=|!\[-])", r"\1", found) == text
    if text != "| a | b |":
        assert found != text


def test_tables_escape_their_bars() -> None:
    placed = [
        at(100 + 170 * column, 120 + 40 * row, f"a|{row}{column}")
        for row in range(4)
        for column in range(3)
    ]
    rows = markdown(page_of(placed)).rstrip("\n").split("\n")
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


def test_pages_are_divided_by_rules() -> None:
    pages = [page_of([at(10, 10, "one")]), page_of([]), page_of([at(10, 10, "two")])]
    assert FORMATS["md"].encode(pages).decode() == "one\n\n---\n\ntwo\n"


def test_columns_of_vertical_writing_are_one_paragraph() -> None:
    placed = []
    for i, text in enumerate(["春眠不觉晓处处闻啼鸟", "夜来风雨声花落知多少", "床前明月光"]):
        x = 800 - 36 * i
        placed.append((text, [x, 50, x + EM, 50 + EM * len(text)]))
    assert markdown(page_of(placed)) == "".join(text for text, _ in placed) + "\n"
