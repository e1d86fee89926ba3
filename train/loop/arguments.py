"""Add the command-line options that all trainings share."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Return the seconds of "90s", "40m", "3h" or a plain number of seconds.

    Raises:
        argparse.ArgumentTypeError: anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time; expected for example 90s, 40m or 3h"
        )
    return float(match[1]) * _UNITS[match[2] or "s"]


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add where data comes from, how long to train, on what, and where the run is kept."""
    parser.add_argument(
        "--run", type=Path, required=True, help="folder of the run; made if it is missing"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the run's last checkpoint"
    )
    parser.add_argument(
        "--init", type=Path, help="start from these weights (.onnx or .safetensors)"
    )
    parser.add_argument(
        "--init-trunk",
        type=Path,
        help="start the first layers from another model's weights (.onnx or .safetensors): the VGG-16 that angle and "
        "detector share, or the small CTPN's for another detector",
    )
    parser.add_argument("--fonts", type=Path, help="folder of fonts (default: the system's)")
    parser.add_argument(
        "--corpus", type=Path, help="folder of zh*.txt and en*.txt, one sentence a line"
    )
    parser.add_argument("--backgrounds", type=Path, help="folder of photographs to write on")
    parser.add_argument(
        "--eval-data", type=Path, help="labelled real pages (labels.jsonl) to evaluate on"
    )
    parser.add_argument(
        "--time-budget", type=duration, help="for example 40m; the schedule follows it"
    )
    parser.add_argument("--steps", type=int, help="steps instead of a time budget")
    parser.add_argument("--lr", type=float, help="peak learning rate instead of the recipe's")
    parser.add_argument(
        "--accumulate", type=int, default=1, help="batches whose gradients make one step"
    )
    parser.add_argument(
        "--precision",
        default="bfloat16",
        choices=["bfloat16", "float16", "float32"],
        help="of the network's arithmetic; float16 is for GPUs without bfloat16",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--threads", type=int, default=2, help="threads of the network on a CPU")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate-every", type=duration, default=600.0, help="for example 10m")
