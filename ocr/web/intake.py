"""Take the file and the options out of a request, holding a block at a time in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from common.image import one_line
from ocr.formats import FORMATS
from ocr.formats.punctuation import POLICIES
from ocr.page.regions import Region, parse_region
from ocr.web.errors import ServiceError
from ocr.web.fetch import check_url, fetch
from ocr.web.limits import Limits
from ocr.web.reading import Upload
from ocr.web.variants import Variant

if TYPE_CHECKING:
    from starlette.types import Message

_BLOCK = 1 << 20
_FORMAT_SCHEMA: dict[str, Any] = {"enum": sorted(FORMATS)}
_MAX_NAME = 200
_MAX_FIELDS = 60
_MAX_REGIONS = 40
_REPEATED = {"region"}


class RequestOptions(BaseModel):
    """How to read a file and what to answer; in the query or as fields of a form, which win."""

    model_config = ConfigDict(extra="forbid")

    format: str | None = Field(
        None,
        description="Answer with a file of this format instead of the JSON described here.",
        json_schema_extra=_FORMAT_SCHEMA,
    )
    angle: bool = Field(True, description="Find out how the page is turned.")
    single_line: bool = Field(
        False, description="The picture is one cut-out line: neither angle nor detection."
    )
    vertical: bool = Field(
        False, description="All lines run from top to bottom, in columns from the right."
    )
    punctuation: str = Field(
        "raw",
        description="How punctuation and widths are written.",
        json_schema_extra={"enum": list(POLICIES)},
    )
    region: list[str] = Field(
        [],
        description="A part to read, x,y,width,height in pixels or in shares of the sides; may be repeated.",
        max_length=_MAX_REGIONS,
    )
    languages: str | None = Field(
        None, description="Of zh,en; en alone: no Chinese character is read."
    )
    allowed: str | None = Field(None, description="The only characters to read.", min_length=1)
    lexicon: str | None = Field(None, description="Words that are expected, one a line.")
    characters: bool = Field(
        False, description="JSON with each line's characters, their scores and where they stand."
    )
    name: str | None = Field(None, description="What to call the file; for raw bytes.")
    url: str | None = Field(
        None, description="Read this URL instead of a body, where the service allows that."
    )
    page: int = Field(0, ge=0, description="Which page to draw, from 0; for /preview.")

    @field_validator("region")
    @classmethod
    def _are_regions(cls, texts: list[str]) -> list[str]:
        for text in texts:
            parse_region(text)
        return texts

    @field_validator("punctuation")
    @classmethod
    def _is_policy(cls, name: str) -> str:
        if name not in POLICIES:
            raise ValueError(f"expected one of {', '.join(POLICIES)}")
        return name

    def regions(self) -> list[Region]:
        """The parts to read; none for the whole."""
        return [parse_region(text) for text in self.region]

    def variant(self) -> Variant:
        """What of this decides how a reader is built."""
        lexicon = None if self.lexicon is None else tuple(filter(None, self.lexicon.splitlines()))
        return Variant(self.vertical, self.languages, self.allowed, lexicon)


@dataclass(frozen=True)
class Intake:
    """What a request brought.

    Args:
        upload: Its file; None where it has none.
        fields: Query and form, as text.
    """

    upload: Upload | None
    fields: Mapping[str, Any]

    def options(self) -> RequestOptions:
        """The fields, checked.

        Raises:
            ServiceError: "bad_option".
        """
        try:
            options = RequestOptions.model_validate(self.fields)
        except ValidationError as error:
            raise bad_option(error.errors()) from error
        check_format(options.format)
        return options


def check_format(name: str | None) -> None:
    """Raise ServiceError "bad_option" for a format that there is not."""
    if name is not None and name not in FORMATS:
        raise ServiceError(
            "bad_option", f"format is {name[:40]!r}, expected one of {', '.join(FORMATS)}"
        )


def bad_option(
    errors: Sequence[Any], *, skip: int = 0, known: Iterable[str] | None = None
) -> ServiceError:
    """The first thing that a validation found, in one line.

    Args:
        errors: As pydantic lists them.
        skip: Leading parts of the location that mean nothing to a client.
        known: Names of the options that there are; those of `RequestOptions` by default.
    """
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"][skip:])
    if first["type"] == "extra_forbidden":
        names = ", ".join(known or RequestOptions.model_fields)
        return ServiceError(
            "bad_option", one_line(f"there is no option {where[:60]!r}; there are: {names}")
        )
    # Of what a check of ours raised, pydantic's message has a prefix that says nothing to a client.
    message = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
    return ServiceError("bad_option", one_line(f"{where}: {message}")[:500])


@asynccontextmanager
async def receive(
    request: Request, limits: Limits, folder: Path, *, allow_urls: bool = False
) -> AsyncIterator[Intake]:
    """Take a request's body, multipart or raw, or the file its URL names; gone afterwards.

    Raises:
        ServiceError: For everything that is wrong with the request.
    """
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as stream:
        path = Path(stream.name)
    try:
        try:
            async with asyncio.timeout(limits.upload_timeout_s):
                name, fields = await _receive(_bounded(request, limits), path)
        except TimeoutError as error:
            raise ServiceError(
                "upload_timeout", f"the request did not arrive within {limits.upload_timeout_s:g} s"
            ) from error
        url = fields.get("url")
        if url:
            if name is not None:
                raise ServiceError("bad_request", "found a file and a URL, expected one of them")
            if not allow_urls:
                raise ServiceError(
                    "url_refused", "this service reads no URLs: send the file itself"
                )
            name = await fetch(check_url(url), path, limits)
        if name is None:
            yield Intake(None, fields)
        else:
            yield Intake(Upload(path, _clean(fields.get("name") or name)), fields)
    finally:
        path.unlink(missing_ok=True)


async def _receive(request: Request, path: Path) -> tuple[str | None, dict[str, Any]]:
    """Write the body's file to a path; return its name, None without a file, and all fields."""
    fields = _fields(request.query_params.multi_items())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with path.open("wb") as stream:
        if kind == "multipart/form-data":
            name, form = await _receive_form(request, stream)
            return name, {**fields, **form}
        size = 0
        # Whatever else the type says is the file: curl calls it a form unless told otherwise.
        async for block in request.stream():
            size += len(block)
            stream.write(block)
    return ("upload" if size else None), fields


