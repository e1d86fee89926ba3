"""Run live reading from the command line.

The events go to stdout, messages to stderr. Exit status: 0 the source was read to its end, 1 it could not be, or not to
its end (what was read before stands), 2 bad usage, 130 Ctrl-C (what was finished stands).
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import cv2

from common.image import InputError
from common.wording import counted
from ocr.arguments import add_device, add_models, add_outputs, add_quiet, add_threads, argument
from ocr.formats.own_files import OverwriteError
from ocr.live.comments import parse
from ocr.live.events import Event
from ocr.live.formats import FORMATS, clock
from ocr.live.output import Sink
from ocr.live.reader import LiveReader
from ocr.live.settings import COMMENTS, DEFAULTS
from ocr.live.sources import Source, open_source, parse_frame_region
from ocr.models import batching, build, decoding
from ocr.onnx_runtime import available_cores
from ocr.weights import WeightsError

_log = logging.getLogger("ocr.live")

_INTERRUPTED, _BROKEN_PIPE = 130, 141
_EVERY = 10.0
"""Seconds between messages of progress."""


def main(arguments: Sequence[str] | None = None, program: str = "python -m ocr.live") -> int:
    """Run the command line; returns the exit status.

    Args:
        arguments: None takes those of the process.
        program: What the user has called.
    """
    parser = _parser(program)
    options = parser.parse_args(arguments)
    if options.formats and not options.out:
        parser.error("-f writes files: give the folder with -o DIR")
    logging.basicConfig(stream=sys.stderr, format="ocr.live: %(message)s", force=True)
    _log.setLevel(logging.ERROR if options.quiet else logging.INFO)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return run(options)
    except (InputError, WeightsError) as error:
        _log.error("error: %s", error)
        return 1
    except OverwriteError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        _log.error("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:  # of an output
        _log.error("error: %s: %s", error.filename or "output", error.strerror or error)
        return 1


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Read the text of clips, streams and screens: one event a line of text, from first to last seen.",
        epilog="Exit status: 0 read to the end, 1 not, 2 bad usage, 130 Ctrl-C.",
    )
    add = parser.add_argument
    add(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a clip, a folder of pictures, screen, screen:x,y,w,h, or with --allow-network a URL",
    )
    add("--json", metavar="FILE", help="one JSON object a line for each event; - is stdout")
    add_outputs(parser, FORMATS, "; those of subtitles imply --subtitles")
    add("--overwrite", action="store_true", help="let output files take the place of older ones")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--comments", action="store_true", help="tell user, message and kind apart")
    kind.add_argument("--subtitles", action="store_true", help="only the rows of subtitles")
    add(
        "--region",
        type=argument(parse_frame_region),
        action="append",
        default=[],
        metavar="X,Y,W,H",
        help="part of the picture to read, in pixels (repeatable)",
    )
    add(
        "--fps",
        type=_rate,
        metavar="N",
        help=f"frames looked at a second, at most ({DEFAULTS.looks_per_second:g})",
    )
    add(
        "--early",
        action="store_true",
        help="tell a line as soon as its text is sure, while it is still there",
    )
    add("--allow-network", action="store_true", help="open a URL")
    add(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="seconds that a folder or a stream may be silent before it has ended (0)",
    )
    add("--seconds", type=_seconds, metavar="S", help="stop after so many seconds of the source")
    add_models(parser, "detector and recognizer", ("detector", "recognizer"))
    add_device(parser)
    add_threads(parser)
    add_quiet(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Read sources one after the other and write their events."""
    stop = threading.Event()
    failed = False
    with (
        _interruptible(stop) as interrupted,
        Sink(options, parse if options.comments else None) as sink,
    ):
        make = _maker(options)
        for name in options.sources:
            try:
                failed |= not _read(name, sink, make(), stop, options)
            except InputError as error:
                _log.error("error: %s", error)
                failed = True
            if interrupted.is_set():
                break
            stop.clear()
    return _INTERRUPTED if interrupted.is_set() else int(failed)


def _read(
    name: str, sink: Sink, reader: LiveReader, stop: threading.Event, options: argparse.Namespace
) -> bool:
    """Read one source; whether to its end.

    Raises:
        InputError: Nothing of it can be read.
    """
    source = open_source(
        name, stop=stop, allow_network=options.allow_network, wait=options.wait, rate=options.fps
    )
    sink.begin(name)
    try:
        for event in _watched(reader, source, stop, options):
            sink.write(event)
    finally:
        sink.finish(reader.size)
    if source.damaged:
        _log.warning("%s: %d damaged frames were left out", source.name, source.damaged)
    if source.lost_end:
        _log.error("error: ended early: %s", source.lost_end)
    elif stop.is_set() and options.seconds is None:
        _log.warning("interrupted at %s; what was finished is written", clock(reader.seconds))
    return not source.lost_end


def _maker(options: argparse.Namespace) -> Callable[[], LiveReader]:
    """What makes a reader for each source, around the same models.

    Raises:
        InputError: There is no such model.
    """
    threads = options.threads or available_cores()
    cv2.setNumThreads(threads)
    batches = batching(options.device, threads)
    each = max(1, threads // batches["workers"])
    names = options.detector or options.models, options.recognizer or options.models
    try:
        detector = build(names[0], "detector", device=options.device, threads=threads)
        recognizer = build(
            names[1],
            "recognizer",
            device=options.device,
            threads=each,
            options=decoding() | batches,
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    settings = COMMENTS if options.comments else DEFAULTS
    if options.fps:
        settings = dataclasses.replace(settings, looks_per_second=options.fps)
    return lambda: LiveReader(
        detector, recognizer, regions=options.region, settings=settings, early=options.early
    )


def _watched(
    reader: LiveReader, source: Source, stop: threading.Event, options: argparse.Namespace
) -> Iterator[Event]:
    """The events of a source, with messages of progress meanwhile."""
    began = time.monotonic()
    over = threading.Event()

    def report() -> None:
        while not over.wait(_EVERY):
            _log.info("%s", _progress(reader, source, time.monotonic() - began))

    def watch() -> None:
        while not over.wait(0.05):
            if options.seconds is not None and reader.seconds >= options.seconds:
                stop.set()

    threads = [threading.Thread(target=report, daemon=True)]
    if options.seconds is not None:
        threads.append(threading.Thread(target=watch, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield from reader.read(source, stop)
    finally:
        over.set()
    _log.info("%s", _progress(reader, source, time.monotonic() - began))


def _progress(reader: LiveReader, source: Source, passed: float) -> str:
    length = f" of {clock(source.length)}" if source.length else ""
    speed = reader.seconds / passed if passed else 0.0
    return f"{source.name}: at {clock(reader.seconds)}{length}, {counted(reader.told, 'event')}, {speed:.2f} s a second"


@contextlib.contextmanager
def _interruptible(stop: threading.Event) -> Iterator[threading.Event]:
    """The first Ctrl-C ends the source, so that what is there gets finished; a second one ends the program."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def first(*_: object) -> None:
        interrupted.set()
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _number(text: str, least: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value


def _rate(text: str) -> float:
    return _number(text, 0.1, "a number of frames a second from 0.1")


def _seconds(text: str) -> float:
    return _number(text, 0.0, "a number of seconds from 0")
