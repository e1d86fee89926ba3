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
import PIL.Image

import ocr
from common.arrays import Image
from common.image import describe
from ocr.documents import Loader, find_files, pages
from ocr.draw import draw
from ocr.formats import FORMATS, save
from ocr.network import PROVIDERS

_log = logging.getLogger("demo")

_PNG_LEVEL = 3  # of 9: a drawing is looked at, not kept
_INTERRUPTED, _BROKEN_PIPE = 130, 141  # as shells report SIGINT and SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.out and (options.draw or options.formats):
        parser.error("-f and --draw write files: give the folder with -o DIR")
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
    add("paths", nargs="+", metavar="PATH", help="picture, PDF, or folder of them")
    add("--json", metavar="FILE", help="one JSON object a line for each page; - is stdout")
    add("-o", dest="out", type=Path, metavar="DIR", help="folder for output files")
    add(
        "-f",
        dest="formats",
        type=_format_list,
        metavar="LIST",
        help=f"with -o: formats, of {','.join(FORMATS)} (all by default)",
    )
    add("--draw", action="store_true", help="with -o: the picture with boxes and text")
    add("--models", default="small", metavar="NAME", help="name of all three models (small)")
    for task in ("angle", "detector", "recognizer"):
        add(f"--{task}", metavar="NAME", help=f"name of the {task} model")
    add("--no-angle", action="store_true", help="trust that pages are upright")
    add("--single-line", action="store_true", help="each picture is one cut-out line")
    add("--device", choices=sorted(PROVIDERS), default="cpu")
    add("--threads", type=_positive, metavar="N", help="threads to work with (all cores)")
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
    """Load the models, open the outputs, read every input."""
    if options.threads:
        cv2.setNumThreads(options.threads)
    with contextlib.ExitStack() as stack:
        try:
            if options.out:
                options.out.mkdir(parents=True, exist_ok=True)
            json_stream = _open_json(options.json, stack)
        except OSError as error:
            usage_error(f"{error.filename}: {error.strerror}")
        try:
            reader = ocr.load(
                options.models,
                angle=options.angle,
                detector=options.detector,
                recognizer=options.recognizer,
                device=options.device,
                threads=options.threads,
            )
        except ValueError as error:
            usage_error(str(error))
        except ocr.WeightsError as error:
            _log.error("error: %s", error)
            return 1
        run = _Run(
            reader,
            angle=not options.no_angle,
            single_line=options.single_line,
            text_stream=None if options.json == "-" else sys.stdout,
            json_stream=json_stream,
            out=options.out,
            formats=options.formats or list(FORMATS),
            drawing=options.draw,
        )
        for path in options.paths:
            run.read(path)
        return 1 if run.failed else 0


def _open_json(name: str | None, stack: contextlib.ExitStack) -> TextIO | None:
    if name is None:
        return None
    if name == "-":
        return sys.stdout
    return stack.enter_context(Path(name).open("w", encoding="utf-8", newline="\n"))


class _Run:
    """Reads inputs one by one and writes what they hold; remembers whether any failed."""

    def __init__(
        self,
        reader: ocr.Reader,
        *,
        angle: bool,
        single_line: bool,
        text_stream: TextIO | None,
        json_stream: TextIO | None,
        out: Path | None,
        formats: Sequence[str],
        drawing: bool,
    ) -> None:
        self.failed = False
        self._reader = reader
        self._angle = angle
        self._single_line = single_line
        self._text_stream = text_stream
        self._json_stream = json_stream
        self._out = out
        self._formats = formats
        self._drawing = drawing
        self._divider = ""
        self._taken: set[str] = set()

    def read(self, path: str) -> None:
        """Read a file or all files of a folder."""
        with self._reporting(path):
            # A file keeps the spelling it was given with; Path would normalize it.
            files: Sequence[str | Path] = find_files(Path(path)) if Path(path).is_dir() else [path]
            for file in files:
                self._read_file(str(file))

    def _read_file(self, path: str) -> None:
        """Read the pages of one file, and write its output files once they are read."""
        name = self._free_name(Path(path).stem)
        results: list[ocr.Page] = []
        with self._reporting(path):
            for index, decode in pages(path):
                with self._reporting(path):
                    self._read_page(path, index, decode, name, results)
        if results and self._out:
            for extension in self._formats:
                content = FORMATS[extension](results).encode("utf-8", "backslashreplace")
                with self._reporting(path):
                    save(self._out / f"{name}.{extension}", content)

    def _read_page(
        self, path: str, index: int, decode: Loader, name: str, results: list[ocr.Page]
    ) -> None:
        decoded: list[Image] = []

        def decode_and_keep() -> Image:
            decoded.append(decode())
            return decoded[0]

        page = self._reader.read_page(
            decode_and_keep if self._drawing else decode,
            image=path,
            page=index,
            angle=self._angle,
            single_line=self._single_line,
        )
        results.append(page)
        which = f"{describe(path)} page {index}" if index else describe(path)
        _log.info("%s: %d lines, %.0f ms", which, len(page.lines), page.elapsed_ms.total)
        self._print(page)
        if self._drawing and self._out:
            part = f".p{index}" if index else ""
            self._save_drawing(self._out / f"{name}{part}.drawn.png", decoded[0], page)

    def _print(self, page: ocr.Page) -> None:
        """Write a page to the streams at once, so that nothing is lost by what comes later."""
        if self._text_stream and page.lines:
            # A blank line divides pages.
            print(self._divider, page.text, sep="", file=self._text_stream, flush=True)
            self._divider = "\n"
        if self._json_stream:
            print(page.to_json(), file=self._json_stream, flush=True)

    @staticmethod
    def _save_drawing(path: Path, image: Image, page: ocr.Page) -> None:
        stream = io.BytesIO()
        PIL.Image.fromarray(draw(image, page)).save(stream, "PNG", compress_level=_PNG_LEVEL)
        save(path, stream.getvalue())

    def _free_name(self, stem: str) -> str:
        """A name for output files that no other input of this run has."""
        name, number = stem, 2
        while name.lower() in self._taken:
            name, number = f"{stem}-{number}", number + 1
        self._taken.add(name.lower())
        return name

    @contextlib.contextmanager
    def _reporting(self, path: str) -> Iterator[None]:
        """Report what fails inside in one line, and go on after it."""
        try:
            yield
        except BrokenPipeError:
            raise
        except ocr.InputError as error:
            self._fail(str(error))
        except MemoryError:
            self._fail(f"{describe(path)}: not enough memory")
        except OSError as error:
            self._fail(f"{describe(path)}: {error.filename or ''} {error.strerror}")
        except Exception as error:
            # A defect of ours on one page must not cost the other pages.
            self._fail(f"{describe(path)}: internal error: {error!r}", trace=True)

    def _fail(self, message: str, *, trace: bool = False) -> None:
        self.failed = True
        _log.error("error: %s", message, exc_info=trace)


if __name__ == "__main__":
    sys.exit(main())
