"""Pages as text, JSON and files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ocr import Page, TextLine
from ocr.formats import FORMATS, save
from ocr.result import Angle, Elapsed

BOX = ((1.04, 2.0), (30.26, 2.0), (30.26, 12.0), (1.04, 12.0))


def _page(*texts: str, image: str = "a.png", page: int = 0) -> Page:
    lines = tuple(TextLine(text, 0.98765, BOX) for text in texts)
    return Page(image, page, 40, 20, Angle(90, 0.75), lines, Elapsed(1, 2, 3, 4.06, 10.06))


def test_json_has_the_published_fields() -> None:
    assert json.loads(_page("中 text").to_json()) == {
        "schema": 1,
        "image": "a.png",
        "page": 0,
        "width": 40,
        "height": 20,
        "angle": {"degrees": 90, "score": 0.75},
        "lines": [
            {
                "text": "中 text",
                "score": 0.9877,
                "box": [[1.0, 2.0], [30.3, 2.0], [30.3, 12.0], [1.0, 12.0]],
            }
        ],
        "elapsed_ms": {"decode": 1, "angle": 2, "detect": 3, "recognize": 4.1, "total": 10.1},
    }


def test_keys_come_in_the_published_order() -> None:
    assert list(json.loads(_page().to_json())) == [
        "schema", "image", "page", "width", "height", "angle", "lines", "elapsed_ms",
    ]  # fmt: skip


def test_json_keeps_characters_and_stays_on_one_line() -> None:
    text = _page('中文 "quoted"\nbroken \\ line').to_json()
    assert "中文" in text
    assert "\n" not in text
    assert json.loads(text)["lines"][0]["text"] == '中文 "quoted"\nbroken \\ line'


def test_names_that_are_no_utf8_are_still_json() -> None:
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    text = _page(image=name).to_json()
    assert json.loads(text.encode("utf-8"))["image"] == name


def test_scores_that_are_nan_are_refused_in_json() -> None:
    line = TextLine("x", float("nan"), BOX)
    with pytest.raises(ValueError, match="JSON"):
        Page("a", 0, 1, 1, Angle(0, 1), (line,), Elapsed(0, 0, 0, 0, 0)).to_json()


def test_text_of_a_page() -> None:
    assert _page().text == ""
    assert _page("a", "b").text == "a\nb"


def test_pages_and_lines_are_immutable_and_hashable() -> None:
    with pytest.raises(AttributeError):
        _page().width = 5  # type: ignore[misc]
    with pytest.raises(AttributeError):
        TextLine("x", 1, BOX).text = ""  # type: ignore[misc]
    assert _page("a") == _page("a")
    assert hash(_page("a")) == hash(_page("a"))


def test_files_of_several_pages() -> None:
    pages = [_page("a", "b"), _page(page=1), _page("c", page=2)]
    assert FORMATS["txt"].encode(pages) == b"a\nb\n\f\fc\n"
    assert [page["page"] for page in json.loads(FORMATS["json"].encode(pages))] == [0, 1, 2]
    assert FORMATS["txt"].encode([_page()]) == b""


def test_save_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    save(path, b"old")
    save(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_failed_save_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError, match=r"a\.txt"):
        save(tmp_path / "a.txt", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_numpy_scores_become_json_numbers() -> None:
    page = Page("a", 0, 1, 1, Angle(0, float(np.float32(0.5))), (), Elapsed(0, 0, 0, 0, 0))
    assert json.loads(page.to_json())["angle"]["score"] == 0.5
