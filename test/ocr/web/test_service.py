"""The service's interface: bodies, options, limits, errors of one form, counts."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")

from fastapi.testclient import TestClient

from common.arrays import Image
from ocr import Reader
from ocr.formats import FORMATS
from ocr.web.app import make_app
from ocr.web.errors import STATUSES
from ocr.web.limits import Limits

TEXTS = ["200,0,0", "0,0,200"]
Serve = Callable[..., TestClient]


@pytest.fixture
def serve(bar_reader: Callable[..., Reader]) -> Iterator[Serve]:
    """Starts a service of a reader of colored bars."""
    running = []

    def start(*, workers: int = 1, allow_urls: bool = False, **limits: float) -> TestClient:
        reader = bar_reader()
        app = make_app(reader, limits=Limits(**limits), workers=workers, allow_urls=allow_urls)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        running.append(client)
        return client

    yield start
    for client in running:
        client.__exit__(None, None, None)


@pytest.fixture
def png(bars: Image) -> bytes:
    return _encode([bars], "PNG")


def _encode(images: list[Image], kind: str) -> bytes:
    stream = io.BytesIO()
    first, *others = (PIL.Image.fromarray(image) for image in images)
    options = {"save_all": True, "append_images": others} if others else {}
    first.save(stream, kind, **options)
    return stream.getvalue()


def _error(answer: Any, code: str) -> str:
    """Check an error's form; returns its message."""
    assert answer.status_code == STATUSES[code], answer.text
    (error,) = answer.json().values()
    assert set(error) == {"code", "status", "message"}
    assert (error["code"], error["status"]) == (code, STATUSES[code])
    assert error["message"].isprintable()
    return str(error["message"])


def _texts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [line["text"] for page in answer.json()["pages"] for line in page["lines"]]


def test_request_without_file_is_refused(serve: Serve) -> None:
    client = serve()
    assert "no file" in _error(client.post("/ocr"), "bad_request")
    assert "no file" in _error(client.post("/ocr", files={"name": (None, "y")}), "bad_request")


def test_white_page_has_no_lines(serve: Serve) -> None:
    white = _encode([np.full((40, 60, 3), 255, np.uint8)], "PNG")
    assert _texts(serve().post("/ocr", content=white)) == []


def test_raw_bodies_and_forms_are_answered_alike(serve: Serve, png: bytes) -> None:
    client = serve()
    raw = client.post("/ocr?name=a.png", content=png)
    # What curl --data-binary says of a body it knows nothing about.
    as_form = {"content-type": "application/x-www-form-urlencoded"}
    curl = client.post("/ocr?name=a.png", content=png, headers=as_form)
    form = client.post("/ocr", files={"file": ("a.png", png, "image/png")})
    for answer in (raw, curl, form):
        (page,) = answer.json()["pages"]
        assert [line["text"] for line in page["lines"]] == TEXTS
        assert (page["image"], page["page"], page["width"], page["height"]) == (
            "a.png",
            0,
            200,
            120,
        )
        assert page["lines"][0]["box"] == [[20, 10], [120, 10], [120, 30], [20, 30]]
        assert answer.json()["failed"] == []


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_answered(serve: Serve, png: bytes, name: str) -> None:
    answer = serve().post("/ocr", files={"file": ("图 1.png", png)}, data={"format": name})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(FORMATS[name].media_type)
    assert "%E5%9B%BE%201." in answer.headers["content-disposition"]
    content = answer.content
    if name == "pdf":
        assert content.startswith(b"%PDF-")
    elif name != "md":  # which leaves out what it takes for page numbers
        assert all(re.search(r"\W+".join(text.split(",")), content.decode()) for text in TEXTS)


def test_form_wins_over_query(serve: Serve, png: bytes) -> None:
    answer = serve().post("/ocr?format=json", files={"file": png}, data={"format": "txt"})
    assert answer.text == "\n".join(TEXTS) + "\n"