def _fields(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Fields by name: the last of those that may not be repeated."""
    fields: dict[str, Any] = {}
    for key, value in items:
        if key in _REPEATED:
            fields.setdefault(key, []).append(value)
        else:
            fields[key] = value
    return fields


async def _receive_form(request: Request, stream: BinaryIO) -> tuple[str | None, dict[str, Any]]:
    items: list[tuple[str, Any]] = []
    name = None
    try:
        form_context = request.form(max_files=2, max_fields=_MAX_FIELDS)
        async with form_context as form:
            for key, value in form.multi_items():
                if not isinstance(value, UploadFile):
                    items.append((key, value))
                elif key == "pages":
                    items.append((key, (await value.read()).decode("utf-8", "replace")))
                elif key != "file" or name is not None:
                    raise ServiceError(
                        "bad_request", f"found a file in {key!r}, expected one, in the field 'file'"
                    )
                else:
                    name = value.filename or "upload"
                    while block := await value.read(_BLOCK):
                        stream.write(block)
    except HTTPException as error:  # what Starlette makes of a damaged form
        raise ServiceError("bad_request", one_line(str(error.detail))) from error
    return name, _fields(items)


def _bounded(request: Request, limits: Limits) -> Request:
    """The request, with a body that ends with an error where it gets too large."""
    message = f"the request is larger than the limit of {limits.max_body_bytes} bytes"
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.max_body_bytes:
        raise ServiceError("too_large", message)
    size = 0

    async def receive_counted() -> Message:
        nonlocal size
        received = await request.receive()
        size += len(received.get("body", b""))
        if size > limits.max_body_bytes:
            raise ServiceError("too_large", message)
        return received

    return Request(request.scope, receive_counted)


def _clean(name: str) -> str:
    """A file name for messages and results: the last part of a path, printable."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return one_line(last)[-_MAX_NAME:] or "upload"
