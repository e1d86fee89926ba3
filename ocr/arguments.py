"""Add the options that every command line which reads has: outputs, models, machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from common.arguments import positive
from common.image import one_line
from ocr.onnx_runtime import PROVIDERS

T = TypeVar("T")


def add_outputs(parser: argparse.ArgumentParser, formats: Iterable[str], note: str) -> None:
    """Add the folder of output files, `-o`, and their formats, `-f`.

    Args:
        parser: Filled in place.
        formats: Names to choose from.
        note: Ends the help of `-f`.
    """
    known = tuple(formats)
    parser.add_argument("-o", dest="out", type=Path, metavar="DIR", help="folder for output files")
    parser.add_argument(
        "-f",
        dest="formats",
        type=lambda text: _format_list(text, known),
        metavar="LIST",
        help=f"with -o: formats, of {','.join(known)}{note}",
    )


def add_models(parser: argparse.ArgumentParser, which: str, tasks: Sequence[str] = ()) -> None:
    """Add `--models`, and an option for the model of each task.

    Args:
        parser: Filled in place.
        which: Models that `--models` names, for its help.
        tasks: Those whose models can be named one by one.
    """
    parser.add_argument(
        "--models", default="small", metavar="NAME", help=f"name of {which} (small)"
    )
    for task in tasks:
        parser.add_argument(f"--{task}", metavar="NAME", help=f"name of the {task} model")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument("--device", choices=sorted(PROVIDERS), default="cpu")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="threads to work with (all cores)"
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add `--quiet`."""
    parser.add_argument("--quiet", action="store_true", help="no messages but errors")


def argument(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return a parser whose errors argparse shows as they are, with the name of the option.

    Args:
        parse: Raises ValueError (as `InputError` is) for a text that it refuses.
    """

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def _format_list(text: str, known: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(
                f"no format {one_line(name)!r}; there are: {', '.join(known)}"
            )
    return names
