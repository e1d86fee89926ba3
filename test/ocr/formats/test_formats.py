"""Formats as files: what is in them, several pages, odd text, the list of all of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ocr.files.page_images import Picture
from ocr.formats import FORMATS, Format
from ocr.line.characters import spread
from ocr.result import Angle, Elapsed, Page, TextLine

TEXT_FORMATS = [name for name, each in FORMATS.items() if not each.needs_pictures]
ODD_TEXTS = [
    "a<b>&\"c\"'d'", "]]>", "<!-- -->", "tab\there", "line\nbreak", "carriage\rreturn", "\x00\x07",
    "\ud800", "😀 中文", "a  b", " edge ", "\u2028", "\ufffe", "é\u0301", "=1+1", "a|b", "#", "\\",
    "\x7f\x85", "\u200b", "`*_~[x](y)",
]  # fmt: skip


def make_line(
    text: str, x: float = 10, y: float = 10, width: float = 0, high: float = 20
) -> TextLine:
    width = width or 10.0 * max(len(text), 1)
    box = ((x, y), (x + width, y), (x + width, y + high), (x, y + high))
    return TextLine(text, 0.9, box, spread(text, 0.9))


def make_page(*texts: str, number: int = 0, degrees: int = 0, image: str = "a.png") -> Page:
    lines = tuple(make_line(text, y=10 + 40 * i) for i, text in enumerate(texts))
    angle, elapsed = Angle(degrees, 0.9), Elapsed(1, 2, 3, 4, 10)
    return Page(image, number, 600, 60 + 40 * len(texts), angle, lines, elapsed)


def blank_pictures(page: Page) -> Picture:
    return Picture(lambda: np.full((page.height, page.width, 3), 255, np.uint8))


def test_every_format_is_there() -> None:
    names = "txt json jsonl tsv md hocr alto page pdf labels paddle icdar".split()
    assert list(FORMATS) == names
    files = [each.file_name or each.name_for("a") for each in FORMATS.values()]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_a_page_without_text(name: str) -> None:
    content = FORMATS[name].encode([make_page()], blank_pictures)
    if name == "alto" or name == "page" or name == "hocr":
        assert "".join(ET.fromstring(content).itertext()).strip()
    if name in {"txt", "md", "icdar"}:
        assert content == b""


@pytest.mark.parametrize("name", [n for n, each in FORMATS.items() if not each.single_page])
def test_every_format_takes_no_pages(name: str) -> None:
    assert isinstance(FORMATS[name].encode([], blank_pictures), bytes)


@pytest.mark.parametrize("name", [n for n, each in FORMATS.items() if each.single_page])
def test_formats_of_one_page_refuse_several(name: str) -> None:
    with pytest.raises(ValueError, match="one page"):
        FORMATS[name].encode([make_page("a"), make_page("b")])


def test_formats_with_pictures_ask_for_them() -> None:
    with pytest.raises(ValueError, match="pictures"):
        FORMATS["pdf"].encode([make_page("a")])


@pytest.mark.parametrize("name", FORMATS)
def test_odd_text_can_be_encoded_in_every_format(name: str) -> None:
    content = FORMATS[name].encode([make_page(*ODD_TEXTS)], blank_pictures, characters=True)
    assert content


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_odd_text_does_not_spoil_the_next_line(name: str) -> None:
    for text in ODD_TEXTS:
        content = FORMATS[name].encode([make_page(text, "after 1")]).decode("utf-8")
        assert "after" in content, ascii(text)


def test_writing_is_the_same_as_encoding() -> None:
    stream = io.BytesIO()
    FORMATS["hocr"].write([make_page("a b")], stream)
    assert stream.getvalue() == FORMATS["hocr"].encode([make_page("a b")])


def test_text_has_form_feeds_between_pages() -> None:
    pages = [make_page("a", "b"), make_page(number=1), make_page("c", number=2)]
    assert FORMATS["txt"].encode(pages) == b"a\nb\n\f\fc\n"


def test_json_of_one_page_is_an_object_and_of_several_an_array() -> None:
    one = json.loads(FORMATS["json"].encode([make_page("a")]))
    assert one["lines"][0]["text"] == "a"
    many = json.loads(FORMATS["json"].encode([make_page("a"), make_page("b", number=1)]))
    assert [page["page"] for page in many] == [0, 1]
    assert json.loads(FORMATS["json"].encode([])) == []


def test_json_lines_have_a_line_for_each_page() -> None:
    content = FORMATS["jsonl"].encode([make_page("a\nb"), make_page(number=1)]).decode()
    assert [json.loads(row)["page"] for row in content.splitlines()] == [0, 1]


def test_characters_are_in_json_only_when_asked_for() -> None:
    page = make_page("中a")
    plain = json.loads(FORMATS["json"].encode([page]))["lines"][0]
    assert list(plain) == ["text", "score", "box"]
    detailed = json.loads(FORMATS["json"].encode([page], characters=True))["lines"][0]
    assert [each["text"] for each in detailed["characters"]] == ["中", "a"]
    assert detailed["characters"][0]["box"][0] == plain["box"][0]
    assert detailed["characters"][-1]["box"][2] == plain["box"][2]


def test_table_of_words_counts_and_nests() -> None:
    content = FORMATS["tsv"].encode([make_page("one two", "三"), make_page(number=1)]).decode()
    rows = list(csv.DictReader(io.StringIO(content), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [(row["level"], row["text"]) for row in rows if row["text"]] == [
        ("5", "one"), ("5", "two"), ("5", "三"),
    ]  # fmt: skip
    assert [row["page_num"] for row in rows if row["level"] == "1"] == ["1", "2"]
    assert all((row["conf"] == "-1") == (row["level"] != "5") for row in rows)
    words = [row for row in rows if row["level"] == "5"]
    assert int(words[0]["left"]) + int(words[0]["width"]) <= int(words[1]["left"]) + 1


def test_table_of_words_has_all_its_columns_whatever_the_text() -> None:
    for row in FORMATS["tsv"].encode([make_page(*ODD_TEXTS)]).decode().split("\n")[:-1]:
        assert row.count("\t") == 11


def test_labels_are_as_training_reads_them() -> None:
    page = make_page("中 a", image="x/a.png")
    record = json.loads(FORMATS["labels"].encode([page]))
    assert (record["image"], record["kind"]) == ("x/a.png", "page")
    assert record["lines"] == [
        {"quad": [[10, 10], [40, 10], [40, 30], [10, 30]], "text": "中 a", "ignore": False}
    ]


def test_paddle_labels_are_a_path_a_tab_and_json() -> None:
    page = make_page("中 \t a", image="x/a.png")
    path, _, lines = FORMATS["paddle"].encode([page]).decode().rstrip("\n").partition("\t")
    assert path == "x/a.png"
    (line,) = json.loads(lines)
    assert line["transcription"] == "中   a"
    assert line["points"][2] == [60, 30]


def test_icdar_labels_have_whole_corners_and_keep_commas() -> None:
    assert FORMATS["icdar"].encode([make_page("a,b")]) == b"10,10,40,10,40,30,10,30,a,b\n"


def test_formats_name_their_files() -> None:
    assert FORMATS["alto"].name_for("x.y") == "x.y.alto.xml"
    assert FORMATS["icdar"].name_for("x") == "gt_x.txt"
    assert replace(FORMATS["txt"], extension="t").name_for("") == ".t"
    assert isinstance(FORMATS["txt"], Format)
