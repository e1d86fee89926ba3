"""Train CTPN, the small one or (`--arch reference`) the paper's: `train.detector_torch` by this model's name.

python -m train.ctpn_torch --run ~/runs/ctpn --time-budget 40m --corpus CORPUS \
    --backgrounds PHOTOGRAPHS --eval-data PAGES
"""

from __future__ import annotations

from detection import METHODS
from train.detector_torch import train
from train.loop.setup import TrainingOptions, parse

ARCHS = {row.network: row for row in METHODS.values() if row.package == "ctpn"}


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, tuple(ARCHS))
    train(TrainingOptions.from_arguments(args), ARCHS[args.arch])


if __name__ == "__main__":
    main()