def test_options_reach_the_reader(serve: Serve, png: bytes) -> None:
    client = serve()
    (page,) = client.post("/ocr?single_line=true&angle=false", content=png).json()["pages"]
    # The whole picture is the line, and its middle is red or blue or white.
    assert len(page["lines"]) <= 1
    assert page["angle"] == {"degrees": 0, "score": 1.0}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("format=docx", "docx"),
        ("angle=maybe", "angle"),
        ("angel=false", "angel"),
        ("page=-1", "page"),
        ("format=" + "x" * 5000, "format"),
    ],
)
def test_wrong_options_are_named(serve: Serve, png: bytes, query: str, named: str) -> None:
    message = _error(serve().post(f"/ocr?{query}", content=png), "bad_option")
    assert named in message
    assert len(message) < 600


def test_wrong_option_of_a_form_is_named(serve: Serve, png: bytes) -> None:
    answer = serve().post("/ocr", files={"file": png}, data={"single_line": "2"})
    assert "single_line" in _error(answer, "bad_option")


def test_two_files_are_refused(serve: Serve, png: bytes) -> None:
    files = [("file", ("a.png", png)), ("file", ("b.png", png))]
    _error(serve().post("/ocr", files=files), "bad_request")


def test_damaged_form_is_refused(serve: Serve) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    client = serve()
    _error(client.post("/ocr", content=b"--x\r\nrubbish", headers=kind), "bad_request")
    kind = {"content-type": "multipart/form-data"}
    _error(client.post("/ocr", content=b"rubbish", headers=kind), "bad_request")


@pytest.mark.parametrize("content", [b"\0", b"hello", b"%PDF-1.4 rubbish", b"\x89PNG\r\n\x1a\n123"])
def test_unreadable_files_are_refused_by_name(serve: Serve, content: bytes) -> None:
    message = _error(serve().post("/ocr?name=bad.bin", content=content), "unreadable")
    assert message.startswith("bad.bin: ")
    assert "/" not in message  # no path of this machine


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\x\\passwd", "/", "a\nb\r\n", "", "长" * 999]
)
def test_file_names_are_sanitized(serve: Serve, png: bytes, name: str) -> None:
    answer = serve().post("/ocr", params={"name": name, "format": "txt"}, content=png)
    assert answer.status_code == 200
    disposition = answer.headers["content-disposition"]
    assert ".." not in disposition.replace("..txt", ".txt")
    assert "\n" not in disposition
    assert "%2F" not in disposition


