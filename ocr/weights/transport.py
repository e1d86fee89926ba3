"""An HTTPS address and a first byte in; the server's answer out. Plain HTTP is for this machine only."""

from __future__ import annotations

import ipaddress
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import IO, Any, NamedTuple

from ocr.weights import WeightsError


class Answer(NamedTuple):
    """The server's answer with its body unread."""

    start: int
    """The first byte of the file that the body holds."""
    total: int | None
    """Bytes that the server says the whole file has, if it does."""
    body: Any

    def read(self, size: int) -> bytes:
        """Up to `size` bytes more; empty at the end."""
        with _as_connection_errors():
            return bytes(self.body.read1(size))


def check_url(url: str) -> None:
    """Refuse everything but HTTPS, and HTTP to this machine.

    Raises:
        WeightsError: Says which.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 — raises where the port is no number
    except ValueError as error:
        raise WeightsError(f"{url}: no address ({error}); expected https://…") from error
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_local(host))):
        raise WeightsError(
            f"{url}: expected an address that begins with https:// (http:// only for this machine, as 127.0.0.1)"
        )


@contextmanager
def open_url(url: str, start: int, timeout_s: float) -> Iterator[Answer]:
    """Ask for a file from a byte on.

    Raises:
        WeightsError: The server sends us to an address that `check_url` refuses.
        urllib.error.HTTPError: It answers with an error.
        ConnectionError: It cannot be reached, or broke off.
        http.client.HTTPException: It does not speak HTTP.
    """
    # Compressed in transit, a body's length would say nothing.
    headers = {"User-Agent": "ocr-weights", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    handlers: list[urllib.request.BaseHandler] = [_SafeRedirects()]
    if _is_local(urllib.parse.urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 — checked by `check_url`
    opener = urllib.request.build_opener(*handlers)
    with _as_connection_errors():
        response = opener.open(request, timeout=timeout_s)
    with response:
        yield _answer(response)


@contextmanager
def _as_connection_errors() -> Iterator[None]:
    """Tell what the network does from what the disk does: both raise OSError."""
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(str(reason) or type(error).__name__) from error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server's redirections, but not out of HTTPS."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        check_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _answer(response: Any) -> Answer:  # noqa: ANN401
    length = response.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    if response.status != 206:
        return Answer(0, size, response)
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if found is None:
        return Answer(-1, None, response)
    total = found[2]
    return Answer(int(found[1]), int(total) if total != "*" else None, response)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
