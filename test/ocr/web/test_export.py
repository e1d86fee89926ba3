"""Edited pages come back and go out in any format: nothing changes but what was edited."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")

from fastapi.testclient import TestClient

from ocr import Page, Reader, TextLine
from ocr.formats import FORMATS, pagexml
from ocr.result import Angle, Character, Elapsed
from ocr.web.app import make_app
from ocr.web.errors import STATUSES, ServiceError
from ocr.web.limits import Limits
from ocr.web.reading import Document
from ocr.web.schema import document_json, parse_pages

ELAPSED = Elapsed(1.5, 2.0, 3.0, 4.0, 10.5)


def _line(text: str, top: float, *, vertical: bool = False) -> TextLine:
    box = ((10.0, top), (110.0, top + 2.5), (110.0, top + 22.5), (10.0, top + 20.0))
    step = 1 / len(text)
    characters = tuple(
        Character(each, round(0.5 + i / 100, 4), round(i * step, 5), round((i + 1) * step, 5))
        for i, each in enumerate(text)
    )
    return TextLine(text, 0.875, box, characters, vertical)


@pytest.fixture
def page() -> Page:
    lines = (
        _line("你好 world", 10.0),
        _line("a<b>&\"c'", 40.0),
        _line("竖排", 70.0, vertical=True),
    )
    return Page("图.png", 0, 160, 120, Angle(90, 0.75), lines, ELAPSED)


@pytest.fixture(scope="module")
def client() -> Any:
    reader = Reader(lambda image: (np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)), list)
    with TestClient(make_app(reader, limits=Limits(max_body_bytes=2**20))) as started:
        yield started


def _sent(*pages: Page, characters: bool = True) -> Any:
    return json.loads(document_json(Document(pages, ()), characters=characters))["pages"]


def _export(client: TestClient, pages: Any, format: str, **more: Any) -> Any:
    text = pages if isinstance(pages, str) else json.dumps(pages)
    fields = {"format": format, "pages": text, **more}
    return client.post("/export", files={key: (None, value) for key, value in fields.items()})


def test_pages_survive_the_way_there_and_back(page: Page) -> None:
    empty = Page("e", 1, 9, 9, Angle(0, 1.0), (), ELAPSED)
    assert parse_pages(json.dumps(_sent(page, empty))) == [page, empty]


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"pdf"}))
def test_unedited_export_is_what_the_project_writes(
    client: TestClient, page: Page, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noon(datetime):
        """A second may pass between the two, and PAGE says when a file was made."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Noon:
            return cls(2020, 1, 1, 12, tzinfo=tz)

    monkeypatch.setattr(pagexml, "datetime", Noon)
    answer = _export(client, _sent(page), name, name="图.png")
    assert answer.content == FORMATS[name].encode([page])


def test_edited_text_is_in_the_export(client: TestClient, page: Page) -> None:
    pages = _sent(page)
    pages[0]["lines"][0]["text"] = "再见 world"
    for name in ("txt", "tsv", "hocr", "alto", "page", "jsonl"):
        text = _export(client, pages, name).content.decode()
        assert "再见" in text
        assert "你好" not in text


def test_line_of_empty_text_is_left_out(page: Page) -> None:
    pages = _sent(page)
    pages[0]["lines"][1]["text"] = "  "
    (back,) = parse_pages(json.dumps(pages))
    assert [line.text for line in back.lines] == ["你好 world", "竖排"]


def test_edited_line_loses_its_characters_only(page: Page) -> None:
    pages = _sent(page)
    pages[0]["lines"][0]["text"] = "你们好\nworld"
    (back,) = parse_pages(json.dumps(pages))
    assert (back.lines[0].text, back.lines[0].characters) == ("你们好 world", ())
    assert back.lines[0].box == page.lines[0].box
    assert back.lines[1:] == page.lines[1:]


def test_one_page_formats_of_documents_are_archives(client: TestClient, page: Page) -> None:
    second = Page("图.png", 4, 160, 120, Angle(0, 1.0), page.lines[:1], ELAPSED)
    answer = _export(client, _sent(page, second), "page", name="图.pdf")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["图.p0.page.xml", "图.p4.page.xml"]
        assert archive.read("图.p4.page.xml") == FORMATS["page"].encode([second])


def test_pdf_takes_the_picture_that_comes_along(client: TestClient, page: Page) -> None:
    stream = io.BytesIO()
    PIL.Image.new("RGB", (160, 120), "white").save(stream, "PNG")
    data = {"format": "pdf", "pages": json.dumps(_sent(page)), "name": "图.png"}
    answer = client.post("/export", data=data, files={"file": ("图.png", stream.getvalue())})
    assert answer.content.startswith(b"%PDF-")
    for files, code in (
        ({"x": (None, "")}, "bad_request"),
        ({"file": ("图.png", b"none")}, "unreadable"),
    ):
        refused = client.post("/export", data=data, files=files)
        assert refused.status_code == STATUSES[code]
        assert refused.json()["error"]["code"] == code


def test_large_pages_come_as_a_file_part(client: TestClient, page: Page) -> None:
    pages = _sent(page)
    pages[0]["lines"] = pages[0]["lines"] * 500
    text = json.dumps(pages)
    files = {"pages": ("pages.json", text), "format": (None, "txt")}
    assert client.post("/export", files=files).text.count("\n") == 1500


@pytest.mark.parametrize(
    "pages",
    [
        "",
        "{",
        "[]",
        "{}",
        "[1]",
        '[{"width":1}]',
        '[{"width":1,"height":1,"lines":[{"text":"x","box":[[0,0],[1,0],[1,1]]}]}]',
        '[{"width":1,"height":1,"lines":[{"text":"x","box":[[0,0],[1,0],[1,1],[0,NaN]]}]}]',
        '[{"width":0,"height":1,"lines":[]}]',
        '[{"width":1,"height":1,"lines":[],"page":-1}]',
        "[" * 5000,
    ],
)
def test_pages_of_wrong_fields_are_refused(client: TestClient, pages: str) -> None:
    answer = _export(client, pages, "txt")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {"bad_option", "bad_request"}
    with pytest.raises(ServiceError):
        parse_pages(pages)


def test_wrong_format_and_missing_fields_are_named(client: TestClient, page: Page) -> None:
    assert "docx" in _export(client, _sent(page), "docx").json()["error"]["message"]
    only = client.post("/export", files={"format": (None, "txt")})
    assert "pages" in only.json()["error"]["message"]
    assert client.post("/export").status_code == 400
