"""Define the errors a service answers with: a code for programs, a status for HTTP, words for people."""

from __future__ import annotations

import math

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

STATUSES = {
    "bad_request": 400,
    "bad_option": 400,
    "url_refused": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "upload_timeout": 408,
    "too_large": 413,
    "too_many_pixels": 413,
    "too_many_pages": 413,
    "unreadable": 422,
    "busy": 429,
    "internal": 500,
    "clips_unavailable": 501,
    "url_failed": 502,
    "queue_timeout": 503,
    "read_timeout": 504,
}
"""Error code to HTTP status. Codes are part of the interface; messages may change."""


class ServiceError(Exception):
    """A request that gets no result.

    Args:
        code: A key of `STATUSES`.
        message: One line: what was found, what was expected, what to do.
        retry_after_s: When it may work, for errors that pass.
    """

    def __init__(self, code: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


class ErrorDetail(BaseModel):
    """Why there is no result."""

    code: str = Field(description="For programs.", json_schema_extra={"enum": list(STATUSES)})
    status: int = Field(description="The HTTP status again.")
    message: str = Field(description="For people: what was found, expected, and what to do.")


class ErrorAnswer(BaseModel):
    """The body of every answer with a status from 400."""

    error: ErrorDetail


def error_response(error: ServiceError) -> JSONResponse:
    """The answer for an error, with Retry-After in whole seconds where it has one."""
    status = STATUSES[error.code]
    detail = ErrorDetail(code=error.code, status=status, message=error.message)
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return JSONResponse(ErrorAnswer(error=detail).model_dump(), status, headers=headers)
