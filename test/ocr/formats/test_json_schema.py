"""The JSON of a page is what `ocr/schema.json` says, with nothing that it does not describe."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import ocr
from common.image import load
from ocr.result import Angle, Elapsed, Page, TextLine

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "ocr" / "schema.json").read_text("utf-8"))
BOX = ((0.0, 0.0), (9.04, 0.0), (9.0, 5.0), (0.0, 5.0))


def _closed(schema: Any) -> Any:
    """The schema without room for further fields, which readers of a later version's JSON need."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    return closed | ({"additionalProperties": False} if "properties" in schema else {})


STRICT = jsonschema.Draft202012Validator(_closed(SCHEMA))


def _page(*lines: TextLine, **changes: Any) -> Page:
    fields = {
        "image": "a.png", "page": 0, "width": 9, "height": 5, "angle": Angle(0, 0.5), "lines": lines,
        "elapsed_ms": Elapsed(0.0, 1.0, 2.0, 3.0, 6.0),
    }  # fmt: skip
    return Page(**{**fields, **changes})


def test_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(_closed(SCHEMA))


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_pages_are_valid(lines: int) -> None:
    page = _page(*[TextLine("中文 text", 1.0, BOX)] * lines, image="\udcff 文件.png")
    STRICT.validate(json.loads(page.to_json()))


def test_json_of_shipped_reader_is_valid(shipped_reader: ocr.Reader) -> None:
    reader = shipped_reader
    image = load(ROOT / "test" / "data" / "sign.png")
    for turned in (0, 1):
        page = reader.read(np.ascontiguousarray(np.rot90(image, turned)))
        assert page.lines
        STRICT.validate(json.loads(page.to_json()))
        STRICT.validate(json.loads(page.to_json(characters=True)))
    STRICT.validate(json.loads(reader.read(np.full((9, 9, 3), 255, np.uint8)).to_json()))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("schema",), 2),
        (("image",), None),
        (("page",), -1),
        (("width",), 0),
        (("angle", "degrees"), 45),
        (("angle", "score"), 1.5),
        (("lines", 0, "text"), ""),
        (("lines", 0, "score"), "0.5"),
        (("lines", 0, "box"), [[0, 0], [1, 0], [1, 1]]),
        (("lines", 0, "box", 0), [0, 0, 0]),
        (("lines", 0, "more"), 1),
        (("elapsed_ms", "total"), -1),
        (("more",), 1),
    ],
)
def test_the_schema_refuses_what_is_wrong(place: tuple[Any, ...], value: object) -> None:
    content = json.loads(_page(TextLine("a", 0.5, BOX)).to_json())
    changed = copy.deepcopy(content)
    part = changed
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        STRICT.validate(changed)
    STRICT.validate(content)


def test_every_field_is_needed() -> None:
    content = json.loads(_page(TextLine("a", 0.5, BOX)).to_json())
    for part in (content, content["angle"], content["lines"][0], content["elapsed_ms"]):
        for key in list(part):
            value = part.pop(key)
            with pytest.raises(jsonschema.ValidationError):
                STRICT.validate(content)
            part[key] = value
    STRICT.validate(content)


def test_schema_allows_unknown_fields() -> None:
    content = json.loads(_page().to_json()) | {"later": 1}
    jsonschema.Draft202012Validator(SCHEMA).validate(content)
