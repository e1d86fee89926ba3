"""Read the text of pictures, folders of pictures, PDFs and clips: `python demo.py PATH [PATH ...]`.

The text goes to stdout in reading order, messages to stderr. Exit status: 0 every page was read (a
page without text is a page), 1 at least one input could not be read, 2 bad usage.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

_MISSING = [name for name in ("cv2", "numpy", "onnxruntime", "PIL") if find_spec(name) is None]
if _MISSING:
    sys.exit(
        f"demo.py: error: {', '.join(_MISSING)} is not there for {sys.executable}: set up with `sh setup-cpu.sh` "
        f"(once), then run `{Path(__file__).parent / '.venv/bin/python'} demo.py …`"
    )

import cv2

import ocr
from common.arrays import Image
from common.image import describe
from common.settings import with_values
from common.wording import counted
from ocr.batch.console import (
    ErrorReport,
    StreamError,
    Streams,
    check_json,
    leave_quietly,
    require_stdout,
)
from ocr.batch.options import MOST_JOBS, USUAL_FORMATS, parse
from ocr.batch.progress import Progress, are_several, expected_pages
from ocr.batch.read_many import read_files
from ocr.batch.resume import JsonLines, Todo
from ocr.files.documents import EXTENSIONS
from ocr.files.find import STDIN, find_inputs
from ocr.files.piped import take_pipes
from ocr.formats.output_folder import Outputs
from ocr.formats.punctuation import apply
from ocr.line import views
from ocr.live.command import main as read_clips
from ocr.live.sources import is_clip
from ocr.onnx_runtime import available_cores

_log = logging.getLogger("demo")

_NAMED = 5  # of files that a message lists
_INTERRUPTED, _BROKEN_PIPE = 130, 141  # as shells report SIGINT and SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if any(map(is_clip, arguments)):
        # Events of moving pictures have options of their own.
        pictures = [path for path in arguments if Path(path).suffix.lower() in EXTENSIONS]
        if pictures:
            print(
                f"demo.py: error: {pictures[0]} is no clip: read it by a call of its own",
                file=sys.stderr,
            )
            return 2
        return read_clips(arguments, "demo.py")
    options, parser = parse(arguments)
    logging.basicConfig(stream=sys.stderr, format="demo.py: %(message)s", force=True)
    _log.setLevel(logging.ERROR if options.quiet else logging.INFO)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal or file of any encoding gets UTF-8
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return _run(options, parser.error)
    except KeyboardInterrupt:
        _log.error("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read the output has left
        leave_quietly(sys.stdout)
        return _BROKEN_PIPE
    except StreamError as error:
        leave_quietly(sys.stdout)
        _log.error("error: %s", error)
        return 1


def _run(options: argparse.Namespace, usage_error: Callable[[str], NoReturn]) -> int:
    """Find the files, check the outputs, load the models, read."""
    report = ErrorReport()
    files = find_inputs(
        options.paths,
        stdin=sys.stdin.buffer if STDIN in options.paths else io.BytesIO(),
        separator=b"\0" if options.zeros else b"\n",
        on_error=report.error,
        on_left_out=_say_left_out,
    )
    stdin = sys.stdin.buffer if options.stdin_image else None
    files, contents = take_pipes(files, stdin=stdin, on_error=report.error)
    seen, files = files, files[:1] if options.views else files
    jobs, threads = _shares(options, files)
    if threads:
        cv2.setNumThreads(threads)
    with contextlib.ExitStack() as stack:
        try:
            outputs = _outputs(options, files, contents, seen)
            json = None
            if options.json not in (None, "-"):
                json = JsonLines(Path(options.json), resume=options.resume)
                stack.callback(json.close)
            reader = _load(options, threads)
            if options.views and seen:
                views.check(reader.models.recognizer, len(seen))
            if json and not options.resume:
                json.clear()  # only now: nothing that was asked for wrongly costs earlier results
        except OSError as error:
            usage_error(f"{error.filename}: {error.strerror}")
        except ValueError as error:  # of a model's name, of what would be overwritten or resumed
            usage_error(str(error))
        except ocr.WeightsError as error:
            _log.error("error: %s", error)
            return 1
        stdout = require_stdout() if options.json == "-" or not (json or outputs) else sys.stdout
        streams = Streams(*((None, stdout) if options.json == "-" else (stdout, json)))
        run = _Conversion(files, contents, report, outputs, streams, json.done if json else None)
        run.read(reader, options, jobs, seen)
        return 1 if report.failed else 0


def _say_left_out(folder: str, files: Sequence[Path]) -> None:
    found = counted(len(files), "file")
    _log.info("%s: %s of other kinds left out: %s", folder, found, _some(files))


def _some(files: Sequence[Path]) -> str:
    """The names of the first few."""
    names = ", ".join(describe(file.name) for file in files[:_NAMED])
    return f"{names}, …" if len(files) > _NAMED else names


def _outputs(
    options: argparse.Namespace,
    files: Sequence[str],
    contents: Mapping[str, bytes],
    seen: Sequence[str],
) -> Outputs | None:
    """Where output files go, named after `files`; sees that neither they nor the JSON replace any file that is `seen`.

    Raises:
        OverwriteError: One would.
        OSError: The folder cannot be made.
    """
    json = None if options.json in (None, "-") else Path(options.json)
    outputs = None
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        formats = options.formats or USUAL_FORMATS
        outputs = Outputs(
            options.out,
            files,
            formats,
            characters=options.characters,
            drawn=options.draw,
            contents=contents,
        )
        outputs.check_free(overwrite=options.overwrite, resume=options.resume, json=json)
    if json is not None:
        inputs = [*seen, *([str(options.lexicon)] if options.lexicon else [])]
        check_json(json, inputs, overwrite=options.overwrite or options.resume)
    return outputs


def _load(options: argparse.Namespace, threads: int | None) -> ocr.Reader:
    return ocr.load(
        options.models,
        angle=options.angle,
        detector=options.detector,
        recognizer=options.recognizer,
        spotter=options.spotter,
        device=options.device,
        threads=threads,
        decode=options.decode,
        lexicon=options.lexicon,
        allowed=options.allowed,
        languages=options.languages,
        vertical=options.vertical,
        settings=with_values(ocr.Settings(), options.settings),
    )


def _shares(options: argparse.Namespace, files: Sequence[str]) -> tuple[int, int | None]:
    """Pages to read at a time, and threads for each; None is all cores."""
    threads = options.threads or available_cores()
    # On a GPU, one page is decoded while another is worked on; on a CPU each takes about 200 MB.
    usual = min(threads, 2 if options.device == "cuda" else MOST_JOBS)
    jobs = options.jobs or (usual if are_several(files) else 1)
    return jobs, options.threads if jobs == 1 else max(1, threads // jobs)


class _Conversion:
    """Reads files and writes what they hold, in their order.

    Args:
        files: All inputs.
        contents: Of those that are no files.
        report: Of errors.
        outputs: Output files, if there are any.
        streams: For text and JSON.
        done: (path, page) that a file of JSON lines has from an earlier run; None where there is no such file.
    """

    def __init__(
        self,
        files: Sequence[str],
        contents: Mapping[str, bytes],
        report: ErrorReport,
        outputs: Outputs | None,
        streams: Streams,
        done: set[tuple[str, int]] | None,
    ) -> None:
        self._files = files
        self._contents = contents
        self._report = report
        self._outputs = outputs
        self._streams = streams
        self._done = done
        self._has_bar = False

    def read(
        self, reader: ocr.Reader, options: argparse.Namespace, jobs: int, seen: Sequence[str]
    ) -> None:
        """Read all files, or with --resume those that are not done; with --views those `seen` as one."""
        outputs = self._outputs
        written = outputs.are_there if outputs and options.resume else lambda number: False
        todo = Todo(self._files, written=written if outputs else None, done=self._done)
        if len(todo.paths) < len(self._files):
            done = counted(len(self._files) - len(todo.paths), "input")
            _log.info("%s done already", done)
            self._say_kept(set(range(len(self._files))) - set(todo.numbers))

        def draw_page(file: int, page: ocr.Page, image: Image) -> None:
            if outputs:
                outputs.draw(todo.numbers[file], apply(page, options.punctuation), image)

        steps = read_files(
            reader,
            todo.paths,
            jobs=jobs,
            angle=not options.no_angle,
            single_line=options.single_line,
            regions=options.region,
            contents=self._contents,
            skip=todo.is_done,
            on_page=draw_page if options.draw else None,
            together=seen if options.views and todo.paths else (),
        )
        pages: list[ocr.Page] = []
        with contextlib.closing(steps), self._progress(todo.paths, options.quiet) as progress:
            for step in steps:
                if step.page is not None:
                    page = apply(step.page, options.punctuation)
                    self._show(page, options.characters)
                    if outputs:
                        pages.append(page)
                elif step.error is not None:
                    self._report.error(todo.paths[step.file], step.error)
                else:
                    if not todo.is_written(step.file):
                        self._write(todo.numbers[step.file], pages)
                    pages.clear()
                progress.count(step)

    def _say_kept(self, done: Collection[int]) -> None:
        """Name output files of inputs that count as done, but were edited, or written by others."""
        kept = self._outputs.foreign(sorted(done)) if self._outputs else []
        if kept:
            _log.info(
                "%s kept that no run wrote as they are now: %s; delete what is to be made again",
                counted(len(kept), "file"),
                _some(kept),
            )

    @contextlib.contextmanager
    def _progress(self, paths: Sequence[str], quiet: bool) -> Iterator[Progress]:
        """A bar on a terminal, lines in a log; nothing for one page."""
        several = not quiet and are_several(paths)
        self._has_bar = several and sys.stderr.isatty()
        stream = sys.stderr if self._has_bar else None
        expected = expected_pages(paths, self._done or ()) if several else [1] * len(paths)
        progress = Progress(expected, stream, _log.info)
        self._streams.aside = self._report.aside = progress.aside
        try:
            yield progress
        finally:
            summary = progress.close()
        if several:
            _log.info("%s", summary)

    def _show(self, page: ocr.Page, characters: bool) -> None:
        """Write a page to the streams at once, so that nothing is lost by what comes later."""
        if not self._has_bar:
            which = (
                f"{describe(page.image)} page {page.page}" if page.page else describe(page.image)
            )
            lines = counted(len(page.lines), "line")
            _log.info("%s: %s, %.0f ms", which, lines, page.elapsed_ms.total)
        if (page.image, page.page) not in (self._done or ()):
            self._streams.write(page, characters=characters)

    def _write(self, file: int, pages: Sequence[ocr.Page]) -> None:
        """Write the output files of an input."""
        outputs = self._outputs
        if outputs is None or not pages:
            return
        for name in outputs.formats:
            try:
                outputs.write(file, name, pages)
            except Exception as error:
                self._report.error(self._files[file], error)


def _silence_libraries() -> None:
    """With --quiet: what C libraries write to stderr (libtiff warns of every unknown tag) goes nowhere."""
    if sys.stderr is None or "--quiet" not in sys.argv[1:]:
        return
    with contextlib.suppress(OSError, ValueError):
        ours = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        sys.stderr = os.fdopen(ours, "w", buffering=1, errors="backslashreplace")


if __name__ == "__main__":
    _silence_libraries()
    status = main()
    if status == _INTERRUPTED:
        # A page that is still being read must not get in the way of the interpreter's end.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)
