"""Fetch a file by URL for a client, without letting the URL reach into this network.

The name is resolved here, every address it has is checked, and the connection goes to a checked
address, so a name that answers differently the second time gains nothing. Redirects are followed one
by one, each checked in the same way. Settings for proxies are ignored: a proxy would resolve the name
again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

import httpcore2

from ocr.web.errors import ServiceError
from ocr.web.limits import Limits

Resolver: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Host name and port to IP addresses."""

MAX_REDIRECTS = 5

_REDIRECTS = {301, 302, 303, 307, 308}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CONNECT_S = 10.0
# An IPv6 address in here carries an IPv4 address to which a gateway would pass the connection on.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet, whichever way it is written.

    Private, loopback, link-local, shared, multicast and reserved addresses do not, nor does an IPv6
    address that stands for such an IPv4 address; neither do tunnels (6to4, Teredo).
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.sixtofour is not None or ip.teredo is not None or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host name; none where it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses only, by the address that was checked.

    Args:
        resolver: Looks up a name; called once for each connection.
        allowed: Whether an address may be connected to.
        backend: Makes the connection.
    """

    def __init__(
        self,
        resolver: Resolver = resolve,
        allowed: Callable[[str], bool] = is_public,
        backend: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._resolver = resolver
        self._allowed = allowed
        self._backend = backend or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of a host that answers, once all of them are allowed.

        Raises:
            ServiceError: "url_refused" where any is not, "url_failed" where there is none.
        """
        addresses = await self._resolver(host.strip("[]"), port)
        if not addresses:
            raise ServiceError("url_failed", f"{host}: no such host; check the URL")
        if not all(self._allowed(address) for address in addresses):
            raise ServiceError(
                "url_refused",
                f"{host}: not an address of the public internet; send the file itself",
            )
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no URL names one."""
        raise ServiceError("url_refused", f"{path}: sockets of this machine are not read")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the interface has it."""
        await asyncio.sleep(seconds)


async def fetch(
    url: str, target: Path, limits: Limits, network: httpcore2.AsyncNetworkBackend | None = None
) -> str:
    """Save what a URL names, and return a name for it.

    Args:
        url: http or https, with neither user nor password.
        target: Where to save it; what was written stays there on errors.
        limits: Largest size, and the time for everything together.
        network: Makes the connections; by default those that `CheckedNetwork` allows.

    Raises:
        ServiceError: "url_refused", "url_failed", "too_large" or "upload_timeout".
    """
    try:
        async with (
            asyncio.timeout(limits.upload_timeout_s),
            httpcore2.AsyncConnectionPool(network_backend=network or CheckedNetwork()) as pool,
        ):
            with target.open("wb") as stream:
                for _ in range(MAX_REDIRECTS + 1):
                    location = await _get(pool, check_url(url), stream, limits)
                    if location is None:
                        name = Path(unquote(urlsplit(url).path)).name
                        return name or str(urlsplit(url).hostname)
                    url = urljoin(url, location)
    except TimeoutError as error:
        message = (
            f"{url}: did not arrive within {limits.upload_timeout_s:g} s; send the file itself"
        )
        raise ServiceError("upload_timeout", message) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
        reason = str(error) or type(error).__name__
        raise ServiceError("url_failed", f"{url}: {reason}; check the URL") from error
    raise ServiceError("url_failed", f"{url}: more than {MAX_REDIRECTS} redirects")


def check_url(url: str) -> str:
    """Return a URL that may be tried; the addresses behind it are checked on connecting.

    Raises:
        ServiceError: "url_refused".
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ServiceError("url_refused", f"not a URL ({error})") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise ServiceError("url_refused", f"URL scheme is {parts.scheme!r}, expected http or https")
    if not parts.hostname or parts.username is not None or port == 0:
        raise ServiceError("url_refused", "expected a URL with a host and no user or password")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ServiceError("url_refused", "the URL has characters that must be percent-encoded")
    return url


async def _get(
    pool: httpcore2.AsyncConnectionPool, url: str, stream: BinaryIO, limits: Limits
) -> str | None:
    """Write the body of a URL to a stream, or return where it redirects to."""
    # Unpacked sizes cannot be bounded by what arrives, so nothing packed is asked for or taken.
    headers = [("Accept-Encoding", "identity"), ("User-Agent", "ocr-web"), ("Accept", "*/*")]
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _CONNECT_S)
    async with pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as answer:
        found = {key.decode("latin-1").lower(): value for key, value in answer.headers}
        if answer.status in _REDIRECTS and found.get("location", b"") != b"":
            return found["location"].decode("latin-1")
        if answer.status != 200:
            raise ServiceError("url_failed", f"{url}: answered with status {answer.status}")
        if found.get("content-encoding", b"identity").lower() != b"identity":
            raise ServiceError("url_failed", f"{url}: comes packed although that was not asked for")
        size = 0
        async for block in answer.aiter_stream():
            size += len(block)
            if size > limits.max_body_bytes:
                raise ServiceError(
                    "too_large", f"{url}: more than the limit of {limits.max_body_bytes} bytes"
                )
            stream.write(block)
    return None
