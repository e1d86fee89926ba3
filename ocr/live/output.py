"""Write events to stdout, a JSON file and files of subtitles; nothing but what was asked for is held."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

from common.image import describe
from ocr.batch.resume import JsonLines
from ocr.formats.own_files import OverwriteError, is_own, write_own
from ocr.live.comments import Parser
from ocr.live.events import LINE_START, Event, to_json
from ocr.live.formats import FORMATS, clock
from ocr.live.subtitles import Cue, band, cues

_TIMED = frozenset({"srt", "vtt", "ass"})


class Sink:
    """Where the events of sources go.

    Args:
        options: `sources`, `json`, `out`, `formats`, `overwrite`, `comments` and `subtitles` of the command line.
        parse: Tells comments apart; None where they are not asked for.

    Raises:
        OverwriteError: An output would take the place of an input, or of a file that no run has written.
    """

    def __init__(self, options: argparse.Namespace, parse: Parser | None) -> None:
        self._parse = parse
        formats = options.formats or (["srt"] if options.out else [])
        self._only_subtitles = options.subtitles or (
            parse is None and bool(_TIMED.intersection(formats))
        )
        self._outputs = {
            source: {name: _output(options.out, source, name) for name in formats}
            for source in options.sources
        }
        self._json_path = Path(options.json) if options.json not in (None, "-") else None
        paths = [path for outputs in self._outputs.values() for path in outputs.values()]
        if len(set(paths)) < len(paths):
            raise OverwriteError("two sources of one name: give them in runs of their own")
        for path in [*paths, *([self._json_path] if self._json_path else [])]:
            _check(path, options.sources, options.overwrite)
        self._json: JsonLines | None = None
        self._to_stdout = options.json == "-"
        self._source = ""
        self._held: list[Event] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Sink:
        """Open the JSON file."""
        if self._json_path:
            self._json = JsonLines(self._json_path, resume=False)
            self._stack.callback(self._json.close)
            self._json.clear()
        return self

    def __exit__(self, *error: object) -> None:
        """Close it; what has been written stands, whatever happened."""
        self._stack.close()

    def begin(self, source: str) -> None:
        """Take events of another source from now on."""
        self._source, self._held = source, []

    def write(self, event: Event) -> None:
        """Take an event."""
        if self._only_subtitles or self._outputs[self._source]:
            # Which rows are subtitles is known at the end.
            self._held.append(event)
        if not self._only_subtitles:
            self._show(event)

    def finish(self, size: tuple[int, int]) -> None:
        """Write what is known only at the end of a source.

        Args:
            size: (height, width) of the pictures.
        """
        events, self._held = self._held, []
        if self._only_subtitles:
            events = band(events, size[0])
            for event in events:
                self._show(event)
            timed = cues(events)
        else:
            events.sort(key=lambda event: event.first)
            timed = [Cue(event.first, event.until, (event.text,)) for event in events]
        for name, path in self._outputs[self._source].items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with write_own(path) as stream:
                stream.write(FORMATS[name](timed, size).encode("utf-8", "backslashreplace"))

    def _show(self, event: Event) -> None:
        content = event.content(self._source)
        if self._parse is not None:
            content |= self._parse(event.text)._asdict()
        if self._json is not None:
            self._json.add(to_json(content))
        span = f"{clock(event.first)}-{clock(event.last)}"
        print(to_json(content) if self._to_stdout else f"{span}\t{event.text}", flush=True)


def _output(folder: Path, source: str, name: str) -> Path:
    """The file of a format: named as the source is."""
    stem = Path(source).stem if "://" not in source else "stream"
    return folder / f"{stem.replace(':', '-').replace(',', '-') or 'live'}.{name}"


def _check(path: Path, sources: Sequence[str], overwrite: bool) -> None:
    if not path.exists():
        return
    if any(Path(source).exists() and path.samefile(source) for source in sources):
        raise OverwriteError(f"{describe(path)}: is an input, which no output replaces")
    if not overwrite and not is_own(path) and not _is_events(path):
        raise OverwriteError(
            f"{describe(path)}: no earlier run has written what is there; --overwrite replaces it"
        )


def _is_events(path: Path) -> bool:
    """Whether a file begins with an event that --json wrote."""
    with path.open("rb") as stream:
        return stream.read(len(LINE_START)) == LINE_START
