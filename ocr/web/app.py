"""Build the web application around a reader: a page for people, an interface for programs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles

from common.image import one_line
from ocr.formats import FORMATS
from ocr.reader import Reader
from ocr.web.clips import ClipModel, ClipOptions
from ocr.web.errors import ErrorAnswer, ServiceError, error_response
from ocr.web.intake import RequestOptions, bad_option
from ocr.web.limits import Limits
from ocr.web.metrics import Counting
from ocr.web.schema import DocumentModel
from ocr.web.service import ClientGoneError, Service, gone
from ocr.web.variants import Build

STATIC = Path(__file__).parent / "static"
"""The page's own files; it loads nothing else."""

_log = logging.getLogger("ocr.web")

_KNOWN_PATHS = frozenset(
    {"/", "/ocr", "/clip", "/preview", "/export", "/about", "/healthz", "/metrics"}
)
_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; media-src blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_FILE = {"type": "string", "format": "binary"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "The file: as the body itself, or as the field `file` of a form, which may "
        "also have the options as fields.",
        "content": {
            "application/octet-stream": {"schema": _FILE},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}
            },
        },
    }
}
_EXPORT_FIELDS = {
    "pages": {"type": "string", "description": "JSON: `pages` of an answer of /ocr, edited."},
    "format": {"type": "string", "enum": sorted(FORMATS)},
    "name": {"type": "string", "description": "Name of the file that was read."},
    "file": {**_FILE, "description": "The file itself, for formats with the picture in them."},
}
_EXPORT_SCHEMA = {"type": "object", "properties": _EXPORT_FIELDS, "required": ["pages", "format"]}
_EXPORT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": _EXPORT_SCHEMA}},
    }
}
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "The request cannot be answered."},
    "5XX": {"model": ErrorAnswer, "description": "The service could not do it."},
}
_FILE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"*/*": {"schema": _FILE}}}
}


def make_app(
    reader: Reader,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    allow_urls: bool = False,
    build: Build | None = None,
) -> FastAPI:
    """Build the application.

    Args:
        reader: With one thread for each page, as several pages are read at a time.
        limits: What is accepted.
        workers: Documents read at a time.
        allow_urls: Whether a request may name a URL to be fetched.
        build: Makes readers for requests with options of their own; None refuses those.

    Raises:
        ValueError: workers is below 1.
    """
    service = Service(
        reader, limits or Limits(), workers=workers, allow_urls=allow_urls, build=build
    )
    app = FastAPI(
        title="OCR for Chinese and English",
        description="Reads pictures and PDFs. Every error has the form of `ErrorAnswer`; 429 and 503 "
        "say in Retry-After when to come back.",
        version="1",
        lifespan=service.running,
        # The pages with which FastAPI shows the schema load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    _add_reading(app, service)
    _add_pages(app, service)
    _add_errors(app, service)
    app.add_middleware(Counting, metrics=service.metrics, headers=_HEADERS, known=_KNOWN_PATHS)
    return app


def _add_reading(app: FastAPI, service: Service) -> None:
    @app.post(
        "/ocr",
        response_model=None,
        summary="Read a picture or PDF",
        responses={200: {"model": DocumentModel, "description": "What was read."}, **_ERRORS},
        openapi_extra=_BODY,
    )
    async def ocr(request: Request, _: Annotated[RequestOptions, Query()]) -> Response:
        return await service.read(request)

    @app.post(
        "/clip",
        response_model=None,
        summary="Read a clip: its lines of text with the times in which they are seen",
        responses={200: {"model": ClipModel, "description": "What was read."}, **_ERRORS},
        openapi_extra=_BODY,
    )
    async def clip(request: Request, _: Annotated[ClipOptions, Query()]) -> Response:
        return await service.read_clip(request)

    @app.post(
        "/preview",
        response_model=None,
        summary="Draw one page as a JPEG",
        responses={**_FILE_ANSWER, **_ERRORS},
        openapi_extra=_BODY,
    )
    async def preview(request: Request, _: Annotated[RequestOptions, Query()]) -> Response:
        return await service.draw(request)

    @app.post(
        "/export",
        response_model=None,
        summary="Write edited pages in a format",
        responses={**_FILE_ANSWER, **_ERRORS},
        openapi_extra=_EXPORT_BODY,
    )
    async def export(request: Request) -> Response:
        return await service.export(request)


def _add_pages(app: FastAPI, service: Service) -> None:
    @app.get("/", include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/about", summary="Formats and limits")
    async def about() -> dict[str, Any]:
        return service.about()

    @app.get("/healthz", summary="Whether the service answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics", response_model=None, summary="Counts for Prometheus")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def _add_errors(app: FastAPI, service: Service) -> None:
    """Give every error the same form."""

    def answer(error: ServiceError) -> Response:
        service.metrics.count_error(error.code)
        return error_response(error)

    @app.exception_handler(ServiceError)
    async def known(_: Request, error: ServiceError) -> Response:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def option(request: Request, error: RequestValidationError) -> Response:
        known = ClipOptions.model_fields if request.url.path == "/clip" else None
        return answer(bad_option(error.errors(), skip=1, known=known))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        path = one_line(request.url.path)[:200]
        return answer(ServiceError(code, f"{request.method} {path}: {error.detail}"))

    @app.exception_handler(ClientGoneError)
    @app.exception_handler(ClientDisconnect)
    async def client_gone(_: Request, __: Exception) -> Response:
        return gone()

    @app.exception_handler(Exception)
    async def defect(_: Request, error: Exception) -> Response:
        _log.error("internal error: %r", error)  # whoever runs the application logs the trace
        return answer(ServiceError("internal", "the service failed; its log says why"))
