"""Read the text of pictures, folders of pictures and PDFs: `python demo.py PATH [PATH ...]`.

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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import cv2

import ocr
from common.arrays import Image
from common.image import describe
from ocr.batch.progress import Progress, are_several, expected_pages
from ocr.batch.read_many import read_files
from ocr.batch.resume import ResumeError, Todo, open_json
from ocr.files.find import STDIN, find_inputs
from ocr.formats import FORMATS
from ocr.formats.output_folder import Outputs
from ocr.formats.punctuation import POLICIES, apply
from ocr.onnx_runtime import PROVIDERS, available_cores
from recognition.recognizer import SEARCHES

_log = logging.getLogger("demo")

_MOST_JOBS = 4  # keeps memory near a gigabyte; more must be asked for
_USUAL = ("txt", "json")  # files that -o writes where -f names none
_INTERRUPTED, _BROKEN_PIPE = 130, 141  # as shells report SIGINT and SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.out and (options.draw or options.formats):
        parser.error("-f and --draw write files: give the folder with -o DIR")
    if options.resume and not options.out and options.json in (None, "-"):
        parser.error("--resume goes on with what is in --json FILE or -o DIR: give one of them")
    logging.basicConfig(stream=sys.stderr, format="demo.py: %(message)s", force=True)
    _log.setLevel(logging.ERROR if options.quiet else logging.INFO)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal or file of any encoding gets UTF-8
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return _run(options, parser.error)
    except KeyboardInterrupt:
        _log.error("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left; the interpreter's own flush at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="demo.py",
        description="Read the text of pictures, folders of pictures and PDFs.",
        epilog="Exit status: 0 every page was read, 1 some input could not be, 2 bad usage.",
    )
    add = parser.add_argument
    add(
        "paths",
        nargs="+",
        metavar="PATH",
        help="picture, PDF, folder of them, pattern, or - for a list on stdin, one path a line",
    )
    add("-0", dest="zeros", action="store_true", help="with -: zero bytes end paths, not lines")
    add("--json", metavar="FILE", help="one JSON object a line for each page; - is stdout")
    add("-o", dest="out", type=Path, metavar="DIR", help="folder for output files")
    add(
        "-f",
        dest="formats",
        type=_format_list,
        metavar="LIST",
        help=f"with -o: formats, of {','.join(FORMATS)} ({','.join(_USUAL)})",
    )
    add("--draw", action="store_true", help="with -o: the picture with boxes and text")
    add(
        "--punctuation",
        choices=list(POLICIES),
        default="raw",
        help="how punctuation and widths are written: as read, by Unicode's NFKC, as ASCII, or Chinese in full width",
    )
    add(
        "--characters",
        action="store_true",
        help="also the box of each character, in JSON, hocr, alto and page files",
    )
    add("--resume", action="store_true", help="skip what --json FILE and -o DIR hold already")
    add("--models", default="small", metavar="NAME", help="name of all three models (small)")
    for task in ("angle", "detector", "recognizer"):
        add(f"--{task}", metavar="NAME", help=f"name of the {task} model")
    add("--no-angle", action="store_true", help="trust that pages are upright")
    add("--single-line", action="store_true", help="each picture is one cut-out line")
    add("--vertical", action="store_true", help="all lines run down, in columns from the right")
    add("--decode", choices=SEARCHES, help="greedy: no language model; attention: where it reads")
    add("--lexicon", type=Path, metavar="FILE", help="words expected, one a line")
    add("--allowed", metavar="CHARS", help="the only characters to read")
    add("--device", choices=sorted(PROVIDERS), default="cpu")
    add("--threads", type=_positive, metavar="N", help="threads to work with (all cores)")
    add(
        "--jobs",
        type=_positive,
        metavar="N",
        help=f"pages read at a time, about 200 MB each (as many as threads, up to {_MOST_JOBS})",
    )
    add("--quiet", action="store_true", help="no messages but errors")
    return parser


def _format_list(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(f"no format {name!r}; there are: {', '.join(FORMATS)}")
    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _run(options: argparse.Namespace, usage_error: Callable[[str], NoReturn]) -> int:
    """Find the files, open the outputs, load the models, read."""
    report = _Report()
    files = find_inputs(
        options.paths,
        stdin=sys.stdin.buffer if STDIN in options.paths else io.BytesIO(),
        separator=b"\0" if options.zeros else b"\n",
        on_error=report.error,
    )
    jobs, threads = _shares(options, files)
    if threads:
        cv2.setNumThreads(threads)
    with contextlib.ExitStack() as stack:
        try:
            if options.out:
                options.out.mkdir(parents=True, exist_ok=True)
            json_stream: TextIO | None = None if options.json is None else sys.stdout
            done: set[tuple[str, int]] = set()
            if options.json not in (None, "-"):
                json_stream, done = open_json(Path(options.json), resume=options.resume)
                stack.enter_context(json_stream)
        except OSError as error:
            usage_error(f"{error.filename}: {error.strerror}")
        except ResumeError as error:
            usage_error(str(error))
        try:
            reader = ocr.load(
                options.models,
                angle=options.angle,
                detector=options.detector,
                recognizer=options.recognizer,
                device=options.device,
                threads=threads,
                decode=options.decode,
                lexicon=options.lexicon,
                allowed=options.allowed,
                vertical=options.vertical,
            )
        except OSError as error:
            usage_error(f"{error.filename}: {error.strerror}")
        except ValueError as error:
            usage_error(str(error))
        except ocr.WeightsError as error:
            _log.error("error: %s", error)
            return 1
        formats = options.formats or _USUAL
        outputs = (
            Outputs(options.out, files, formats, characters=options.characters)
            if options.out
            else None
        )
        text_stream = None if options.json == "-" else sys.stdout
        run = _Run(files, report, outputs, text_stream, json_stream, done)
        run.read(reader, options, jobs)
        return 1 if report.failed else 0


def _shares(options: argparse.Namespace, files: Sequence[str]) -> tuple[int, int | None]:
    """Pages to read at a time, and threads for each; None is all cores."""
    threads = options.threads or available_cores()
    # On a GPU, one page is decoded while another is worked on; on a CPU each takes about 200 MB.
    usual = min(threads, 2 if options.device == "cuda" else _MOST_JOBS)
    jobs = options.jobs or (usual if are_several(files) else 1)
    return jobs, options.threads if jobs == 1 else max(1, threads // jobs)


class _Report:
    """Says what failed, in one line each; remembers whether anything did."""

    def __init__(self) -> None:
        self.failed = False
        self.aside: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext

    def error(self, path: str, error: Exception) -> None:
        """Report an error on one input."""
        known = isinstance(error, (ocr.InputError, MemoryError, OSError))
        if isinstance(error, ocr.InputError):
            message = str(error)
        elif isinstance(error, MemoryError):
            message = f"{describe(path)}: not enough memory"
        elif isinstance(error, OSError):
            message = f"{describe(path)}: {error.filename or ''} {error.strerror}"
        else:
            message = f"{describe(path)}: internal error: {error!r}"
        self.failed = True
        with self.aside():
            _log.error("error: %s", message, exc_info=None if known else error)


class _Run:
    """Reads files and writes what they hold, in their order.

    Args:
        files: All inputs.
        report: Of errors.
        outputs: Output files, if there are any.
        text_stream: For text.
        json_stream: For JSON.
        done: (path, page) that an earlier run has written there.
    """

    def __init__(
        self,
        files: Sequence[str],
        report: _Report,
        outputs: Outputs | None,
        text_stream: TextIO | None,
        json_stream: TextIO | None,
        done: set[tuple[str, int]],
    ) -> None:
        self._files = files
        self._report = report
        self._outputs = outputs
        self._text_stream = text_stream
        self._json_stream = json_stream
        self._done = done
        self._divider = ""
        self._has_bar = False
        self._aside = report.aside

    def read(self, reader: ocr.Reader, options: argparse.Namespace, jobs: int) -> None:
        """Read all files, or with --resume those that are not done."""
        outputs = self._outputs
        written = outputs.are_there if outputs and options.resume else lambda number: False
        todo = Todo(
            self._files,
            written=written if outputs else None,
            done=None if self._json_stream in (None, sys.stdout) else self._done,
        )

        if len(todo.paths) < len(self._files):
            _log.info("%d inputs are done already", len(self._files) - len(todo.paths))

        def look(file: int, page: ocr.Page, image: Image) -> None:
            if outputs:
                outputs.draw(todo.numbers[file], apply(page, options.punctuation), image)

        steps = read_files(
            reader,
            todo.paths,
            jobs=jobs,
            angle=not options.no_angle,
            single_line=options.single_line,
            skip=todo.is_done,
            look=look if options.draw else None,
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

    @contextlib.contextmanager
    def _progress(self, paths: Sequence[str], quiet: bool) -> Iterator[Progress]:
        """A bar on a terminal, lines in a log; nothing for one page."""
        several = not quiet and are_several(paths)
        self._has_bar = several and sys.stderr.isatty()
        stream = sys.stderr if self._has_bar else None
        expected = expected_pages(paths, self._done) if several else [1] * len(paths)
        progress = Progress(expected, stream, _log.info)
        self._aside = self._report.aside = progress.aside
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
            _log.info("%s: %d lines, %.0f ms", which, len(page.lines), page.elapsed_ms.total)
        if (page.image, page.page) in self._done:
            return
        if self._text_stream and page.lines:
            # A blank line divides pages.
            with self._aside():
                print(self._divider, page.text, sep="", file=self._text_stream, flush=True)
            self._divider = "\n"
        if self._json_stream:
            print(page.to_json(characters=characters), file=self._json_stream, flush=True)

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


if __name__ == "__main__":
    status = main()
    if status == _INTERRUPTED:
        # A page that is still being read must not get in the way of the interpreter's end.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)
