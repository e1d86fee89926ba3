"""Write pages as hOCR 1.2: XHTML whose spans carry boxes, as many archives and PDF makers take it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ocr.formats.markup import DECLARATION, NAME
from ocr.formats.words import Word, bounds, plain_text, split_words
from ocr.layout.blocks import Block, find_blocks
from ocr.result import Box, Page, TextLine

_XHTML = "http://www.w3.org/1999/xhtml"
_CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf"
_LEVEL_DEGREES = 0.05  # a smaller angle is noise of the box and is left out


def to_hocr(pages: Sequence[Page], characters: bool = False) -> str:
    """An XHTML document with an `ocr_page` for each page.

    Args:
        pages: In their order.
        characters: Words hold an `ocrx_cinfo` for each of their characters.
    """
    html = ET.Element("html", {"xmlns": _XHTML})
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "title").text = plain_text(pages[0].image) if pages else NAME
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    ET.SubElement(head, "meta", {"name": "ocr-system", "content": NAME})
    names = f"{_CAPABILITIES} ocrx_cinfo" if characters else _CAPABILITIES
    ET.SubElement(head, "meta", {"name": "ocr-capabilities", "content": names})
    body = ET.SubElement(html, "body")
    body.text = "\n"
    for number, page in enumerate(pages, 1):
        _add_page(body, page, number, characters)
    return DECLARATION + "<!DOCTYPE html>\n" + ET.tostring(html, "unicode") + "\n"


def _add_page(body: ET.Element, page: Page, number: int, characters: bool) -> None:
    name = plain_text(page.image).replace('"', "'").replace("\\", "/")
    title = f'image "{name}"; bbox 0 0 {page.width} {page.height}; ppageno {page.page}'
    element = _element(body, "div", "ocr_page", f"page_{number}", title)
    for index, block in enumerate(find_blocks(page), 1):
        _add_block(element, page, block, f"{number}_{index}", characters)


def _add_block(parent: ET.Element, page: Page, block: Block, place: str, characters: bool) -> None:
    boxes = [page.lines[i].box for paragraph in block.paragraphs for i in paragraph]
    area = _element(parent, "div", "ocr_carea", f"block_{place}", _bbox(boxes))
    for index, paragraph in enumerate(block.paragraphs, 1):
        boxes = [page.lines[i].box for i in paragraph]
        element = _element(area, "p", "ocr_par", f"par_{place}_{index}", _bbox(boxes))
        for i in paragraph:
            _add_line(element, page.lines[i], f"{place}_{index}_{i + 1}", characters)


def _add_line(parent: ET.Element, line: TextLine, place: str, characters: bool) -> None:
    words = split_words(line)
    if not words:
        return
    title = _bbox([line.box])
    angle = _text_angle(line.box)
    if angle:
        title += f"; textangle {angle:g}"
    element = _element(parent, "span", "ocr_line", f"line_{place}", title)
    element.text = None
    for index, word in enumerate(words, 1):
        title = f"{_bbox([word.box])}; x_wconf {round(100 * word.score)}"
        span = _element(element, "span", "ocrx_word", f"word_{place}_{index}", title)
        # Nothing but the spaces of the text may stand inside a line.
        span.text = None if characters else word.text
        span.tail = " " if index < len(words) else None
        if characters:
            _add_characters(span, line, word)


def _add_characters(span: ET.Element, line: TextLine, word: Word) -> None:
    for character in word.characters:
        box = bounds([line.part(character.start, character.stop)])
        title = "x_bboxes {} {} {} {}; x_confs {}".format(*box, round(100 * character.score))
        attributes = {"class": "ocrx_cinfo", "title": title}
        ET.SubElement(span, "span", attributes).text = plain_text(character.text)


def _element(parent: ET.Element, tag: str, kind: str, name: str, title: str) -> ET.Element:
    element = ET.SubElement(parent, tag, {"class": kind, "id": name, "title": title})
    # Browsers take the file for HTML, in which no element but `meta` may be closed where it is opened.
    element.text = element.tail = "\n"
    return element


def _bbox(boxes: Sequence[Box]) -> str:
    return "bbox {} {} {} {}".format(*bounds(boxes))


def _text_angle(box: Box) -> float:
    """Degrees from 0 to 360 by which text is turned counter-clockwise; 0 where that is hardly to be seen."""
    (x0, y0), (x1, y1) = box[:2]
    angle = math.degrees(math.atan2(y0 - y1, x1 - x0)) % 360
    return 0.0 if min(angle, 360 - angle) < _LEVEL_DEGREES else round(angle, 2) % 360
