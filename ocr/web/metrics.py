"""Count what a service does, for Prometheus. Each service has a registry of its own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from ocr.result import Elapsed
from ocr.web.pool import Pool
from ocr.web.reading import Document

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120)


class Metrics:
    """Counters, times, and the memory of the process."""

    def __init__(self, pool: Pool) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "ocr_requests", "Answers given.", ["path", "status"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "ocr_request_seconds",
            "From a request's first byte to its answer's last, for those with a result.",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._errors = Counter(
            "ocr_errors", "Errors by their code.", ["code"], registry=self._registry
        )
        self._pages = Counter("ocr_pages", "Pages read.", registry=self._registry)
        self._failed = Counter(
            "ocr_failed_pages", "Damaged pages in documents of which others were read.",
            registry=self._registry,
        )  # fmt: skip
        self._lines = Counter("ocr_lines", "Lines of text read.", registry=self._registry)
        self._page_seconds = Histogram(
            "ocr_page_seconds",
            "Work on one page by stage.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        for name, text, value in (
            ("ocr_queue_waiting", "Documents that wait for a worker.", lambda: pool.waiting),
            ("ocr_workers_busy", "Workers with a document.", lambda: pool.busy),
            ("ocr_workers", "Workers.", lambda: pool.workers),
        ):
            Gauge(name, text, registry=self._registry).set_function(value)

    def count_answer(self, path: str, status: int, seconds: float) -> None:
        """Count an answer under its route."""
        self._requests.labels(path, str(status)).inc()
        if status < 400:
            self._request_seconds.labels(path).observe(seconds)

    def count_error(self, code: str) -> None:
        """Count an error under its code."""
        self._errors.labels(code).inc()

    def count_document(self, document: Document) -> None:
        """Count the pages of a document and where their time went."""
        self._pages.inc(len(document.pages))
        self._failed.inc(len(document.failed))
        for page in document.pages:
            self._lines.inc(len(page.lines))
            for stage in Elapsed._fields:
                seconds = getattr(page.elapsed_ms, stage) / 1000
                self._page_seconds.labels(stage).observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return bytes(generate_latest(self._registry))


class Counting:
    """Around an application: counts its answers and gives them headers.

    Args:
        app: The application.
        metrics: What counts.
        headers: Lower-case name to value, for every answer.
        known: Paths with a count of their own; all others share one.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, headers: dict[str, str], known: frozenset[str]
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = [(key.encode(), value.encode()) for key, value in headers.items()]
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.monotonic()
        status = 500
        path = scope["path"] if scope["path"] in self._known else "other"

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        forward: Callable[[Message], Awaitable[None]] = send_on
        try:
            await self._app(scope, receive, forward)
        finally:
            self._metrics.count_answer(path, status, time.monotonic() - start)
