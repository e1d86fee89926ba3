"""A model of the manifest in; its file in the user's cache folder out, fetched over HTTPS and checked.

A connection that breaks is taken up where it broke. The file gets its name only once its SHA-256 is
the manifest's, so that a process which looks for it finds it whole or not at all.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from ocr.weights import ModelRow, WeightsError, cached_path
from ocr.weights.lock import held
from ocr.weights.transport import Answer, check_url, open_url

MIRROR_VARIABLE = "OCR_WEIGHTS_MIRROR"
"""Environment variable with an address under which all files are, in place of the manifest's."""

OFFLINE_VARIABLE = "OCR_OFFLINE"
"""Environment variable; anything but empty, 0, no or false forbids fetching."""

Progress = Callable[[int, int], None]
"""Told the bytes there are and those that there will be."""

_BLOCK = 1 << 16
_LOCK_TIMEOUT_S = 600.0
_MAX_PAUSE_S = 30.0
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)


class _RetryError(Exception):
    """What went wrong may go well another time."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


def fetch(
    row: ModelRow,
    *,
    progress: Progress | None = None,
    timeout_s: float = 30.0,
    tries: int = 5,
    pause_s: float = 0.5,
    lock_timeout_s: float = _LOCK_TIMEOUT_S,
) -> Path:
    """Fetch a model's file unless it is there.

    Args:
        row: Of the manifest.
        progress: Called after every block.
        timeout_s: Seconds that the server may be silent.
        tries: Attempts in a row that may bring nothing; one that brings something starts them anew.
        pause_s: Seconds before the second attempt, doubled before each further one.
        lock_timeout_s: Seconds to wait for another process that fetches the same file.

    Raises:
        WeightsError: It cannot be had; the message says what to do.
    """
    target = cached_path(row)
    if _matches(target, row):
        return target
    if is_offline():
        raise WeightsError(
            f"{row.file}: {OFFLINE_VARIABLE} forbids fetching it; unset that, or copy the file to {target}"
        )
    url = address(row)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with held(target.with_name(target.name + ".lock"), lock_timeout_s):
            if not _matches(target, row):  # else another process has just fetched it
                part = target.with_name(target.name + ".part")
                _download(url, part, row, progress, timeout_s, tries, pause_s)
                part.replace(target)
    except TimeoutError as error:
        raise WeightsError(f"{row.file}: {error}; wait for it or end it") from error
    except OSError as error:
        raise WeightsError(
            f"{error.filename or target}: {error.strerror or error}; name another folder in OCR_WEIGHTS_CACHE"
        ) from error
    return target


def is_offline() -> bool:
    """Whether the environment forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in {"", "0", "no", "false"}


def address(row: ModelRow) -> str:
    """The address to fetch a model's file from: below the mirror if one is named, else the manifest's.

    Raises:
        WeightsError: There is none, or one that is not HTTPS.
    """
    mirror = os.environ.get(MIRROR_VARIABLE, "").strip()
    url = f"{mirror.rstrip('/')}/{urllib.parse.quote(row.file)}" if mirror else row.url
    if not url:
        raise WeightsError(
            f"{row.file}: the manifest has no address for it; restore it with: git checkout -- weights, or name "
            f"an address that has the file in {MIRROR_VARIABLE}"
        )
    check_url(url)
    return url


def _download(
    url: str,
    part: Path,
    row: ModelRow,
    progress: Progress | None,
    timeout_s: float,
    tries: int,
    pause_s: float,
) -> None:
    """Fill the partial file until it is the one that the manifest means."""
    failures, damaged, reason = 0, 0, ""
    while failures < tries:
        before = part.stat().st_size if part.exists() else 0
        pause = 0.0
        try:
            _attempt(url, part, row, progress, timeout_s)
        except _RetryError as error:
            reason, pause = str(error), error.pause_s
        else:
            if _matches(part, row):
                return
            damaged += 1
            reason = (
                f"{part.stat().st_size} bytes with another SHA-256 than the manifest's {row.sha256}"
            )
            part.unlink()
            if damaged == 2:  # once it may be the mixture of two versions of the file
                raise WeightsError(
                    f"{url}: the server gave {reason}; the file there is not the one of this version: name "
                    f"another address in {MIRROR_VARIABLE}, or update the checkout"
                )
            continue
        after = part.stat().st_size if part.exists() else 0
        failures = 1 if after > before else failures + 1
        if failures < tries:
            time.sleep(min(max(pause, pause_s * 2 ** (failures - 1)), _MAX_PAUSE_S))
    raise WeightsError(
        f"{url}: {reason}, {tries} times; what has arrived is kept: run python -m ocr.weights fetch again, "
        f"or name another address in {MIRROR_VARIABLE}"
    )


def _attempt(
    url: str, part: Path, row: ModelRow, progress: Progress | None, timeout_s: float
) -> None:
    """Ask for what is missing, and append it.

    Raises:
        _RetryError: It did not all come.
        WeightsError: Asking again would not help.
    """
    have = part.stat().st_size if part.exists() else 0
    if row.size and have == row.size:
        return  # whole, if it is right
    if row.size and have > row.size:
        part.unlink()
        have = 0
    try:
        with open_url(url, have, timeout_s) as answer:
            _check_size(url, answer, row)
            if have and answer.start != have:  # a server that cannot resume starts anew
                have = 0
            _append(answer, part, have, row, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # what is there is no beginning of the server's file
            part.unlink(missing_ok=True)
            raise _RetryError("the server refused to resume") from error
        if error.code not in _TRANSIENT:
            raise WeightsError(
                f"{url}: the server answered {error.code} {error.reason}; name another address in {MIRROR_VARIABLE}"
            ) from error
        wait = error.headers.get("Retry-After", "")
        pause = float(wait) if wait.isdecimal() else 0.0
        raise _RetryError(f"the server answered {error.code} {error.reason}", pause) from error
    except (http.client.HTTPException, ConnectionError) as error:
        raise _RetryError(f"the connection failed ({error})") from error


def _check_size(url: str, answer: Answer, row: ModelRow) -> None:
    if row.size and answer.total not in (None, row.size):
        raise WeightsError(
            f"{url}: the server announces {answer.total} bytes, the manifest says {row.size}; the file there is not "
            f"the one of this version: name another address in {MIRROR_VARIABLE}, or update the checkout"
        )


def _append(
    answer: Answer, part: Path, have: int, row: ModelRow, progress: Progress | None
) -> None:
    """Write the answer's body behind the first `have` bytes, never more than the manifest says."""
    total = row.size or answer.total or 0
    with part.open("r+b" if have else "wb") as stream:
        stream.seek(have)
        stream.truncate()
        while block := answer.read(_BLOCK):
            stream.write(block)
            have += len(block)
            if row.size and have > row.size:
                break  # the checksum cannot be right any more
            if progress:
                progress(have, total)
        stream.flush()
        os.fsync(stream.fileno())
    if have < total:
        raise _RetryError(f"the connection ended after {have} of {total} bytes")


def _matches(path: Path, row: ModelRow) -> bool:
    """Whether there is a file that can be read, with the manifest's SHA-256."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == row.sha256
