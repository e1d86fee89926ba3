"""Interpolate between the weights before and after a fine-tuning (WiSE-FT).

    python -m train.transfer.interpolate BEFORE.safetensors AFTER.safetensors OUT.safetensors --alpha 0.3

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models": on the line from the weights before to those after a
fine-tuning, accuracy on the new data rises early and accuracy elsewhere falls late.

BEFORE may be the smaller network that AFTER grew from: residual blocks that it lacks added nothing then.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ocr.weights.file import WeightsError
from train.transfer import quantized_weights
from train.transfer.quantized_weights import Weights

_BLOCK, _LAST = ".body.", (".body.4.weight", ".body.4.bias")
"""What is in the names of a `crnn.model_torch.Residual`, and its last batch norm's gain and shift."""

ALPHA = 0.3
"""Weight of the weights after; README.md says what others brought."""


def interpolate(before: Weights, after: Weights, alpha: float = ALPHA) -> Weights:
    """Return (1 - alpha) * before + alpha * after.

    Additional rows of `after` along the first axis, the characters of an extended charset, are taken as they are; so
    are integers, which count batches.

    Raises:
        ValueError: the two are not of one network, or alpha is not between 0 and 1.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}, expected 0 (as before) to 1 (as after)")
    before = with_idle_blocks(before, after)
    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        raise ValueError(f"only one of the two has {odd[0]!r}; give two sets of one network")
    return {name: _between(name, before[name], after[name], alpha) for name in after}


def with_idle_blocks(before: Weights, after: Weights) -> Weights:
    """Return weights with the residual blocks that another network has besides, which add nothing to what they read.

    Only their last gain and shift are 0, so that between the two they are as they were learned, and count for less.
    """
    blocks = {name for name in after.keys() - before.keys() if _BLOCK in name}
    last = {name for name in blocks if name.endswith(_LAST)}
    idle = {name: after[name] * 0 if name in last else after[name] for name in blocks}
    return before | idle


def _between(name: str, before: np.ndarray, after: np.ndarray, alpha: float) -> np.ndarray:
    if not np.issubdtype(after.dtype, np.floating):
        return after
    # Scalars come out of quantized files with an axis.
    old, new = np.atleast_1d(before), np.atleast_1d(after)
    if old.shape[1:] != new.shape[1:] or len(old) > len(new):
        raise ValueError(f"{name} is {before.shape} before and {after.shape} after, expected alike")
    out = new.copy()
    out[: len(old)] = (1 - alpha) * old + alpha * new[: len(old)]
    return out.reshape(after.shape)


def interpolate_files(before: Path, after: Path, out: Path, alpha: float = ALPHA) -> None:
    """Interpolate two files of trainable weights of any dtype into one of float32, whole or not at all.

    Raises:
        ValueError: as `interpolate`.
    """
    if out.exists() and any(out.samefile(read) for read in (before, after) if read.exists()):
        raise ValueError(f"{out} is one of the files to be read: name another one to write")
    weights = interpolate(quantized_weights.load(before), quantized_weights.load(after), alpha)
    quantized_weights.write(weights, out)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.transfer.interpolate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, help="weights before the fine-tuning")
    parser.add_argument("after", type=Path, help="weights after it")
    parser.add_argument("out", type=Path, help="file to write")
    parser.add_argument(
        "--alpha", type=float, default=ALPHA, help="weight of AFTER (default: %(default)s)"
    )
    args = parser.parse_args()
    try:
        interpolate_files(args.before, args.after, args.out, args.alpha)
    except (OSError, ValueError, WeightsError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
