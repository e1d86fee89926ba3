"""Train a spotter by any method of `spotting`.

python -m train.spotter_torch --method fots --run ~/runs/fots --time-budget 60m --corpus CORPUS \
    --backgrounds PHOTOGRAPHS --init-trunk weights/ctpn-small.onnx --init-reader weights/crnn-small.onnx
"""

from __future__ import annotations

import argparse
import importlib
from dataclasses import replace
from pathlib import Path

from recognition.charset import Charset
from spotting import METHODS, Row
from train.loop.recipes import DETECTOR_FIT
from train.loop.setup import TrainingOptions, parse
from train.loop.training_torch import run_training
from train.spotters import MODULES


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this training alone."""
    parser.add_argument(
        "--init-reader", type=Path,
        help="start reading from these weights of the small recognizer, and learn from it as from a teacher",
    )  # fmt: skip
    parser.add_argument(
        "--freeze", nargs="+", default=[], metavar="PART",
        help="parts of the network that stay as they start, for example trunk context1 context2 reader.stage1",
    )  # fmt: skip


def train(options: TrainingOptions, name: str, init_reader: Path | None, frozen: list[str]) -> None:
    """Train the networks of one row of `spotting.METHODS`.

    Args:
        options: of the command line.
        name: of the row.
        init_reader: weights of the small recognizer, if any.
        frozen: parts of the network that stay as they are.
    """
    row: Row = METHODS[name]
    training = importlib.import_module(MODULES[name])
    charset = Charset.load(row.charset)
    options = replace(options, charset=row.charset)
    run_training(
        options, row.file, training.RECIPE, DETECTOR_FIT,
        lambda setup: training.prepare(setup, charset, init_reader, frozen),
    )  # fmt: skip


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, tuple(METHODS), add_options, option="--method")
    train(TrainingOptions.from_arguments(args), args.arch, args.init_reader, args.freeze)


if __name__ == "__main__":
    main()
