"""Write pages as ALTO 4.2, the XML in which libraries keep text with its layout."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ocr.formats.markup import NAME, add, document, points, rectangle, root
from ocr.formats.words import Word, plain_text, split_words
from ocr.layout.blocks import Block, find_blocks
from ocr.result import Box, Page, TextLine

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-2.xsd"


def to_alto(pages: Sequence[Page], characters: bool = False) -> str:
    """An ALTO document: a `Page` for each page, boxes in pixels of the picture as shown.

    Args:
        pages: In their order.
        characters: Words hold a `Glyph` for each of their characters.
    """
    alto = root("alto", NAMESPACE, _SCHEMA)
    description = add(alto, "Description")
    add(description, "MeasurementUnit", text="pixel")
    if pages:
        source = add(description, "sourceImageInformation")
        add(source, "fileName", text=plain_text(pages[0].image))
    processing = add(description, "Processing", {"ID": "processing_1"})
    add(processing, "processingCategory", text="contentGeneration")
    software = add(processing, "processingSoftware")
    add(software, "softwareName", text=NAME)
    layout = add(alto, "Layout")
    for number, page in enumerate(pages, 1):
        _add_page(layout, page, number, characters)
    return document(alto)


def _add_page(layout: ET.Element, page: Page, number: int, characters: bool) -> None:
    size = {"WIDTH": page.width, "HEIGHT": page.height}
    attributes = {"ID": f"page_{number}", "PHYSICAL_IMG_NR": page.page, **size}
    element = add(layout, "Page", attributes)
    space = add(element, "PrintSpace", {"HPOS": 0, "VPOS": 0, **size})
    for index, block in enumerate(find_blocks(page), 1):
        _add_block(space, page, block, f"{number}_{index}", characters)


def _add_block(space: ET.Element, page: Page, block: Block, place: str, characters: bool) -> None:
    """A block; ALTO knows no paragraphs inside one, so each paragraph is a block of its own."""
    for index, paragraph in enumerate(block.paragraphs, 1):
        lines = [(i, page.lines[i]) for i in paragraph if split_words(page.lines[i])]
        if not lines:
            continue
        attributes: dict[str, object] = {"ID": f"block_{place}_{index}"}
        attributes |= rectangle([line.box for _, line in lines])
        if page.angle.degrees:
            # ALTO counts counter-clockwise.
            attributes["ROTATION"] = 360 - page.angle.degrees
        element = add(space, "TextBlock", attributes)
        for i, line in lines:
            _add_line(element, line, f"{place}_{index}_{i + 1}", characters)


def _add_line(block: ET.Element, line: TextLine, place: str, characters: bool) -> None:
    element = add(block, "TextLine", {"ID": f"line_{place}", **rectangle([line.box])})
    _add_shape(element, line.box)
    words = split_words(line)
    for index, word in enumerate(words, 1):
        if index > 1:
            gap = line.part(words[index - 2].stop, word.start)
            place_of_gap = rectangle([gap])
            del place_of_gap["HEIGHT"]  # which the schema has no room for
            add(element, "SP", place_of_gap)
        attributes: dict[str, object] = {"ID": f"word_{place}_{index}"} | rectangle([word.box])
        attributes |= {"CONTENT": word.text, "WC": f"{word.score:.4f}"}
        string = add(element, "String", attributes)
        _add_shape(string, word.box)
        if characters:
            _add_glyphs(string, line, word, f"{place}_{index}")


def _add_glyphs(string: ET.Element, line: TextLine, word: Word, place: str) -> None:
    for number, character in enumerate(word.characters, 1):
        box = line.part(character.start, character.stop)
        attributes: dict[str, object] = {"ID": f"glyph_{place}_{number}"} | rectangle([box])
        attributes |= {"CONTENT": plain_text(character.text), "GC": f"{character.score:.4f}"}
        add(string, "Glyph", attributes)


def _add_shape(element: ET.Element, box: Box) -> None:
    add(add(element, "Shape"), "Polygon", {"POINTS": points(box)})