def test_damaged_page_leaves_the_others(serve: Serve, bars: Image) -> None:
    pages = [_encode([bars], "TIFF") for _ in range(3)]
    content = _encode([bars, bars, bars], "TIFF")
    cut = content[: len(content) - len(pages[0]) // 2]  # the last page's pixels end early
    client = serve()
    answer = client.post("/ocr?name=a.tif", content=cut)
    assert _texts(answer) == TEXTS * 2
    (failed,) = answer.json()["failed"]
    assert failed["page"] == 2
    assert failed["message"].startswith("a.tif: ")
    answer = client.post("/ocr?name=a.tif&format=txt", content=cut)
    assert answer.headers["ocr-failed-pages"] == "2"


def test_pages_of_documents_and_their_limit(serve: Serve) -> None:
    client = serve(max_pages=3)
    white = np.full((9, 16, 3), 255, np.uint8)
    for kind in ("PDF", "TIFF"):
        pages = client.post("/ocr", content=_encode([white] * 3, kind)).json()["pages"]
        assert [page["page"] for page in pages] == [0, 1, 2]
        answer = client.post("/ocr", content=_encode([white] * 4, kind))
        assert "3 pages" in _error(answer, "too_many_pages")


def test_pixels_are_limited_before_decoding(
    serve: Serve, bars: Image, write_white_png: Callable[..., Path], tmp_path: Path
) -> None:
    client = serve(max_pixels=bars.shape[0] * bars.shape[1])
    assert client.post("/ocr", content=_encode([bars], "PNG")).status_code == 200
    larger = np.pad(bars, ((0, 1), (0, 0), (0, 0)))
    assert "megapixels" in _error(
        client.post("/ocr", content=_encode([larger], "PNG")), "too_many_pixels"
    )
    huge = write_white_png(tmp_path / "huge.png", (3000, 3000), rgb=False)
    _error(client.post("/ocr", content=huge.read_bytes()), "too_many_pixels")


def test_body_is_limited_with_and_without_its_length(serve: Serve, png: bytes) -> None:
    client = serve(max_body_bytes=len(png))
    assert client.post("/ocr", content=png).status_code == 200
    _error(client.post("/ocr", content=png + b"\0"), "too_large")
    _error(client.post("/ocr", content=iter([png, b"\0"])), "too_large")
    _error(client.post("/ocr", files={"file": png}), "too_large")  # the form around it counts


def test_large_form_leaves_no_file(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = serve(max_body_bytes=3 * 2**20)
    (folder,) = tmp_path.iterdir()
    for size in (2 * 2**20, 4 * 2**20):
        assert client.post("/ocr", files={"file": b"\0" * size}).status_code in {413, 422}
        assert client.post("/ocr", content=b"\0" * size).status_code in {413, 422}
        assert list(folder.iterdir()) == []


def test_full_queue_says_when_to_come_back(
    serve: Serve, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, begun = threading.Event(), threading.Event()

    def slow(*arguments: Any, **options: Any) -> Any:
        begun.set()
        release.wait(10)
        return real(*arguments, **options)

    import ocr.web.service as module

    real = module.read_document
    monkeypatch.setattr(module, "read_document", slow)
    client = serve(workers=1, queue_size=1)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.post("/ocr", content=png)))
        for _ in range(2)
    ]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    while "ocr_queue_waiting 1.0" not in client.get("/metrics").text:
        pass
    refused = client.post("/ocr", content=png)
    assert "1 worker busy and " in _error(refused, "busy")
    assert int(refused.headers["retry-after"]) >= 1
    assert client.get("/healthz").json() == {"status": "ok"}
    release.set()
    for thread in threads:
        thread.join(10)
    assert [_texts(answer) for answer in answers] == [TEXTS] * 2


def test_reading_over_the_time_limit_is_an_error(
    serve: Serve, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: Any, __: Any, ___: Any, cancelled: Any, **____: Any) -> None:
        cancelled.wait(10)

    monkeypatch.setattr("ocr.web.service.read_document", endless)
    _error(serve(read_timeout_s=0.05).post("/ocr", content=png), "read_timeout")


def test_defect_is_an_error_of_the_same_form(
    serve: Serve, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("ocr.web.service.read_document", broken)
    client = serve()
    answer = client.post("/ocr", content=png)
    assert "secret" not in _error(answer, "internal")
    assert 'ocr_requests_total{path="/ocr",status="500"} 1.0' in client.get("/metrics").text


def test_urls_are_refused_by_default(serve: Serve, png: bytes) -> None:
    client = serve()
    _error(client.post("/ocr?url=http://example.org/a.png"), "url_refused")
    _error(
        client.post("/ocr", data={"url": "http://example.org"}, files={"x": (None, "")}),
        "url_refused",
    )
    _error(client.post("/ocr?url=http://example.org", content=png), "bad_request")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://localhost:8000/", "http://[::1]/", "file:///etc/passwd"]
)
def test_urls_of_this_machine_are_refused_where_urls_are_on(serve: Serve, url: str) -> None:
    client = serve(allow_urls=True)
    _error(client.post("/ocr", params={"url": url}), "url_refused")


