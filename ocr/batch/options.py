"""Parse the command line of `demo.py`, and refuse options that contradict each other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.arguments import positive
from common.settings import describe
from ocr.arguments import add_device, add_models, add_outputs, add_quiet, add_threads, argument
from ocr.files.find import STDIN
from ocr.formats import FORMATS
from ocr.formats.punctuation import POLICIES
from ocr.models import reads_chinese
from ocr.page.regions import parse_region
from ocr.settings import Settings
from recognition.recognizer import SEARCHES

MOST_JOBS = 4
"""Pages read at a time that keep memory near a gigabyte; more must be asked for."""

USUAL_FORMATS = ("txt", "json")
"""Files that -o writes where -f names none."""


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, argparse.ArgumentParser]:
    """Parse a command line, and refuse options that do not go together; gives the parser too, for its `error`."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.out and (options.draw or options.formats):
        parser.error("-f and --draw write files: give the folder with -o DIR")
    if not options.paths and not options.stdin_image:
        parser.error("nothing to read: give pictures, PDFs or folders, - or --stdin-image")
    if options.stdin_image and STDIN in options.paths:
        parser.error("stdin is a list of paths (-) or a picture (--stdin-image), not both")
    if options.spotter and (options.detector or options.recognizer or options.vertical):
        parser.error("--spotter stands for --detector, --recognizer and --vertical: leave them out")
    if options.allowed == "":
        parser.error("--allowed names no character: give those that are read, or leave it out")
    if options.languages and options.allowed is not None:
        parser.error("--languages and --allowed both say which characters there are: give one")
    if options.resume and not options.out and options.json in (None, "-"):
        parser.error("--resume goes on with what is in --json FILE or -o DIR: give one of them")
    if options.views and (options.region or options.draw or options.vertical):
        parser.error("--views reads one line as it is: leave out --region, --draw and --vertical")
    return options, parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="demo.py",
        description="Read the text of pictures, folders of pictures and PDFs.",
        epilog="Exit status: 0 every page was read, 1 some input could not be, 2 bad usage.",
    )
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        metavar="PATH",
        help="picture, PDF, folder of them, pattern, or - for a list on stdin, one path a line",
    )
    add("--stdin-image", action="store_true", help="read one picture or PDF from stdin")
    add("-0", dest="zeros", action="store_true", help="with -: zero bytes end paths, not lines")
    add("--json", metavar="FILE", help="one JSON object a line for each page; - is stdout")
    add_outputs(parser, FORMATS, f" ({','.join(USUAL_FORMATS)})")
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
    add("--overwrite", action="store_true", help="replace files that no earlier run has written")
    add("--resume", action="store_true", help="skip what --json FILE and -o DIR hold already")
    _add_reading(parser)
    add_threads(parser)
    add(
        "--jobs",
        type=positive,
        metavar="N",
        help=f"pages read at a time, about 200 MB each (as many as threads, up to {MOST_JOBS})",
    )
    add_quiet(parser)
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what says with which models and how pages are read."""
    add = parser.add_argument
    add_models(parser, "all three models", ("angle", "detector", "recognizer"))
    add("--spotter", metavar="NAME", help="model that finds and reads in one, in place of the two")
    add("--no-angle", action="store_true", help="trust that pages are upright")
    add(
        "--region",
        action="append",
        default=[],
        type=argument(parse_region),
        metavar="X,Y,W,H",
        help="read this part of each picture, in pixels or shares; repeatable",
    )
    add("--single-line", action="store_true", help="each picture is one cut-out line")
    add(
        "--views",
        action="store_true",
        help="all PATHs are pictures of one cut-out line, read together (--recognizer attention-ocr-views)",
    )
    add("--vertical", action="store_true", help="all lines run down, in columns from the right")
    add("--decode", choices=SEARCHES, help="greedy: no language model; attention: where it reads")
    add(
        "--set",
        dest="settings",
        action=_Setting,
        default=[],
        metavar="STEP.NAME=VALUE",
        help="another value of a setting of reading, repeatable; --set list prints them all",
    )
    add("--lexicon", type=Path, metavar="FILE", help="words expected, one a line")
    add("--allowed", metavar="CHARS", help="the only characters to read")
    add(
        "--languages",
        type=argument(_languages),
        metavar="LIST",
        help="of zh,en; en alone: Chinese is left out",
    )
    add_device(parser)


class _Setting(argparse._AppendAction):  # the class of action="append"
    """Collect settings; `list` prints them all and exits."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if values == "list":
            print(describe(Settings()))
            parser.exit()
        super().__call__(parser, namespace, values, option_string)


def _languages(text: str) -> list[str]:
    reads_chinese(text)
    return text.split(",")
