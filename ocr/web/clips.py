"""Read the events of a clip, on workers."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from common.image import InputError
from ocr.live.comments import parse
from ocr.live.events import Event
from ocr.live.reader import LiveReader
from ocr.live.settings import COMMENTS, DEFAULTS
from ocr.live.video import Video
from ocr.reader import Reader
from ocr.result import SCHEMA
from ocr.web.errors import ServiceError
from ocr.web.limits import Limits
from ocr.web.pool import Cancelled
from ocr.web.reading import Upload

_SHARE = 0.8
"""Share of the time limit after which a clip is read no further, so that what was read is answered."""


class ClipOptions(BaseModel):
    """How to read a clip; in the query or as fields of a form, which win."""

    model_config = ConfigDict(extra="forbid")

    comments: bool = Field(False, description="Tell user, message and kind of comments apart.")
    name: str | None = Field(None, description="What to call the file; for raw bytes.")


class EventModel(BaseModel):
    """A line of text with the time in which it is seen; `docs/live.md` describes each field."""

    schema_: int = Field(alias="schema")
    source: str
    event: int
    text: str
    score: float
    box: list[tuple[float, float]]
    first: float
    last: float
    frames: tuple[int, int]
    seen: int
    kind: str | None = None
    user: str | None = None
    message: str | None = None


class ClipModel(BaseModel):
    """What was read of a clip."""

    schema_: int = Field(alias="schema")
    name: str
    width: int
    height: int
    seconds: float = Field(description="How much of it was read.")
    complete: bool = Field(description="False where the time ran out or the file is cut.")
    events: list[EventModel] = Field(description="In the order of their beginnings.")


def are_clips_read() -> bool:
    """Whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def read_clip(
    reader: Reader, upload: Upload, limits: Limits, cancelled: Cancelled, *, comments: bool
) -> bytes:
    """Read a clip, as much of it as there is time for; gives JSON as `ClipModel` describes it.

    Raises:
        ServiceError: "clips_unavailable" or "unreadable".
    """
    if not are_clips_read():
        raise ServiceError(
            "clips_unavailable", "this service reads no clips: it was set up without --video"
        )
    stop = threading.Event()
    source = Video(upload.path, stop=stop)
    live = LiveReader(
        reader.models.detector,
        reader.models.recognizer,
        settings=COMMENTS if comments else DEFAULTS,
    )
    until = time.monotonic() + _SHARE * limits.read_timeout_s
    events: list[Event] = []
    timer = threading.Timer(_SHARE * limits.read_timeout_s, stop.set)
    timer.daemon = True
    timer.start()
    try:
        for event in live.read(source, stop):
            events.append(event)
            if cancelled.is_set():
                stop.set()
    except InputError as error:
        message = str(error).replace(str(upload.path), upload.name)
        raise ServiceError("unreadable", message) from error
    finally:
        timer.cancel()
    complete = source.lost_end is None and time.monotonic() < until
    return _content(upload.name, live, events, complete=complete, comments=comments)


def _content(
    name: str, live: LiveReader, events: list[Event], *, complete: bool, comments: bool
) -> bytes:
    rows: list[dict[str, Any]] = []
    for event in sorted(events, key=lambda event: (event.first, event.number)):
        said = parse(event.text)._asdict() if comments else {}
        rows.append(event.content(name) | said)
    content = {
        "schema": SCHEMA,
        "name": name,
        "width": live.size[1],
        "height": live.size[0],
        "seconds": round(live.seconds, 3),
        "complete": complete,
        "events": rows,
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