def test_unknown_paths_and_methods_are_errors(serve: Serve) -> None:
    client = serve()
    _error(client.get("/nowhere"), "not_found")
    _error(client.get("/static/../app.py"), "not_found")
    _error(client.get("/static/%2e%2e/app.py"), "not_found")
    _error(client.get("/ocr"), "method_not_allowed")


def test_preview_is_a_jpeg_of_the_page(serve: Serve, bars: Image) -> None:
    client = serve()
    content = _encode([np.full((10, 20, 3), 9, np.uint8), bars], "TIFF")
    answer = client.post("/preview?page=1", content=content)
    assert answer.headers["content-type"] == "image/jpeg"
    with PIL.Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (200, 120))
    assert "fewer" in _error(client.post("/preview?page=2", content=content), "bad_option")


def test_preview_is_reduced(serve: Serve) -> None:
    wide = _encode([np.full((4, 5000, 3), 9, np.uint8)], "TIFF")
    with PIL.Image.open(io.BytesIO(serve().post("/preview", content=wide).content)) as picture:
        assert picture.size == (2000, 2)


def test_metrics_count_requests_and_errors(serve: Serve, png: bytes) -> None:
    client = serve()
    client.post("/ocr", content=png)
    client.post("/ocr", content=b"no picture")
    client.get("/made/up/" + "x" * 99)
    text = client.get("/metrics").text
    for line in (
        'ocr_requests_total{path="/ocr",status="200"} 1.0',
        'ocr_requests_total{path="/ocr",status="422"} 1.0',
        'ocr_requests_total{path="other",status="404"} 1.0',
        'ocr_errors_total{code="unreadable"} 1.0',
        "ocr_pages_total 1.0",
        "ocr_lines_total 2.0",
        "ocr_workers 1.0",
        "ocr_workers_busy 0.0",
    ):
        assert line in text.splitlines()


def test_openapi_describes_all_options_and_answers(serve: Serve, png: bytes) -> None:
    client = serve()
    schema = client.get("/openapi.json").json()
    post = schema["paths"]["/ocr"]["post"]
    assert {"application/octet-stream", "multipart/form-data"} == set(
        post["requestBody"]["content"]
    )
    assert {option["name"] for option in post["parameters"]} >= {"format", "angle", "single_line"}
    models = schema["components"]["schemas"]
    page = client.post("/ocr?characters=true", content=png).json()["pages"][0]
    assert set(page) | {"tables"} == set(
        models["PageModel"]["properties"]
    )  # tables where there are some
    assert set(page["lines"][0]) <= set(models["LineModel"]["properties"])
    assert models["ErrorDetail"]["properties"]["code"]["enum"] == list(STATUSES)


def test_page_loads_nothing_from_elsewhere(serve: Serve) -> None:
    client = serve()
    answer = client.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    names = ("app.js", "view.js", "service.js", "words.js", "style.css", "icon.svg")
    texts = [answer.text, *(client.get(f"/static/{name}").text for name in names)]
    for text in texts:
        assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
    for path in ("/docs", "/redoc"):
        _error(client.get(path), "not_found")


def test_both_languages_have_the_same_words() -> None:
    text = (Path(__file__).resolve().parents[3] / "ocr/web/static/words.js").read_text("utf-8")
    english, chinese = text.split("  zh: {")

    def keys(part: str) -> list[str]:
        return re.findall(r'\b(\w+): "', part)

    assert keys(english) == keys(chinese)
    for code in ("too_large", "unreadable", "busy", "read_timeout"):
        assert code in keys(english)
        assert code in STATUSES


def test_json_of_the_service_is_that_of_the_project(serve: Serve, png: bytes) -> None:
    client = serve()
    ours = client.post("/ocr?name=a.png", content=png).json()["pages"][0]
    theirs = json.loads(client.post("/ocr?name=a.png&format=jsonl", content=png).text)
    assert set(theirs) <= set(ours)
    assert [line["text"] for line in theirs["lines"]] == [line["text"] for line in ours["lines"]]
