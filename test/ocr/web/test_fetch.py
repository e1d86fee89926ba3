"""URLs: nothing of this network can be reached through the service, however it is spelled or redirected."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")

from ocr.web.errors import ServiceError
from ocr.web.fetch import MAX_REDIRECTS, CheckedNetwork, check_url, fetch, is_public
from ocr.web.limits import Limits

PRIVATE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
    "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1",
    "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "", "localhost", "1.2.3",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "a.png", "//example.org", "ftp://example.org/a", "file:///etc/passwd", "gopher://x/",
        "http://", "http:///a", "http://user:pass@example.org/", "http://user@example.org/",
        "http://example.org:0/", "http://example.org:99999/", "http://[::1", "http://例子.org/",
        "http://example.org/a b", "http://example.org/\r\nHost: x", "HTTP+unix://x",
    ],
)  # fmt: skip
def test_urls_of_other_schemes_and_forms_are_refused(url: str) -> None:
    with pytest.raises(ServiceError) as refused:
        check_url(url)
    assert refused.value.code == "url_refused"


class _Site(BaseHTTPRequestHandler):
    """Answers as a path says; remembers which paths and hosts were asked for."""

    def do_GET(self) -> None:
        self.server.seen.append((self.headers["Host"].partition(":")[0], self.path))  # type: ignore[attr-defined]
        kind, _, rest = self.path[1:].partition("/")
        if kind == "to":
            self._answer(302, location=rest)
        elif kind == "loop":
            self._answer(307, location=self.path)
        elif kind == "packed":
            self._answer(200, content_encoding="gzip")
        elif kind == "status":
            self._answer(int(rest))
        elif kind == "slow":
            self._answer(200, length=100)
            time.sleep(1)
        elif kind == "size":
            self._answer(200)
            self.wfile.write(b"x" * int(rest))
        else:
            self._answer(200)
            self.wfile.write(b"content")

    def _answer(self, status: int, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=partial(server.serve_forever, 0.02))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


Fetch = Callable[..., tuple[str, bytes]]


@pytest.fixture
def get(site: ThreadingHTTPServer, tmp_path: Path) -> Fetch:
    """Fetches from the site as if 127.0.0.1 were public and other loopback addresses were not.

    Names that start with "good" are the site's; all others are at 127.0.0.2.
    """
    target = tmp_path / "target"
    site.seen.clear()  # type: ignore[attr-defined]

    async def resolver(host: str, _: int) -> list[str]:
        return ["127.0.0.1"] if host.startswith("good") else ["127.0.0.2"]

    def run(path: str, **limits: Any) -> tuple[str, bytes]:
        network = CheckedNetwork(resolver, lambda address: address == "127.0.0.1")
        url = path if path.startswith("http") else f"http://good.example:{site.server_port}{path}"
        name = asyncio.run(fetch(url, target, Limits(**limits), network))
        return name, target.read_bytes()

    return run


def _refused(get: Fetch, path: str, code: str, **limits: Any) -> str:
    with pytest.raises(ServiceError) as refused:
        get(path, **limits)
    assert refused.value.code == code
    return refused.value.message


def test_fetches_and_names(get: Fetch, site: ThreadingHTTPServer) -> None:
    assert get("/a/b%20c.png?x=1") == ("b c.png", b"content")
    assert get("/")[0] == "good.example"
    assert site.seen[0] == ("good.example", "/a/b%20c.png?x=1")  # type: ignore[attr-defined]


def test_follows_redirects(get: Fetch) -> None:
    assert get("/to//to//a.png")[1] == b"content"


def test_each_redirect_is_checked(get: Fetch, site: ThreadingHTTPServer) -> None:
    port = site.server_port
    for where in (
        f"http://bad.example:{port}/a",
        f"http://127.0.0.2:{port}/a",
        f"http://[::1]:{port}/",
    ):
        assert "public" in _refused(get, f"/to/{where}", "url_refused")
    for where in ("file:///etc/passwd", "http://user:x@good.example/"):
        _refused(get, f"/to/{where}", "url_refused")
    assert {host for host, _ in site.seen} == {"good.example"}  # type: ignore[attr-defined]


def test_endless_redirects_are_refused(get: Fetch, site: ThreadingHTTPServer) -> None:
    assert "redirects" in _refused(get, "/loop", "url_failed")
    assert len(site.seen) == MAX_REDIRECTS + 1  # type: ignore[attr-defined]


def test_size_is_limited_while_reading(get: Fetch) -> None:
    assert len(get("/size/5000", max_body_bytes=5000)[1]) == 5000
    _refused(get, "/size/5001", "too_large", max_body_bytes=5000)
    _refused(get, "/size/90000000", "too_large", max_body_bytes=5000)


def test_time_is_limited(get: Fetch) -> None:
    start = time.monotonic()
    _refused(get, "/slow", "upload_timeout", upload_timeout_s=0.2)
    assert time.monotonic() - start < 0.9


def test_http_errors_are_refused(get: Fetch) -> None:
    assert "404" in _refused(get, "/status/404", "url_failed")
    _refused(get, "/packed", "url_failed")
    _refused(get, "http://good.example:1/", "url_failed")  # nothing listens there


def test_name_that_changes_its_address_gains_nothing(
    site: ThreadingHTTPServer, tmp_path: Path
) -> None:
    """DNS rebinding: public when it is checked, private when it is connected to."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]])
    connected: list[str] = []

    async def resolver(_: str, __: int) -> list[str]:
        return next(answers)

    class Recording:
        async def connect_tcp(self, host: str, *_: Any) -> Any:
            connected.append(host)
            import httpcore2

            raise httpcore2.ConnectError("unreachable here")

    network = CheckedNetwork(resolver, is_public, Recording())  # type: ignore[arg-type]
    url = f"http://rebind.example:{site.server_port}/"
    for code in ("url_failed", "url_refused"):
        with pytest.raises(ServiceError) as refused:
            asyncio.run(fetch(url, tmp_path / "x", Limits(), network))
        assert refused.value.code == code
    assert connected == ["93.184.215.14"]


def test_one_private_address_among_public_ones_is_enough(tmp_path: Path) -> None:
    async def resolver(_: str, __: int) -> list[str]:
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(ServiceError) as refused:
        asyncio.run(fetch("http://x.example/", tmp_path / "x", Limits(), CheckedNetwork(resolver)))
    assert refused.value.code == "url_refused"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]"],
)
def test_all_spellings_of_this_machine_are_refused(
    host: str, tmp_path: Path, site: ThreadingHTTPServer
) -> None:
    site.seen.clear()  # type: ignore[attr-defined]
    with pytest.raises(ServiceError) as refused:
        asyncio.run(fetch(f"http://{host}:{site.server_port}/", tmp_path / "x", Limits()))
    assert refused.value.code in {"url_refused", "url_failed"}
    assert site.seen == []  # type: ignore[attr-defined]


def test_proxies_of_the_environment_are_ignored(
    get: Fetch, site: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get("/a.png")[1] == b"content"
