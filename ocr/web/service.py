"""Answer a request: take the file, have a worker read it, write what was asked for."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import ValidationError

from ocr.reader import Reader
from ocr.web.clips import ClipOptions, are_clips_read, read_clip
from ocr.web.errors import ServiceError
from ocr.web.intake import Intake, RequestOptions, bad_option, check_format, receive
from ocr.web.limits import Limits
from ocr.web.metrics import Metrics
from ocr.web.outputs import OutputFile, describe_formats, write_output
from ocr.web.pool import Cancelled, Pool
from ocr.web.reading import Document, FailedPage, Upload, preview, read_document
from ocr.web.schema import document_json, parse_pages
from ocr.web.variants import Build, Readers

Result = TypeVar("Result")

_GONE = 499  # as proxies log a client that has left; nobody sees the answer


class ClientGoneError(Exception):
    """The client left before its answer was there."""


class Service:
    """What the requests share: the reader, its workers, the counts, a folder for what arrives.

    Args:
        reader: Shared by all workers.
        build: Makes readers for requests with options of their own; None refuses those.
        limits: What is accepted.
        workers: Documents read at a time.
        allow_urls: Whether a request may name a URL to be fetched.
    """

    def __init__(
        self,
        reader: Reader,
        limits: Limits,
        *,
        workers: int = 1,
        allow_urls: bool = False,
        build: Build | None = None,
    ) -> None:
        self.limits = limits
        self.allow_urls = allow_urls
        self.pool = Pool(workers, limits)
        self.metrics = Metrics(self.pool)
        self._readers = Readers(reader, build)
        self._folder: Path | None = None

    @asynccontextmanager
    async def running(self, _: FastAPI) -> AsyncIterator[None]:
        """While the application runs: a folder for uploads; at its end, wait for the workers."""
        with tempfile.TemporaryDirectory(prefix="ocr-web-") as folder:
            self._folder = Path(folder)
            yield
            await self.pool.stop()

    async def read(self, request: Request) -> Response:
        """Answer /ocr.

        Raises:
            ServiceError: There is no result.
        """
        self.pool.check_space()
        async with self._receive(request) as intake:
            options = intake.options()
            upload = _required(intake)
            answering = self.pool.run(
                lambda cancelled: self._read_and_write(upload, options, cancelled)
            )
            document, output = await _while_connected(request, answering)
            self.metrics.count_document(document)
            return _file_response(output, document.failed)

    async def read_clip(self, request: Request) -> Response:
        """Answer /clip.

        Raises:
            ServiceError: There is no result.
        """
        self.pool.check_space()
        async with self._receive(request) as intake:
            try:
                options = ClipOptions.model_validate(intake.fields)
            except ValidationError as error:
                raise bad_option(error.errors(), known=ClipOptions.model_fields) from error
            upload = _required(intake)
            reading = self.pool.run(
                lambda cancelled: read_clip(
                    self._readers.usual, upload, self.limits, cancelled, comments=options.comments
                )
            )
            content = await _while_connected(request, reading)
            return Response(content, media_type="application/json")

    async def draw(self, request: Request) -> Response:
        """Answer /preview.

        Raises:
            ServiceError: There is no result.
        """
        self.pool.check_space()
        async with self._receive(request) as intake:
            page, upload = intake.options().page, _required(intake)
            drawing = self.pool.run(lambda _: preview(upload, self.limits, page))
            return Response(await _while_connected(request, drawing), media_type="image/jpeg")

    async def export(self, request: Request) -> Response:
        """Answer /export.

        Raises:
            ServiceError: There is no result.
        """
        self.pool.check_space()
        async with self._receive(request) as intake:
            name, pages = intake.fields.get("format"), intake.fields.get("pages")
            if name is None or pages is None:
                raise ServiceError("bad_request", "expected the fields 'format' and 'pages'")
            check_format(name)
            upload = intake.upload
            source = intake.fields.get("name") or (upload.name if upload else "text")
            writing = self.pool.run(
                lambda _: write_output(
                    name, parse_pages(pages), self.limits, source=source, upload=upload
                )
            )
            return _file_response(await _while_connected(request, writing))

    def about(self) -> dict[str, Any]:
        """What a client needs to know before it sends anything."""
        limits = self.limits
        return {
            "formats": describe_formats(),
            "urls": self.allow_urls,
            "clips": are_clips_read(),
            "max_body_bytes": limits.max_body_bytes,
            "max_pixels": limits.max_pixels,
            "max_pages": limits.max_pages,
        }

    def _read_and_write(
        self, upload: Upload, options: RequestOptions, cancelled: Cancelled
    ) -> tuple[Document, OutputFile]:
        """One piece of work, so that what was read cannot be lost to a queue that is full by then."""
        document = read_document(
            self._readers.get(options.variant()),
            upload,
            self.limits,
            cancelled,
            angle=options.angle,
            single_line=options.single_line,
            regions=options.regions(),
            punctuation=options.punctuation,
        )
        if options.format is None:
            content = document_json(document, characters=options.characters)
            return document, OutputFile(content, "application/json", {})
        return document, write_output(
            options.format, document.pages, self.limits, source=upload.name, upload=upload
        )

    def _receive(self, request: Request) -> AbstractAsyncContextManager[Intake]:
        if self._folder is None:
            raise RuntimeError("the application does not run: start it with its lifespan")
        return receive(request, self.limits, self._folder, allow_urls=self.allow_urls)


def gone() -> Response:
    """The answer for a client that has left."""
    return Response(status_code=_GONE)


def _required(intake: Intake) -> Upload:
    if intake.upload is None:
        raise ServiceError(
            "bad_request",
            "found no file, expected one as the body or as the field 'file' of a form",
        )
    return intake.upload


def _file_response(output: OutputFile, failed: Sequence[FailedPage] = ()) -> Response:
    headers = dict(output.headers)
    if failed:
        headers["ocr-failed-pages"] = ",".join(str(page.page) for page in failed)
    return Response(output.content, media_type=output.media_type, headers=headers)


async def _while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for work as long as the client does.

    Raises:
        ClientGoneError: It has left; the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGoneError
    finally:
        for each in (task, watcher):
            each.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
