"""Hold what one service accepts: sizes, numbers, times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a service. Whatever is above one of them is refused with a typed error.

    Args:
        max_body_bytes: Largest request, and largest file fetched from a URL.
        max_pixels: Largest picture; reading takes up to 10 bytes a pixel on each worker.
        max_pages: Most pages of one document.
        queue_size: Documents that may wait for a worker; more are told to come back later.
        upload_timeout_s: Longest time in which a request or a file from a URL may arrive.
        queue_timeout_s: Longest wait for a worker.
        read_timeout_s: Longest time that a worker may take for one document.
    """

    max_body_bytes: int = 32 * 2**20
    max_pixels: int = 50_000_000
    max_pages: int = 50
    queue_size: int = 32
    upload_timeout_s: float = 60.0
    queue_timeout_s: float = 60.0
    read_timeout_s: float = 120.0
