"""hOCR, ALTO and PAGE: what their schemas demand, text that comes back, boxes that nest, turned pages.

The schemas belong to others and are not kept here. `SHAPES` states what they demand of the elements that we write;
with the folder of the schema files in OCR_SCHEMAS, as alto.xsd and page.xsd, lxml validates against them too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ocr.formats import FORMATS, alto, pagexml
from ocr.line.characters import spread
from ocr.result import Angle, Elapsed, Page, TextLine

ALTO, PAGE = f"{{{alto.NAMESPACE}}}", f"{{{pagexml.NAMESPACE}}}"
XHTML = "{http://www.w3.org/1999/xhtml}"


class Shape(NamedTuple):
    """What an element may hold: children in this order ("*" any number, "?" at most one), attributes."""

    children: str
    required: str
    optional: str = ""


PLACE = "HPOS VPOS WIDTH HEIGHT"
ALTO_SHAPES = {
    "alto": Shape("Description? Layout", "", "schemaLocation"),
    "Description": Shape("MeasurementUnit sourceImageInformation? Processing*", ""),
    "MeasurementUnit": Shape("", ""),
    "sourceImageInformation": Shape("fileName?", ""),
    "fileName": Shape("", ""),
    "Processing": Shape("processingCategory? processingSoftware?", "ID"),
    "processingCategory": Shape("", ""),
    "processingSoftware": Shape("softwareName?", ""),
    "softwareName": Shape("", ""),
    "Layout": Shape("Page*", ""),
    "Page": Shape("PrintSpace?", "ID PHYSICAL_IMG_NR", "WIDTH HEIGHT"),
    "PrintSpace": Shape("TextBlock*", "", PLACE),
    "TextBlock": Shape("TextLine*", "ID", f"{PLACE} ROTATION"),
    "TextLine": Shape("Shape? (String|SP)*", "", f"ID {PLACE}"),
    "String": Shape("Shape? Glyph*", "CONTENT", f"ID WC {PLACE}"),
    "SP": Shape("", "", "HPOS VPOS WIDTH"),
    "Shape": Shape("Polygon", ""),
    "Polygon": Shape("", "POINTS"),
    "Glyph": Shape("", "ID CONTENT", f"GC {PLACE}"),
}
PAGE_SHAPES = {
    "PcGts": Shape("Metadata Page", "", "schemaLocation"),
    "Metadata": Shape("Creator Created LastChange", ""),
    "Creator": Shape("", ""),
    "Created": Shape("", ""),
    "LastChange": Shape("", ""),
    "Page": Shape(
        "ReadingOrder? TextRegion*", "imageFilename imageWidth imageHeight", "orientation"
    ),
    "ReadingOrder": Shape("OrderedGroup", ""),
    "OrderedGroup": Shape("RegionRefIndexed*", "id"),
    "RegionRefIndexed": Shape("", "index regionRef"),
    "TextRegion": Shape("Coords TextLine* TextEquiv?", "id"),
    "TextLine": Shape("Coords Word* TextEquiv?", "id"),
    "Word": Shape("Coords Glyph* TextEquiv?", "id"),
    "Glyph": Shape("Coords TextEquiv?", "id"),
    "Coords": Shape("", "points"),
    "TextEquiv": Shape("Unicode", "", "conf"),
    "Unicode": Shape("", ""),
}
VALUES = {
    "ID": r"[A-Za-z_][\w.-]*", "id": r"[A-Za-z_][\w.-]*", "points": r"(\d+,\d+ )+\d+,\d+",
    "HPOS": r"\d+", "VPOS": r"\d+", "WIDTH": r"\d+", "HEIGHT": r"\d+", "WC": r"0(\.\d+)?|1(\.0+)?",
    "GC": r"0(\.\d+)?|1(\.0+)?", "conf": r"0(\.\d+)?|1(\.0+)?", "orientation": r"-90|90|180",
    "ROTATION": r"90|180|270", "imageWidth": r"\d+", "index": r"\d+",
}  # fmt: skip


def check(element: ET.Element, shapes: dict[str, Shape]) -> None:
    """Fail where an element is not as its schema demands, whatever it holds included."""
    tag = element.tag.partition("}")[2]
    shape = shapes[tag]
    children = " ".join(child.tag.partition("}")[2] for child in element)
    pattern = " ".join(shape.children.split())
    pattern = re.sub(r"([\w|()]+)([*?]?)(?: |$)", r"(?:\1 )\2", pattern)
    assert re.fullmatch(pattern, children + " " if children else ""), (tag, children)
    names = {name.rpartition("}")[2] for name in element.attrib}
    assert names >= set(shape.required.split()), tag
    assert names <= set(shape.required.split()) | set(shape.optional.split()), tag
    for name, value in element.attrib.items():
        assert re.fullmatch(VALUES.get(name, ".*"), value), (name, value)
    for child in element:
        check(child, shapes)


def line_at(text: str, quad: np.ndarray, *, vertical: bool = False) -> TextLine:
    box = tuple((float(x), float(y)) for x, y in quad)
    return TextLine(text, 0.83, box, spread(text, 0.7), vertical)


def page_of(lines: list[TextLine], degrees: int = 0) -> Page:
    angle = Angle(degrees, 1.0)
    return Page('d/a "b".png', 0, 800, 900, angle, tuple(lines), Elapsed(0, 0, 0, 0, 0))


def random_page(rng: np.random.Generator, degrees: int = 0) -> Page:
    alphabet = [*"abcXYZ 中文字，。 <>&\"'", "\u3000", "😀", "\t", "\x02", "\ud835", "\u0301"]
    lines = []
    for _ in range(int(rng.integers(0, 12))):
        text = "".join(rng.choice(alphabet, int(rng.integers(1, 12))))
        corner, size = rng.uniform(-20, 800, 2), rng.uniform(0, 200, 2)
        quad = corner + size * np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + rng.normal(0, 3, (4, 2))
        lines.append(line_at(text, quad, vertical=bool(rng.random() < 0.2)))
    return page_of(lines, degrees)


@pytest.fixture(params=[0, 90, 180, 270])
def pages(request: pytest.FixtureRequest, rng: np.random.Generator) -> list[Page]:
    return [random_page(rng, request.param) for _ in range(8)]


@pytest.mark.parametrize("characters", [False, True])
@pytest.mark.parametrize(("name", "shapes"), [("alto", ALTO_SHAPES), ("page", PAGE_SHAPES)])
def test_files_have_the_elements_their_schema_demands(
    pages: list[Page], name: str, shapes: dict[str, Shape], characters: bool
) -> None:
    for page in pages:
        element = ET.fromstring(FORMATS[name].encode([page], characters=characters))
        check(element, shapes)
        names = [e.get("ID") or e.get("id") for e in element.iter() if e.get("ID") or e.get("id")]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["alto", "page"])
def test_files_validate_against_the_published_schemas(pages: list[Page], name: str) -> None:
    path = Path(os.environ.get("OCR_SCHEMAS", "/nowhere")) / f"{name}.xsd"
    if not path.is_file():
        pytest.skip(f"no {path}: set OCR_SCHEMAS to the folder of the schemas")
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(path))
    for page in pages:
        schema.assertValid(etree.fromstring(FORMATS[name].encode([page], characters=True)))


def test_schema_check_notices_missing_attributes_and_wrong_order() -> None:
    page = page_of([line_at("a", np.array([[0, 0], [9, 0], [9, 5], [0, 5]]))])
    element = ET.fromstring(FORMATS["alto"].encode([page]))
    string = next(element.iter(f"{ALTO}String"))
    string.attrib.pop("CONTENT")
    with pytest.raises(AssertionError):
        check(element, ALTO_SHAPES)
    element = ET.fromstring(FORMATS["page"].encode([page]))
    region = next(element.iter(f"{PAGE}TextRegion"))
    region.insert(0, region[-1])
    with pytest.raises(AssertionError):
        check(element, PAGE_SHAPES)


def as_written(text: str) -> str:
    """Text as XML can hold it: white space as single spaces, none at the ends, no controls."""
    text = "".join("\ufffd" if c == "\x02" or "\ud800" <= c < "\ue000" else c for c in text)
    return " ".join(text.split())


def _hocr_lines(content: bytes) -> list[str]:
    found = ET.fromstring(content).iter(f"{XHTML}span")
    return ["".join(e.itertext()) for e in found if e.get("class") == "ocr_line"]


def _alto_lines(content: bytes) -> list[str]:
    parts = {f"{ALTO}String": lambda e: e.get("CONTENT"), f"{ALTO}SP": lambda e: " "}
    found = ET.fromstring(content).iter(f"{ALTO}TextLine")
    return ["".join(parts[e.tag](e) for e in line if e.tag in parts) for line in found]


def _page_lines(content: bytes) -> list[str]:
    found = ET.fromstring(content).iter(f"{PAGE}TextLine")
    return [(e.findtext(f"{PAGE}TextEquiv/{PAGE}Unicode") or "") for e in found]


@pytest.mark.parametrize("characters", [False, True])
def test_text_comes_back_in_order(pages: list[Page], characters: bool) -> None:
    readers = {"hocr": _hocr_lines, "alto": _alto_lines, "page": _page_lines}
    for page in pages:
        expected = [as_written(line.text) for line in page.lines if line.text.strip()]
        for name, read in readers.items():
            content = FORMATS[name].encode([page], characters=characters)
            found = [" ".join(text.split()) for text in read(content)]
            assert [text for text in found if text] == expected, name


def test_characters_make_up_their_words(pages: list[Page]) -> None:
    for page in pages:
        element = ET.fromstring(FORMATS["alto"].encode([page], characters=True))
        for string in element.iter(f"{ALTO}String"):
            glyphs = "".join(g.get("CONTENT", "") for g in string.iter(f"{ALTO}Glyph"))
            assert glyphs == string.get("CONTENT")


def test_words_lie_in_their_line_in_order() -> None:
    quad = np.array([[100, 50], [400, 50], [400, 80], [100, 80]])
    element = ET.fromstring(FORMATS["alto"].encode([page_of([line_at("ab cd 中文", quad)])]))
    places = [
        (int(e.get("HPOS", "")), int(e.get("WIDTH", "")))
        for e in element.iter()
        if e.tag in {f"{ALTO}String", f"{ALTO}SP"}
    ]
    assert len(places) == 5
    assert places[0][0] == 100
    assert sum(places[-1]) == 400
    for (x, width), (following, _) in zip(places, places[1:], strict=False):
        assert abs(x + width - following) <= 1


@pytest.mark.parametrize(("degrees", "turned"), [(0, None), (90, "-90"), (180, "180"), (270, "90")])
def test_page_says_how_to_turn_it_upright(degrees: int, turned: str | None) -> None:
    quad = np.array([[100, 50], [400, 50], [400, 80], [100, 80]])
    content = FORMATS["page"].encode([page_of([line_at("a", quad)], degrees)])
    page = ET.fromstring(content).find(f"{PAGE}Page")
    assert page is not None
    assert page.get("orientation") == turned


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_hocr_says_how_text_is_turned(degrees: int) -> None:
    flat = np.array([[0, 0], [300, 0], [300, 30], [0, 30]]) - [150, 15]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    page = page_of([line_at("abc", flat @ turn + 400)], degrees)
    line = next(
        e
        for e in ET.fromstring(FORMATS["hocr"].encode([page])).iter()
        if e.get("class") == "ocr_line"
    )
    found = re.search(r"textangle (\S+)", line.get("title", ""))
    assert (float(found[1]) if found else 0) == (360 - degrees) % 360


def test_hocr_is_html_to_a_browser() -> None:
    """Nothing but `meta` is closed where it opens, and no white space comes between characters."""
    quad = np.array([[100, 50], [400, 50], [400, 80], [100, 80]])
    page = page_of([line_at("中文 ab", quad), line_at(" ", quad + 60)])
    for pages in ([], [page], [page_of([])]):
        content = FORMATS["hocr"].encode(pages, characters=True).decode()
        assert not re.search(r"<(?!meta)\w+[^>]*/>", content)
    plain = re.sub(r"<[^>]*>", "", FORMATS["hocr"].encode([page], characters=True).decode())
    assert "中文 ab" in plain


def test_hocr_holds_pages_of_a_document() -> None:
    quad = np.array([[100, 50], [400, 50], [400, 80], [100, 80]])
    pages = [page_of([line_at("a", quad)]), page_of([line_at("b", quad)])]
    element = ET.fromstring(FORMATS["hocr"].encode(pages))
    names = [e.get("id") for e in element.iter() if e.get("id")]
    assert len(set(names)) == len(names)
    assert sum(e.get("class") == "ocr_page" for e in element.iter()) == 2
