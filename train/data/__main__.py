"""Inspect, check, convert and split labelled sets of pictures from the command line.

    python -m train.data inspect DIR -o sheet.png     what is there
    python -m train.data check DIR                    what is wrong; exit status 1 if anything is
    python -m train.data convert DIR OUT --to paddle  the same set in another format
    python -m train.data split DIR OUT --share 0.1    OUT/train and OUT/val, duplicates on one side

DIR is a folder in any format that `train.data.readers` knows; --format names it where guessing fails.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from recognition.charset import Charset
from train.data.commands import LabelledSet, Output, check_set, convert, inspect_set, split
from train.data.readers import READERS
from train.data.writers import FORMATS, WriterOptions


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    args = _parser().parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s")
    data = LabelledSet(args.data, args.format, args.limit)
    try:
        if args.command in ("inspect", "check"):
            charset = Charset.load(args.charset) if args.charset else Charset.load()
            if args.command == "check":
                return int(not check_set(data, charset))
            done = inspect_set(
                data,
                charset,
                sheet=args.output,
                figures=args.json,
                count=args.count,
                seed=args.seed,
            )
            return int(not done)
        output = Output(args.out, args.to, WriterOptions(args.jpeg, data.path.resolve().stem))
        if args.command == "convert":
            return int(not convert(data, output, crops=args.crops))
        return int(not split(data, output, share=args.share, seed=args.seed))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m train.data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in (
        ("inspect", "what is there"),
        ("check", "what is wrong"),
        ("convert", "write it in another format"),
        ("split", "write it in two parts"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.add_argument("data", type=Path, metavar="DIR", help="folder, or one label file")
        command.add_argument(
            "--format", choices=["auto", *READERS], default="auto", metavar="NAME",
            help=f"auto (default) or one of: {', '.join(READERS)}",
        )  # fmt: skip
        command.add_argument("--limit", type=int, help="only the first samples")
        if name in ("inspect", "check"):
            command.add_argument(
                "--charset",
                help="one of recognition/charsets (default: the largest but one, zh_hant_en)",
            )
        else:
            _add_output(command)
        if name == "inspect":
            command.add_argument("-o", "--output", type=Path, help="contact sheet, as PNG")
            command.add_argument("--count", type=int, default=24, help="pictures on the sheet")
            command.add_argument("--seed", type=int, default=1, help="chooses them")
            command.add_argument("--json", type=Path, help="the figures as JSON")
        if name == "convert":
            command.add_argument("--crops", action="store_true", help="cut pages into lines")
        if name == "split":
            command.add_argument("--share", type=float, default=0.1, help="of the pictures, to val")
            command.add_argument("--seed", type=int, default=1)
    return parser


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("out", type=Path, metavar="OUT", help="folder, missing or empty")
    command.add_argument("--to", choices=FORMATS, default="jsonl", help="(default: %(default)s)")
    command.add_argument(
        "--jpeg", type=int, metavar="QUALITY", help="write JPEG instead of PNG, which loses nothing"
    )


if __name__ == "__main__":
    raise SystemExit(main())
