"""The web page in a real browser: what a person does with it, and what it must not do."""

from __future__ import annotations

import base64
import io
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")
pytest.importorskip("playwright", reason="requirements-dev.txt is not installed")

import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

import ocr
from bench.live_clips import paste, stamp, write
from common.roles import Reading
from ocr.formats.draw import find_font
from ocr.web.app import make_app
from ocr.web.limits import Limits

pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parents[2] / "data"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_MS = 30_000


def _two_boxes(image: Any) -> Any:
    time.sleep(0.01)
    height, width = image.shape[:2]
    boxes = [[0, 0, width, height // 3], [0, height // 2, width // 2, height]]
    quads = [[[a, b], [c, b], [c, d], [a, d]] for a, b, c, d in boxes]
    return np.array(quads, np.float32), np.ones(2)


def _widths(crops: Sequence[Any]) -> list[Reading]:
    """Reads how wide each crop is; the higher one, which is the second line, is unsure."""
    return [Reading(f"宽 {crop.shape[1]}", 0.9 if crop.shape[0] < 28 else 0.4) for crop in crops]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright's own Chromium, or the one that this system has."""
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
        if not Path(path).exists():
            found = next(filter(None, map(shutil.which, BROWSERS)), None)
            if found is None:
                pytest.skip("no Chromium: playwright install chromium, or apt-get install chromium")
            path = found
        with playwright.chromium.launch(executable_path=path) as launched:
            yield launched


def _serve(reader: ocr.Reader) -> Iterator[str]:
    app = make_app(reader, limits=Limits(max_body_bytes=2**20, max_pages=5), workers=2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """A service that reads two lines on every picture: how wide they are."""
    yield from _serve(ocr.Reader(_two_boxes, _widths))


@pytest.fixture(scope="module")
def real_service() -> Iterator[str]:
    """A service with the models."""
    yield from _serve(ocr.load(threads=1))


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a service's page; fails on errors of its scripts and on requests to anywhere else."""
    problems: list[str] = []
    contexts = []

    def start(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-US", **options})
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((url, "blob:")) else problems.append(request.url)
            ),
        )
        page.goto(url)
        expect(page.locator("#limits")).not_to_be_empty()
        return page

    yield start
    for context in contexts:
        context.close()
    assert problems == []


def _picture(width: int, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    PIL.Image.new("RGB", (width, 60), (250, 240, 230)).save(stream, kind)
    return stream.getvalue()


def _files(*named: tuple[str, str, bytes]) -> list[Any]:
    return [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in named]


def _event(page: Page, kind: str, name: str, data: bytes, mime: str) -> None:
    """Drop or paste a file."""
    page.evaluate(
        """([kind, name, data, mime]) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, {type: mime}));
            const options = {bubbles: true, cancelable: true};
            document.body.dispatchEvent(kind === "paste"
                ? new ClipboardEvent(kind, {...options, clipboardData: transfer})
                : new DragEvent(kind, {...options, dataTransfer: transfer}));
        }""",
        [kind, name, base64.b64encode(data).decode(), mime],
    )


def _choose(page: Page, files: list[Any]) -> None:
    page.set_input_files("input.pick[multiple] >> nth=0", files)


def _done(page: Page, state: str = "done") -> None:
    page.wait_for_selector(f"body[data-state={state}]")


def _clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def _download(page: Page, name: str) -> tuple[str, bytes]:
    page.click("#download summary")
    with page.expect_download() as caught:
        page.click(f'#formats button[data-name="{name}"]')
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()


def test_drop_read_select_edit_copy_download(open_page: Open, real_service: str) -> None:
    page = open_page(real_service, viewport={"width": 1200, "height": 800})
    picture = (DATA / "sign.png").read_bytes()
    _event(page, "dragenter", "sign.png", picture, "image/png")
    expect(page.locator("#veil")).to_be_visible()
    _event(page, "drop", "sign.png", picture, "image/png")
    expect(page.locator("#veil")).to_be_hidden()
    _done(page)
    truth = (DATA / "sign.txt").read_text("utf-8").split()  # phrases of large lettering part
    lines = page.locator("#lines .line")
    expect(lines).to_have_text(truth)
    assert page.locator("#image").evaluate("image => image.naturalWidth") > 0

    # Hovering links both ways.
    page.hover("#quads polygon >> nth=1")
    expect(page.locator("#lines li.hover")).to_contain_text(truth[1])
    page.hover("#lines li >> nth=2")
    expect(page.locator("#quads polygon").nth(2)).to_have_class("hover")

    # Selecting with the mouse from the first line to the second, and copying.
    first, second = lines.nth(0).bounding_box(), lines.nth(1).bounding_box()
    assert first is not None
    assert second is not None
    page.mouse.move(first["x"] + 2, first["y"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(second["x"] + second["width"] - 2, second["y"] + second["height"] / 2, steps=4)
    page.mouse.up()
    page.keyboard.press("Control+c")
    assert _clipboard(page) == "\n".join(truth[:2])

    # Editing with the keyboard: Enter keeps, Escape drops.
    lines.nth(1).focus()
    page.keyboard.press("Enter")
    page.keyboard.type(" & CO")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("F2")
    page.keyboard.type("never")
    page.keyboard.press("Escape")
    edited = [truth[0], f"{truth[1]} & CO", *truth[2:]]
    expect(lines).to_have_text(edited)
    page.click("#copy")
    expect(page.locator("#toast")).to_have_text("Copied")
    assert _clipboard(page) == "\n".join(edited)

    assert _download(page, "txt") == ("sign.txt", ("\n".join(edited) + "\n").encode())
    name, content = _download(page, "pdf")
    assert (name, content[:5]) == ("sign.pdf", b"%PDF-")
    for each in ("hocr", "alto", "md"):
        assert re.search(rb"\bCO\b", _download(page, each)[1])

    # Undoing gives back what was read.
    page.hover("#lines li >> nth=1")
    page.click("#lines li >> nth=1 >> .undo")
    expect(lines).to_have_text(truth)


def test_pasted_picture_is_read(open_page: Open, service: str) -> None:
    page = open_page(service)
    _event(page, "paste", "image.png", _picture(300), "image/png")
    _done(page)
    expect(page.locator("#lines .line").first).to_contain_text("宽 3")
    expect(page.locator("#files .label")).to_contain_text("pasted-1.png")
    expect(page.locator("#lines li.low")).to_have_count(1)


def test_error_is_clear_and_harmless(open_page: Open, service: str) -> None:
    page = open_page(service)
    _choose(
        page,
        _files(
            ("notes.docx", "application/msword", b"no picture"),
            ("large.png", "image/png", b"\0" * (2**20 + 1)),
            ("good.png", "image/png", _picture(200)),
        ),
    )
    _done(page, "failed")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("notes.docx was not read")
    expect(alert).to_contain_text("not a picture in a known format")
    expect(page.locator("#picture")).to_be_hidden()
    page.click("#files li:nth-child(2) .open")
    expect(alert).to_contain_text("larger than 1 MB")
    page.click("#files li:nth-child(3) .open")
    _done(page)
    expect(alert).to_be_hidden()
    expect(page.locator("#lines .line")).to_have_count(2)
    page.click("#files li:nth-child(1) .open")
    for left in (2, 1, 0):
        page.click("#remove" if left else "#files .close")
        expect(page.locator("#files li")).to_have_count(left)
    expect(page.locator("#welcome")).to_be_visible()


def test_service_that_is_busy_or_gone(open_page: Open, service: str) -> None:
    page = open_page(service)
    answers = ["gone", "busy", "through"]

    def answer(route: Any) -> None:
        kind = answers.pop(0)
        if kind == "gone":
            route.abort()
        elif kind == "busy":
            error = {"error": {"code": "busy", "status": 429, "message": "busy"}}
            route.fulfill(status=429, json=error, headers={"Retry-After": "1"})
        else:
            route.continue_()

    page.route("**/ocr?*", answer)
    _choose(page, _files(("a.png", "image/png", _picture(200))))
    _done(page, "failed")
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.click("#retry")
    _done(page)
    expect(page.locator("#lines .line")).to_have_count(2)
    assert answers == []


def test_twenty_pictures_in_a_row(open_page: Open, service: str) -> None:
    page = open_page(service)
    widths = range(100, 300, 10)
    _choose(page, _files(*((f"{w}.png", "image/png", _picture(w)) for w in widths)))
    expect(page.locator("#files li.done")).to_have_count(20)
    seen = set()
    for index, width in enumerate(widths):
        page.click(f"#files li:nth-child({index + 1}) .open")
        expect(page.locator("#name")).to_have_text(f"{width}.png")
        seen.add(page.locator("#lines .line").first.text_content())
        assert (
            page.locator("#image").evaluate("i => i.decode().then(() => i.naturalWidth)") == width
        )
    assert len(seen) == 20  # each its own text
    # Edits stay with their file.
    page.locator("#lines .line").first.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type("mine")
    page.click("#files li:nth-child(1) .open")
    expect(page.locator("#lines")).not_to_contain_text("mine")
    page.click("#files li:nth-child(20) .open")
    expect(page.locator("#lines .line").first).to_have_text("mine")
    for left in range(20, 17, -1):
        expect(page.locator("#files li")).to_have_count(left)
        page.locator("#files .close").first.click()


def test_pages_of_a_document(open_page: Open, service: str) -> None:
    page = open_page(service)
    stream = io.BytesIO()
    pages = [PIL.Image.new("RGB", (width, 60), "white") for width in (100, 200, 300)]
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    _choose(page, _files(("a.tif", "image/tiff", stream.getvalue())))
    _done(page)
    texts = []
    for number in (1, 2, 3):
        expect(page.locator("#page")).to_have_text(f"{number} / 3")
        page.wait_for_selector("#image[src^=blob]")
        expect(page.locator("#stage")).not_to_have_class("blank")
        width = page.locator("#image").evaluate("i => i.decode().then(() => i.naturalWidth)")
        assert width == number * 100
        texts.append(page.locator("#lines .line").all_text_contents())
        if number < 3:
            page.click("#next")
    page.click("#copy")
    expect(page.locator("#toast")).to_have_text("Copied")
    assert _clipboard(page) == "\n\n".join("\n".join(lines) for lines in texts)
    assert _download(page, "page")[0] == "a.page.zip"


def test_phone_in_chinese_and_dark(open_page: Open, service: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    page = open_page(service, locale="zh-CN", color_scheme="dark", **phone)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator(".zone label.touch")).to_contain_text("拍照")
    _choose(page, _files(("很长的文件名" * 9 + ".png", "image/png", _picture(3000))))
    _done(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for selector in (
        "#copy",
        "#download summary",
        "#lines .line >> nth=1",
        "#language",
        "#zoom-in",
    ):
        box = page.locator(selector).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844
    page.tap("#quads polygon >> nth=0")
    expect(page.locator("#lines li").first).to_have_class(re.compile("selected"))
    expect(page.locator("#copy")).to_have_text("复制全部")
    page.tap("#language")
    expect(page.locator("#copy")).to_have_text("Copy all")
    expect(page.locator("#count")).to_have_text("2 lines")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = open_page(service, color_scheme="light")
    assert dark != light.evaluate("getComputedStyle(document.body).backgroundColor")


def test_keyboard_reaches_everything(open_page: Open, service: str) -> None:
    page = open_page(service)
    _choose(page, _files(("a.png", "image/png", _picture(200))))
    _done(page)
    page.locator("body").focus()
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.className "
                "|| document.activeElement.tagName"
            )
        )
    for each in (
        "angle",
        "single-line",
        "language",
        "open",
        "pick unseen",
        "copy",
        "again",
        "line",
    ):
        assert each in reached
    assert "SUMMARY" in reached or "button" in reached


def test_a_clip_has_a_time_line(real_service: str, open_page: Open, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="requirements-video.txt is not installed")
    font = find_font(24)
    if font is None:
        pytest.skip("no Chinese font on this system")
    layers = [stamp([(text, (255, 255, 255))], font) for text in ("小明：大家好", "小红 来了")]

    def pictures() -> Iterator[Any]:
        for i in range(40):
            picture = np.full((180, 320, 3), 60, np.uint8)
            for k, layer in enumerate(layers):
                if 5 + 10 * k <= i < 25 + 10 * k:
                    paste(picture, layer, 40, 60 + 50 * k, 0, 1.0)
            yield picture

    path = tmp_path / "clip.mp4"
    write(path, pictures(), rate=10, bit_rate=300_000)
    page = open_page(real_service)
    page.locator("#comments").check()
    page.locator("#welcome .pick").first.set_input_files(
        _files(("clip.mp4", "video/mp4", path.read_bytes()))
    )
    events = page.locator("#events li")
    expect(events).to_have_count(2)
    expect(events.nth(0)).to_contain_text("小明：大家好")
    expect(events.nth(1)).to_contain_text("came in")
    expect(page.locator("#tracks i")).to_have_count(2)
    expect(page.locator("#video")).to_be_visible()
    expect(page.locator("#count")).to_contain_text("2 events")
    page.locator("#language").click()
    expect(events.nth(1)).to_contain_text("进场")
    # A picture after it is a page again.
    page.locator("#strip .pick").first.set_input_files(_files(("a.png", "image/png", _picture(80))))
    expect(page.locator("#film")).to_be_hidden()
    expect(page.locator("#pane")).to_be_visible()
