"""Fetch a weight file of the manifest over HTTPS: resumed where it broke off, checked, and put in place in one step."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

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


def fetch(
    row: ModelRow,
    *,
    progress: Progress | None = None,
    timeout_s: float = 30.0,
    tries: int = 5,
    pause_s: float = 0.5,
) -> Path:
    """Fetch a model's file unless it is there.

    Args:
        row: Of the manifest.
        progress: Called after every block.
        timeout_s: Seconds that the server may be silent.
        tries: Attempts in all.
        pause_s: Seconds before the second attempt, doubled before each further one.

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
        _fetch(
            url,
            target,
            row,
            lambda stream: _append(url, stream, row, progress, timeout_s),
            tries,
            pause_s,
        )
    except OSError as error:
        raise WeightsError(
            f"{error.filename or target}: {error.strerror or error}; name another folder in OCR_WEIGHTS_CACHE"
        ) from error
    return target


def _fetch(
    url: str,
    target: Path,
    row: ModelRow,
    append: Callable[[BinaryIO], str],
    tries: int,
    pause_s: float,
) -> None:
    """Fill the partial file in several attempts, check it and give it its name: one process at a time."""
    part = target.with_name(f"{target.name}.part")
    # A file of its own: the partial one is another file as soon as it has got its name.
    with target.with_name(f"{target.name}.lock").open("ab") as lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)  # freed when it is closed
        if _matches(target, row):  # another process has just fetched it
            return
        with part.open("ab") as stream:
            reason = _fill(stream, part, row, append, tries, pause_s)
        if reason:
            raise WeightsError(
                f"{url}: {reason}, {tries} times; what has arrived is kept: run python -m ocr.weights fetch again, "
                f"or {_ELSEWHERE}"
            )
        if not _matches(part, row):
            part.unlink()
            raise WeightsError(
                f"{url}: the file there has another SHA-256 than the manifest's {row.sha256}; {_ELSEWHERE}, or "
                "update the checkout"
            )
        part.replace(target)


def _fill(
    stream: BinaryIO,
    part: Path,
    row: ModelRow,
    append: Callable[[BinaryIO], str],
    tries: int,
    pause_s: float,
) -> str:
    """Append what is missing; return what went wrong in the last attempt, nothing where all has arrived."""
    reason = ""
    for attempt in range(tries):
        time.sleep(min(pause_s * 2 ** (attempt - 1), 30.0) if attempt else 0.0)
        is_fresh = not part.stat().st_size
        reason = append(stream)
        if not reason and (is_fresh or _matches(part, row)):
            return ""
        if not reason:
            stream.truncate(0)
            reason = "it was resumed from a part of another file"
    return reason


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

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:  # noqa: ANN401
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _append(
    url: str, stream: BinaryIO, row: ModelRow, progress: Progress | None, timeout_s: float
) -> str:
    """Fetch what is missing; return what went wrong where another attempt may help, else nothing.

    Raises:
        WeightsError: the server refuses.
        OSError: the disk does.
    """
    have = stream.seek(0, os.SEEK_END)
    if row.size and have >= row.size:  # another file: a right one would have got its name
        have = stream.truncate(0)
    # Compressed in transit, the bytes could not be counted.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 — checked by `address`
    total = row.size
    try:
        with urllib.request.build_opener(_SafeRedirects()).open(request, timeout=timeout_s) as body:
            if have and body.status != 206:  # a server that cannot resume starts anew
                have = stream.truncate(0)
            elif have and not body.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                stream.truncate(0)
                return "the server sent another part than was asked for"
            total = total or have + int(body.headers.get("Content-Length") or 0)
            while (not total or have <= total) and (block := body.read1(1 << 16)):
                have += stream.write(block)
                if progress:
                    progress(have, total)
    except urllib.error.HTTPError as error:
        error.close()
        said = f"the server answered {error.code} {error.reason}"
        if error.code == 416:  # what is there is no beginning of the server's file
            stream.truncate(0)
        elif error.code < 500 and error.code not in (408, 429):
            raise WeightsError(f"{url}: {said}; {_ELSEWHERE}") from error
        return said
    except (http.client.HTTPException, OSError) as error:
        return f"the connection failed ({error})"
    finally:
        stream.flush()
        os.fsync(stream.fileno())
    return f"the connection ended after {have} of {total} bytes" if have < total else ""


def _matches(path: Path, row: ModelRow) -> bool:
    """Whether there is a readable file with the manifest's SHA-256."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == row.sha256
    except OSError:
        return False
