"""Write a page as PAGE XML of 2019, the form in which transcriptions are corrected and models compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from ocr.formats.markup import NAME, add, document, points, root
from ocr.formats.words import Word, bounds, plain_text, split_words
from ocr.layout.blocks import Block, find_blocks
from ocr.result import Box, Page, TextLine

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


def to_page_xml(pages: Sequence[Page], characters: bool = False) -> str:
    """A PAGE document.

    Args:
        pages: One; the format knows no documents of several.
        characters: Words hold a `Glyph` for each of their characters.
    """
    (page,) = pages
    element = root("PcGts", NAMESPACE, f"{NAMESPACE}/pagecontent.xsd")
    metadata = add(element, "Metadata")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for tag, text in (("Creator", NAME), ("Created", now), ("LastChange", now)):
        add(metadata, tag, text=text)
    attributes: dict[str, object] = {"imageFilename": plain_text(page.image)}
    attributes |= {"imageWidth": page.width, "imageHeight": page.height}
    if page.angle.degrees:
        # The turn that would make it upright, clockwise, from -179.999 to 180.
        attributes["orientation"] = {90: -90, 180: 180, 270: 90}[page.angle.degrees]
    content = add(element, "Page", attributes)
    blocks = [block for block in find_blocks(page) if any(block.paragraphs)]
    if blocks:
        order = add(add(content, "ReadingOrder"), "OrderedGroup", {"id": "reading_order"})
        number = 0
        for index, block in enumerate(blocks, 1):
            for paragraph in range(1, len(block.paragraphs) + 1):
                reference = {"index": number, "regionRef": f"region_{index}_{paragraph}"}
                add(order, "RegionRefIndexed", reference)
                number += 1
        for index, block in enumerate(blocks, 1):
            _add_block(content, page, block, index, characters)
    return document(element)


def _add_block(
    content: ET.Element, page: Page, block: Block, number: int, characters: bool
) -> None:
    for index, paragraph in enumerate(block.paragraphs, 1):
        place = f"{number}_{index}"
        region = add(content, "TextRegion", {"id": f"region_{place}"})
        left, top, right, bottom = bounds(page.lines[i].box for i in paragraph)
        _add_coords(region, ((left, top), (right, top), (right, bottom), (left, bottom)))
        for i in paragraph:
            _add_line(region, page.lines[i], f"{place}_{i + 1}", characters)
        text = "\n".join(plain_text(page.lines[i].text) for i in paragraph)
        _add_text(region, text, None)


def _add_line(region: ET.Element, line: TextLine, place: str, characters: bool) -> None:
    element = add(region, "TextLine", {"id": f"line_{place}"})
    _add_coords(element, line.box)
    for index, word in enumerate(split_words(line), 1):
        _add_word(element, line, word, f"{place}_{index}", characters)
    _add_text(element, plain_text(line.text), line.score)


def _add_word(parent: ET.Element, line: TextLine, word: Word, place: str, characters: bool) -> None:
    element = add(parent, "Word", {"id": f"word_{place}"})
    _add_coords(element, word.box)
    for number, character in enumerate(word.characters if characters else (), 1):
        glyph = add(element, "Glyph", {"id": f"glyph_{place}_{number}"})
        _add_coords(glyph, line.part(character.start, character.stop))
        _add_text(glyph, plain_text(character.text), character.score)
    _add_text(element, word.text, word.score)


def _add_coords(element: ET.Element, box: Box) -> None:
    add(element, "Coords", {"points": points(box)})


def _add_text(element: ET.Element, text: str, score: float | None) -> None:
    equivalent = add(element, "TextEquiv", {} if score is None else {"conf": f"{score:.4f}"})
    add(equivalent, "Unicode", text=text)
