"""Inspect, check, convert and split labelled sets of pictures from the command line.

    python -m train.data inspect DIR -o sheet.png     what is there
    python -m train.data check DIR                    what is wrong; exit status 1 if anything is
    python -m train.data convert DIR OUT --to paddle  the same set in another format
    python -m train.data split DIR OUT --share 0.1    OUT/train and OUT/val, duplicates on one side

DIR is a folder in any format that `train.data.readers` knows; --format names it where guessing fails.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ocr.formats import save
from recognition.charset import Charset
from train.data.check import check, summary
from train.data.inspect import ContactSheet, Contents, describe
from train.data.readers import READERS, read
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample
from train.data.split import held_out, key_of
from train.data.writers import FORMATS, WriterOptions, encoded, open_writer, to_lines

_LOG = logging.getLogger(__name__)
_SHOWN = 20  # losses named on stderr; `check` names all


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    args = _parser().parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        return int(args.run(args))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run_inspect(args: argparse.Namespace) -> int:
    """Count a set and print what is there; 1 if there is nothing."""
    report, charset, contents = Report(), _charset(args), Contents()
    sheet = ContactSheet(args.count, np.random.default_rng(args.seed))
    for sample in sheet.watch(_samples(args, report)):
        contents.add(sample)
    print(describe(contents, charset, report.summary()))
    if args.output:
        save(args.output, encoded(sheet.image(), None)[0])
    if args.json:
        facts = {**contents.figures(charset), "read": report.read, "left_out": report.lost}
        save(args.json, (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode())
    return 0 if report.read else 1


def run_check(args: argparse.Namespace) -> int:
    """Print every finding with its place; 1 if there is one, or nothing to check."""
    report = Report()
    kinds: Counter[str] = Counter()
    for finding in check(_samples(args, report), report, _charset(args)):
        kinds[finding.kind] += 1
        print(finding)
    print(summary(kinds, report.read))
    return 1 if kinds or not report.read else 0


def run_convert(args: argparse.Namespace) -> int:
    """Write a set in another format; 1 if nothing could be read."""
    report = Report()
    with open_writer(args.to, args.out, _options(args)) as writer:
        for sample in _samples(args, report):
            for piece in to_lines(sample) if args.crops else (sample,):
                writer.add(piece)
    _tell(report)
    return 0 if report.read else 1


def run_split(args: argparse.Namespace) -> int:
    """Write a set in two parts; 1 if nothing could be read."""
    keys = [key_of(sample) for sample in _samples(args, Report())]
    chosen = held_out(keys, args.share, args.seed)
    report = Report()
    with ExitStack() as stack:
        parts = [
            stack.enter_context(open_writer(args.to, args.out / name, _options(args)))
            for name in ("train", "val")
        ]
        for sample, is_held_out in zip(_samples(args, report), chosen, strict=True):
            parts[int(is_held_out)].add(sample)
    _tell(report)
    print(f"{args.out}: {int((~chosen).sum())} train, {int(chosen.sum())} val")
    return 0 if report.read else 1


def _samples(args: argparse.Namespace, report: Report) -> Iterator[PageSample | LineSample]:
    samples = itertools.islice(read(args.format, args.data, report), args.limit)
    yield from tqdm(samples, unit="sample", disable=None)


def _charset(args: argparse.Namespace) -> Charset:
    return Charset.load(args.charset) if args.charset else Charset.load()


def _options(args: argparse.Namespace) -> WriterOptions:
    return WriterOptions(args.jpeg, args.data.resolve().stem)


def _tell(report: Report) -> None:
    """Say on stderr what was left out."""
    print(report.summary(), file=sys.stderr)
    for skip in report.skipped[:_SHOWN]:
        print(f"  {skip}", file=sys.stderr)
    if report.lost > _SHOWN:
        print(f"  … and {report.lost - _SHOWN} more; check names all", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m train.data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, words in (
        ("inspect", run_inspect, "what is there"),
        ("check", run_check, "what is wrong"),
        ("convert", run_convert, "write it in another format"),
        ("split", run_split, "write it in two parts"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(run=run)
        command.add_argument("data", type=Path, metavar="DIR", help="folder, or one label file")
        command.add_argument(
            "--format", choices=["auto", *READERS], default="auto", metavar="NAME",
            help=f"auto (default) or one of: {', '.join(READERS)}",
        )  # fmt: skip
        command.add_argument("--limit", type=int, help="only the first samples")
        if run in (run_inspect, run_check):
            command.add_argument("--charset", help="name of a charset of crnn/ (default: its own)")
        else:
            _add_output(command)
        if run is run_inspect:
            command.add_argument("-o", "--output", type=Path, help="contact sheet, as PNG")
            command.add_argument("--count", type=int, default=24, help="pictures on the sheet")
            command.add_argument("--seed", type=int, default=1, help="chooses them")
            command.add_argument("--json", type=Path, help="the figures as JSON")
        if run is run_convert:
            command.add_argument("--crops", action="store_true", help="cut pages into lines")
        if run is run_split:
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
