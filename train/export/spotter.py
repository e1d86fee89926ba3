"""A trained spotter to the two files that `ocr` loads: what sees the picture, and what reads from that."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import numpy as np
import torch

from spotting import METHODS
from train.export.models import ExportOptions
from train.export.shared_trunk import ExportedFile, write
from train.spotters import MODULES
from train.transfer import quantized_weights


def _found_by(path: Path, state: quantized_weights.Weights) -> quantized_weights.Weights:
    """Return the weights of a detector for a spotter that was trained to read only.

    Raises:
        ValueError: they are of another network, or stand on another trunk than reading was learned on.
    """
    found = quantized_weights.load(path)
    foreign = [k for k, v in found.items() if k not in state or state[k].shape != v.shape]
    trunk = [k for k, v in found.items() if k.startswith("trunk.") and k.endswith("conv.weight")]
    far = [k for k in trunk if not foreign and np.abs(found[k] - state[k]).max() > 1e-3]
    if foreign or far:
        raise ValueError(
            f"{path} holds no detector that this spotter can find by: {(foreign or far)[:3]} differ; give weights "
            "of the method that it finds by, on the trunk that it learned to read on"
        )
    return found


def export(name: str, args: argparse.Namespace) -> None:
    """Write the files of one row of `spotting.METHODS` and register them.

    Args:
        name: of the row.
        args: of `train.export`.
    """
    row, training = METHODS[name], importlib.import_module(MODULES[name])
    state = quantized_weights.load(args.weights)
    if args.finder:
        state |= _found_by(args.finder, state)
    network, first, second = training.exports(ExportOptions.from_arguments(args), row)
    network.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
    reads = {key: value for key, value in state.items() if key.startswith("reader.")}
    sees = {key: value for key, value in state.items() if key not in reads}
    about = {"name": row.name, "package": row.package, "data": args.data}
    figures = {"figures": args.figures} if args.figures else {}
    trunk = f"{row.file}-trunk"
    parts = {
        trunk: ExportedFile(
            first, sees, {**about, "task": "trunk"}, not args.float,
            f"detector/{args.share_trunk}" if args.share_trunk else "",
        ),
        row.file: ExportedFile(
            second, reads, {**about, "task": "spotter", "trunk": row.name, **figures}, not args.float,
            f"recognizer/{args.share}" if args.share else "",
        ),
    }  # fmt: skip
    write(parts, trunk, args.out)
