"""Fetch a weight file of the manifest over HTTPS: resumed where it broke off, checked, and put in place in one step."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocr.weights import ModelRow, WeightsError, cached_path

if sys.platform != "win32":
    import fcntl

MIRROR_VARIABLE = "OCR_WEIGHTS_MIRROR"
"""Environment variable with an address under which all files are, in place of the manifest's."""

OFFLINE_VARIABLE = "OCR_OFFLINE"
"""Environment variable; anything but empty, 0, no or false forbids fetching."""

Progress = Callable[[int, int], None]
"""Told the bytes there are and those that there will be."""

_ELSEWHERE = f"name another address in {MIRROR_VARIABLE}"
_AGAIN = f"run python -m ocr.weights fetch again, or {_ELSEWHERE}"
_BROKEN = (http.client.HTTPException, urllib.error.URLError, ConnectionError, TimeoutError)


def fetch(row: ModelRow, *, progress: Progress | None = None, timeout_s: float = 30.0) -> Path:
    """Fetch a model's file unless it is there. A further call goes on where one before was cut off.

    Args:
        row: Of the manifest.
        progress: Called after every block.
        timeout_s: Seconds that the server may be silent.

    Raises:
        WeightsError: It cannot be had; the message says what to do.
    """
    target = cached_path(row)
    if _matches(target, row):
        return target
    if os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in {"", "0", "no", "false"}:
        raise WeightsError(
            f"{row.file}: {OFFLINE_VARIABLE} forbids fetching it; unset that, or copy the file to {target}"
        )
    url = address(row)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # One process at a time. The lock is a file of its own, since the partial one is given another name.
        with target.with_name(f"{target.name}.lock").open("ab") as lock:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)  # freed when it is closed
            if not _matches(target, row):  # else another process has just fetched it
                part = target.with_name(f"{target.name}.part")
                _complete(url, part, row, progress, timeout_s)
                part.replace(target)
    except OSError as error:
        raise WeightsError(
            f"{error.filename or target}: {error.strerror or error}; name another folder in OCR_WEIGHTS_CACHE"
        ) from error
    return target


def _complete(
    url: str, part: Path, row: ModelRow, progress: Progress | None, timeout_s: float
) -> None:
    """Fetch what a partial file lacks; it is left only with the right SHA-256, or where the connection broke."""
    have = part.stat().st_size if part.exists() else 0
    try:
        _append(url, part, have, row.size, progress, timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416 or not have:  # 416: what is there is no beginning of the server's file
            raise WeightsError(
                f"{url}: the server answered {error.code} {error.reason}; {_AGAIN}"
            ) from error
    except _BROKEN as error:
        raise WeightsError(
            f"{url}: the connection failed ({error}); what has arrived is kept: {_AGAIN}"
        ) from error
    if _matches(part, row):
        return
    part.unlink(missing_ok=True)
    if not have:
        raise WeightsError(
            f"{url}: the file there has another SHA-256 than the manifest's {row.sha256}; {_ELSEWHERE}, or "
            "update the checkout"
        )
    _complete(url, part, row, progress, timeout_s)  # what was there was of another file


def _append(
    url: str, part: Path, have: int, size: int, progress: Progress | None, timeout_s: float
) -> None:
    """Append to a partial file of so many bytes what the server has beyond them, within the size, if it is known."""
    # Compressed in transit, the bytes could not be counted.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - checked by `address`
    opener = urllib.request.build_opener(_SafeRedirects())
    with opener.open(request, timeout=timeout_s) as body, part.open("ab") as stream:
        if have and body.status != 206:  # a server that cannot resume starts anew
            have = stream.truncate(0)
        elif have and not body.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            return  # another part than was asked for
        total = size or have + int(body.headers.get("Content-Length") or 0)
        while (not total or have <= total) and (block := body.read1(1 << 16)):
            have += stream.write(block)
            if progress:
                progress(have, total)
    if have < total:
        raise http.client.HTTPException(f"it ended after {have} of {total} bytes")


def address(row: ModelRow) -> str:
    """Return where a model's file is fetched from: below the mirror if one is named, else the manifest's address.

    Raises:
        WeightsError: There is none, or one that is not HTTPS.
    """
    mirror = os.environ.get(MIRROR_VARIABLE, "").strip()
    url = f"{mirror.rstrip('/')}/{urllib.parse.quote(row.file)}" if mirror else row.url
    if not url:
        raise WeightsError(
            f"{row.file}: the manifest has no address for it; restore it with: git checkout -- weights, or {_ELSEWHERE}"
        )
    _check(url)
    return url


def _check(url: str) -> None:
    """Refuse everything but HTTPS, and HTTP to this machine."""
    scheme, _, rest = url.partition("://")
    local = rest.startswith(("localhost:", "localhost/", "127.0.0.1:", "127.0.0.1/"))
    if not rest or not (scheme == "https" or (scheme == "http" and local)):
        raise WeightsError(f"{url}: expected an address that begins with https://")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a server's redirections, but not out of HTTPS."""

    def redirect_request(self, *args: Any) -> Any:  # noqa: ANN401
        _check(args[-1])
        return super().redirect_request(*args)


def _matches(path: Path, row: ModelRow) -> bool:
    """Whether there is a readable file with the manifest's SHA-256."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == row.sha256
    except OSError:
        return False
