"""Decode the frames of a clip or a stream; damaged ones are left out, a cut file ends where it is cut."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from common.arrays import Image
from common.image import InputError, one_line
from ocr.live.frames import Frame

_log = logging.getLogger("ocr.live")

_LUMA_FIRST = frozenset(
    "yuv420p yuvj420p yuv422p yuvj422p yuv444p yuvj444p yuv410p yuv411p yuv440p nv12 nv21 nv16 gray".split()
)
"""Pixel formats whose first plane is grey levels of a byte each."""

SCHEMES = frozenset({"http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "srt"})
"""Of URLs that can be opened."""

_CONTAINERS = (
    "mov,mp4,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,ogg,asf,gif,apng,mjpeg,nut,"
    "yuv4mpegpipe,rm,dv,wtv,mxf,3gp"
)
"""Formats of files that are opened: none that names other files, as playlists do."""

_MOST_PIXELS = 40_000_000

_TIMEOUT = 10.0
"""Seconds without data after which a stream counts as stalled."""

_FEWEST, _SHARE = 8, 0.5
"""A source is given up once so many packets, and this share of all, are damaged."""

_LOST = 0.9
"""Seconds before the length that a file names, by which its last packet may end; else it is cut."""


class MissingPyAVError(InputError):
    """Moving pictures cannot be decoded here."""


def av_module() -> Any:  # noqa: ANN401
    """PyAV.

    Raises:
        MissingPyAVError: It is not installed.
    """
    try:
        import av
        import av.logging
    except ImportError as error:
        raise MissingPyAVError(
            "moving pictures need PyAV: run sh setup-cpu.sh --video, or pip install -r requirements-video.txt"
        ) from error
    av.logging.set_level(None)
    return av


class Video:
    """Frames of a file or of a stream.

    Args:
        source: Path or URL.
        stop: Ends reading when set.
        patience: Seconds for which a broken stream is opened again and again; 0 for files.
        network: The source is a URL.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        stop: threading.Event,
        patience: float = 0.0,
        network: bool = False,
    ) -> None:
        self.source = str(source)
        self.name = one_line(self.source)
        self.damaged = 0
        self.lost_end: str | None = None
        self.length: float | None = None
        self._stop = stop
        self._patience = patience
        self._network = network
        self._av = av_module()

    def __iter__(self) -> Iterator[Frame]:
        """The frames.

        Raises:
            InputError: It cannot be opened, or nothing of it can be decoded.
        """
        index, begun, last = 0, 0.0, time.monotonic()
        started = time.monotonic()
        while not self._stop.is_set():
            try:
                for frame in self._play():
                    yield Frame(index, begun + frame.seconds, frame.luma, frame.decode)
                    index, last = index + 1, time.monotonic()
                if not self._patience:
                    break
                self.lost_end = "the stream ended"
            except InputError as error:
                if not index and not self._patience:
                    raise
                self.lost_end = str(error)
                if not self._patience:
                    break
            if time.monotonic() - last > self._patience:
                break
            _log.warning("%s: %s; trying again", self.name, self.lost_end)
            self._stop.wait(1.0)
            begun = time.monotonic() - started
        if not index:
            raise InputError(f"{self.name}: {self.lost_end or 'no frames'}")

    def _play(self) -> Iterator[Frame]:
        """Frames of one opening, with seconds from its own beginning."""
        av = self._av
        try:
            container = av.open(**self._target(), metadata_errors="replace")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            hint = "" if self._network else "; expected moving pictures (demo.py reads single ones)"
            raise InputError(f"{self.name}: {_reason(error)}{hint}") from error
        with container:
            if not container.streams.video:
                raise InputError(f"{self.name}: found no moving pictures in it")
            stream = container.streams.video[0]
            if stream.width * stream.height > _MOST_PIXELS:
                raise InputError(
                    f"{self.name}: found frames of {stream.width} x {stream.height}, expected "
                    f"{_MOST_PIXELS / 1e6:g} megapixels at most: reduce it first"
                )
            stream.thread_type = "AUTO"
            if container.duration:
                self.length = container.duration / av.time_base
            yield from self._frames(container, stream)

    def _target(self) -> dict[str, Any]:
        """What FFmpeg is told to open, and what it may open besides."""
        if not self._network:
            # A file's name is never taken as an address, and the file leads to no other.
            options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
            return {"file": "file:" + self.source, "options": options}
        options = {"rtsp_transport": "tcp"} if self.source.startswith("rtsp") else {}
        return {"file": self.source, "options": options, "timeout": _TIMEOUT}

    def _frames(self, container: Any, stream: Any) -> Iterator[Frame]:  # noqa: ANN401
        av = self._av
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        begin: float | None = None
        previous, count, packets, damaged = -1.0, 0, 0, 0
        demuxed, end = container.demux(), 0.0
        while not self._stop.is_set():
            try:
                packet = next(demuxed)
            except StopIteration:
                if self.length and end < self.length - _LOST:
                    text = f"the file is cut: {end:.1f} of {self.length:.1f} seconds are there"
                    raise InputError(f"{self.name}: {text}") from None
                return
            except (av.error.FFmpegError, OSError) as error:
                # What was decoded before stands.
                raise InputError(f"{self.name}: {_reason(error)}") from error
            # Sound, too: it may go on where the pictures end.
            end = max(end, _end(packet, container))
            if packet.stream.index != stream.index:
                continue
            packets += 1
            try:
                decoded = packet.decode()
            except (av.error.FFmpegError, ValueError) as error:
                damaged += 1
                self.damaged += 1
                if damaged > _FEWEST and damaged > _SHARE * packets:
                    raise InputError(f"{self.name}: {_reason(error)}") from error
                continue
            for picture in decoded:
                if picture.is_corrupt:
                    self.damaged += 1
                seconds = picture.time if picture.time is not None else count / rate
                begin = seconds if begin is None else begin
                # Times that run backwards come from damaged or joined files.
                at = seconds - begin
                if at <= previous:
                    at = previous + 1 / rate
                if at - previous > 3600:
                    begin += at - previous - 1 / rate
                    at = previous + 1 / rate
                yield _frame(picture, at)
                previous, count = at, count + 1


def _end(packet: Any, container: Any) -> float:  # noqa: ANN401
    """Seconds from the beginning of a file to the end of a packet; 0 where it has no time."""
    if packet.pts is None or packet.time_base is None:
        return 0.0
    begin = (container.start_time or 0) / 1e6
    return float((packet.pts + (packet.duration or 0)) * packet.time_base) - begin


def _frame(picture: Any, seconds: float) -> Frame:  # noqa: ANN401
    """A decoded frame, turned as its source says."""
    turns = round(getattr(picture, "rotation", 0) / 90) % 4

    def upright(image: Image) -> Image:
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

    if picture.format.name in _LUMA_FIRST:
        plane = picture.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        luma = rows[: picture.height, : picture.width]
    else:
        luma = picture.to_ndarray(format="gray")
    return Frame(0, seconds, upright(luma), lambda: upright(picture.to_ndarray(format="rgb24")))


def _reason(error: Exception) -> str:
    """Why FFmpeg failed, in one line."""
    return one_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)
