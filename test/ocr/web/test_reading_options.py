"""Options of reading that a request sets: as the command line has them, and refused in words where they are wrong."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")

from fastapi.testclient import TestClient

import ocr
from common.arrays import Image
from ocr import Reader
from ocr.web.app import make_app
from ocr.web.errors import ServiceError
from ocr.web.variants import KEPT, Readers, Variant

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture
def png(bars: Image) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(bars).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def client(bar_reader: Callable[..., Reader]) -> Iterator[TestClient]:
    with TestClient(make_app(bar_reader()), raise_server_exceptions=False) as running:
        yield running


@pytest.fixture(scope="module")
def shipped(shipped_reader: Reader) -> Iterator[TestClient]:
    build = functools.partial(ocr.load, threads=1)
    app = make_app(shipped_reader, build=lambda variant: build(**variant._asdict()))
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def texts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [line["text"] for page in answer.json()["pages"] for line in page["lines"]]


def refusal(answer: Any, code: str) -> str:
    assert answer.json()["error"]["code"] == code, answer.text
    return str(answer.json()["error"]["message"])


def test_regions_are_read_in_their_order(client: TestClient, png: bytes) -> None:
    lower, upper = "0,40,200,60", "0,0,1,0.3"
    query = client.post(f"/ocr?region={lower}&region={upper}", content=png)
    assert texts(query) == ["0,0,200", "200,0,0"]
    form = client.post("/ocr", files={"file": png}, data={"region": [lower, upper]})
    assert texts(form) == ["0,0,200", "200,0,0"]
    (page,) = form.json()["pages"]
    assert (page["width"], page["height"]) == (200, 120)
    assert page["lines"][0]["box"] == [[20, 50], [180, 50], [180, 70], [20, 70]]


def test_region_outside_the_picture_is_refused(client: TestClient, png: bytes) -> None:
    assert "region" in refusal(client.post("/ocr?region=300,0,9,9", content=png), "unreadable")


def test_punctuation_policy_applies_to_the_answer(client: TestClient, png: bytes) -> None:
    wide = client.post("/ocr?punctuation=fullwidth", content=png)
    assert texts(wide) == texts(client.post("/ocr", content=png))  # numbers keep their commas
    assert refusal(client.post("/ocr?punctuation=wide", content=png), "bad_option")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("region=1,2,3", "region"),
        ("region=0,0,0,0", "region"),
        ("punctuation=none", "punctuation"),
        ("vertical=perhaps", "vertical"),
        ("allowed=", "allowed"),
        ("&".join(["region=0,0,1,1"] * 41), "region"),
    ],
)
def test_wrong_options_are_named(client: TestClient, png: bytes, query: str, named: str) -> None:
    message = refusal(client.post(f"/ocr?{query}", content=png), "bad_option")
    assert named in message and "Value error" not in message


def test_a_service_with_a_reader_of_its_own_says_so(client: TestClient, png: bytes) -> None:
    for query in ("allowed=1", "languages=en", "lexicon=a", "vertical=true"):
        message = refusal(client.post(f"/ocr?{query}", content=png), "bad_option")
        assert "its own reader" in message


@pytest.mark.slow
def test_allowed_characters_and_languages_limit_what_is_read(shipped: TestClient) -> None:
    content = (DATA / "sign.png").read_bytes()
    digits = texts(shipped.post("/ocr?allowed=0123456789", content=content))
    assert set("".join(digits)) <= set("0123456789 ")
    english = texts(shipped.post("/ocr?languages=en", content=content))
    assert english and all(character < "\u2e80" for character in "".join(english))
    usual = texts(shipped.post("/ocr", content=content))
    assert any(character > "\u4e00" for character in "".join(usual))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"languages": "fr"}, "fr"),
        ({"languages": "en", "allowed": "1"}, "allowed"),
        ({"allowed": "\U0001f600"}, "allowed"),
    ],
)
def test_options_the_models_do_not_have_are_refused(
    shipped: TestClient, png: bytes, fields: dict[str, str], named: str
) -> None:
    answer = shipped.post("/ocr", files={"file": png}, data=fields)
    assert named in refusal(answer, "bad_option")


def test_readers_of_recent_options_are_reused(bar_reader: Callable[..., Reader]) -> None:
    built: list[Variant] = []

    def build(variant: Variant) -> Reader:
        built.append(variant)
        return bar_reader()

    readers = Readers(bar_reader(), build)
    assert readers.get(Variant()) is readers.usual
    first = readers.get(Variant(allowed="0"))
    assert readers.get(Variant(allowed="0")) is first
    for number in range(KEPT):
        readers.get(Variant(allowed=str(number + 1)))
    assert len(built) == KEPT + 1
    assert readers.get(Variant(allowed="0")) is not first
    with pytest.raises(ServiceError, match="own reader"):
        Readers(bar_reader()).get(Variant(vertical=True))


def test_readers_share_their_networks() -> None:
    plain, other = ocr.load(threads=1), ocr.load(threads=1, vertical=True)
    assert plain.models.recognizer.network is other.models.recognizer.network  # type: ignore[attr-defined]
