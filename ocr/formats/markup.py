"""Build the elements that the XML formats have in common."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from ocr.formats.words import bounds
from ocr.result import Box

NAME = "ocr"
"""The program, as files name their maker."""

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def root(tag: str, namespace: str, schema: str) -> ET.Element:
    """The outermost element, of a namespace whose schema is at an address."""
    attributes = {
        "xmlns": namespace,
        "xmlns:xsi": _SCHEMA_INSTANCE,
        "xsi:schemaLocation": f"{namespace} {schema}",
    }
    return ET.Element(tag, attributes)


def add(
    parent: ET.Element, tag: str, attributes: Mapping[str, object] | None = None, text: str = ""
) -> ET.Element:
    """Add an element; values of attributes are written as `str` does."""
    element = ET.SubElement(parent, tag, {k: str(v) for k, v in (attributes or {}).items()})
    element.text = text or None
    return element


def document(element: ET.Element) -> str:
    """The file that an outermost element makes."""
    ET.indent(element, " ")
    return DECLARATION + ET.tostring(element, "unicode") + "\n"


def points(box: Box) -> str:
    """Corners as x,y in whole pixels, none below 0, divided by spaces."""
    return " ".join(f"{max(0, round(x))},{max(0, round(y))}" for x, y in box)


def rectangle(boxes: list[Box]) -> dict[str, object]:
    """The attributes with which ALTO places something: an upright rectangle."""
    left, top, right, bottom = bounds(boxes)
    return {"HPOS": left, "VPOS": top, "WIDTH": right - left, "HEIGHT": bottom - top}
