"""Weights before and after a fine-tuning in, weights between them out: most of what was won, little of what was lost.

    python -m train.transfer.interpolate BEFORE.safetensors AFTER.safetensors OUT.safetensors --share 0.3

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models": along the straight line from the weights that a
fine-tuning began with to those it ended with, the old skills fade late and the new ones come early.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from train.transfer import quantized_weights
from train.transfer.quantized_weights import Weights

SHARE = 0.3
"""Of the weights after; see README.md for what shares brought."""


def average(before: Weights, after: Weights, share: float = SHARE) -> Weights:
    """Return `share` parts of `after` and the rest of `before`.

    Rows that `after` has more along the first axis, the characters of a grown charset, are its own. So are whole
    numbers, which count.

    Raises:
        ValueError: the two are not of one network, or the share is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}, expected 0 (as before) to 1 (as after)")
    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        raise ValueError(f"only one of the two has {odd[0]!r}; give two sets of one network")
    return {name: _between(name, before[name], after[name], share) for name in after}


def _between(name: str, before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    if not np.issubdtype(after.dtype, np.floating):
        return after
    # Single numbers come out of compact files with an axis.
    old, new = np.atleast_1d(before), np.atleast_1d(after)
    if old.shape[1:] != new.shape[1:] or len(old) > len(new):
        raise ValueError(f"{name} is {before.shape} before and {after.shape} after, expected alike")
    out = new.copy()
    out[: len(old)] = (1 - share) * old + share * new[: len(old)]
    return out.reshape(after.shape)


def average_files(before: Path, after: Path, out: Path, share: float = SHARE) -> None:
    """Average two files of trainable weights of any form into one of float32, whole or not at all.

    Raises:
        ValueError: as `average`.
    """
    weights = average(quantized_weights.load(before), quantized_weights.load(after), share)
    partial = out.with_name(out.name + ".part")
    save_file({name: np.ascontiguousarray(value) for name, value in weights.items()}, partial)
    partial.chmod(0o644)
    partial.replace(out)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="weights that the fine-tuning began with")
    parser.add_argument("after", type=Path, help="weights that came of it")
    parser.add_argument("out", type=Path, help="file to write")
    parser.add_argument("--share", type=float, default=SHARE, help="of the weights after")
    args = parser.parse_args()
    average_files(args.before, args.after, args.out, args.share)


if __name__ == "__main__":
    main()
