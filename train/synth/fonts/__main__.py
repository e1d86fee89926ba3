"""Fetch the typefaces that training draws with, or look at them.

    python -m train.synth.fonts fetch                 every listed family, some 800, into the cache, and
                                                      the strokes that lines by hand are drawn from
    python -m train.synth.fonts fetch --name lobster  these alone
    python -m train.synth.fonts sheet OUT.png         a line in the regular face of each fetched family

Fetching takes the npm client, goes on where it was stopped, and checks every package by its hash.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train.synth.fonts import npm
from train.synth.fonts.cache import VARIABLE, cache_folder, held_out_folder, training_folder
from train.synth.fonts.families import read_families
from train.synth.fonts.fetch import fetch
from train.synth.fonts.sheet import write_sheet
from train.synth.fonts.stroke_data import PACKAGE, fetch_strokes, strokes_path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 where a family could not be had."""
    args = _parser().parse_args(argv)
    if args.command == "sheet":
        folder = held_out_folder() if args.held_out else training_folder()
        print(f"{write_sheet(folder, args.out)} faces: {args.out}")
        return 0
    return _fetch(args.name, args.workers)


def _fetch(names: Sequence[str], workers: int) -> int:
    families = [f for f in read_families() if not names or f.name in names]
    if unknown := set(names) - {f.name for f in families}:
        print(f"not in the list: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    try:
        failures = fetch(families, cache_folder(), workers=workers)
        if not names:
            failures += _fetch_strokes()
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{len(families) - len(failures)} of {len(families)} families in {cache_folder()}")
    return 1 if failures else 0


def _fetch_strokes() -> list[str]:
    try:
        print(f"strokes of {fetch_strokes()} characters in {strokes_path()}")
    except npm.FetchError as error:
        return [f"{PACKAGE}: {error}"]
    return []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train.synth.fonts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Environment: {VARIABLE} (the cache, {cache_folder()})",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch", help="fetch what is missing")
    fetching.add_argument("--name", action="append", default=[], help="of a family, may repeat")
    fetching.add_argument("--workers", type=int, default=4, help="families at a time")
    sheet = commands.add_parser("sheet", help="draw a contact sheet")
    sheet.add_argument("out", type=Path)
    sheet.add_argument("--held-out", action="store_true", help="of the held-out families")
    return parser


if __name__ == "__main__":
    sys.exit(main())
