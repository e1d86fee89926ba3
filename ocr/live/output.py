"""Events in; stdout, a JSON file and files of subtitles out. Nothing but what was asked for is held."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any, TextIO

from ocr.live.comments import Parser
from ocr.live.events import Event, to_json
from ocr.live.formats import FORMATS, clock
from ocr.live.subtitles import Cue, band, cues

_TIMED = frozenset({"srt", "vtt", "ass"})


class Sink:
    """Where events go.

    Args:
        options: `source`, `json`, `out`, `formats`, `overwrite`, `comments` and `subtitles` of the command line.
        parse: Tells comments apart; None where they are not asked for.

    Raises:
        FileExistsError: An output file is there already, and may not be overwritten.
    """

    def __init__(self, options: argparse.Namespace, parse: Parser | None) -> None:
        self._parse = parse
        formats = options.formats or (["srt"] if options.out else [])
        self._only_subtitles = options.subtitles or (
            parse is None and bool(_TIMED.intersection(formats))
        )
        self._paths = {name: _output(options, name) for name in formats}
        self._json_path = options.json if options.json != "-" else None
        source = Path(options.source)
        for path in [*self._paths.values(), *([Path(self._json_path)] if self._json_path else [])]:
            _check(path, source, options.overwrite)
        self._json: TextIO | None = sys.stdout if options.json == "-" else None
        self._text = None if options.json == "-" else sys.stdout
        # Which rows are subtitles is known at the end.
        self._held: list[Event] | None = [] if self._paths or self._only_subtitles else None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Sink:
        """Open the JSON file."""
        if self._json_path:
            self._json = self._stack.enter_context(
                Path(self._json_path).open("w", encoding="utf-8", newline="\n")
            )
        for path in self._paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self._stack.close()

    def write(self, event: Event) -> None:
        """Take an event."""
        if self._held is not None:
            self._held.append(event)
        if not self._only_subtitles:
            self._show(event)

    def finish(self, size: tuple[int, int]) -> None:
        """Write what is known only at the end.

        Args:
            size: (height, width) of the pictures.
        """
        if self._held is None:
            return
        events = self._held
        if self._only_subtitles:
            events = band(events, size[0])
            for event in events:
                self._show(event)
            timed = cues(events)
        else:
            events.sort(key=lambda event: event.first)
            timed = [Cue(event.first, event.until, (event.text,)) for event in events]
        for name, path in self._paths.items():
            path.write_text(FORMATS[name](timed, size), encoding="utf-8", newline="\n")

    def _show(self, event: Event) -> None:
        content: dict[str, Any] = event.content()
        if self._parse is not None:
            content |= self._parse(event.text)._asdict()
        if self._json is not None:
            print(to_json(content), file=self._json, flush=True)
        if self._text is not None:
            span = f"{clock(event.first)}-{clock(event.last)}"
            print(f"{span}\t{event.text}", file=self._text, flush=True)


def _output(options: argparse.Namespace, name: str) -> Path:
    """The file of a format: named as the source is."""
    stem = Path(options.source).stem if "://" not in options.source else "stream"
    folder: Path = options.out
    return folder / f"{stem.replace(':', '-').replace(',', '-') or 'live'}.{name}"


def _check(path: Path, source: Path, overwrite: bool) -> None:
    if path.exists() and (
        not overwrite or path.samefile(source) if source.exists() else not overwrite
    ):
        raise FileExistsError(
            f"{path}: is there already; give another folder or --overwrite (an input is never overwritten)"
        )
