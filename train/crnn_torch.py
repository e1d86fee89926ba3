"""Train a CRNN, the small one or the paper's: `train.recognizer_torch` by this model's name.

python -m train.crnn_torch --run ~/runs/crnn --time-budget 90m \
        --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES
"""

from __future__ import annotations

import argparse

from recognition import METHODS, row_of
from train.loop.setup import TrainingOptions, add_rnn, parse, with_rnn
from train.recognizer_torch import RecognizerOptions, add_options, train

ARCHS = tuple(row.network for row in METHODS.values())


def _options(parser: argparse.ArgumentParser) -> None:
    add_rnn(parser)
    add_options(parser)


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, ARCHS, _options)
    row = row_of(with_rnn(args.arch, args.rnn))
    train(TrainingOptions.from_arguments(args), RecognizerOptions.from_arguments(args), row)


if __name__ == "__main__":
    main()
