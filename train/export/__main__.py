"""Trained weights to the files that `ocr` loads: ONNX with its configuration inside, and the manifest's row.

    python -m train.export crnn ~/runs/crnn/best.safetensors --corpus CORPUS --backgrounds
    PHOTOGRAPHS

writes `weights/crnn-small.onnx` (int8 unless `--float`), which `--init` takes to train on from, too. The exported
network is compared with the PyTorch one before anything is replaced.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from pathlib import Path

import torch

from train.export import gated_classifier
from train.export.models import (
    EXPORTS,
    add_options,
    recognizer_inputs,
)
from train.export.onnx_file import make, register
from train.transfer import onnx_weights, quantized_weights
from train.transfer.architectures_torch import OWN

log = logging.getLogger("export")
NAMES = {
    "small": "small",
    "reference": "reference",
    "crnn": "reference",
    **{name: name for name in ("base", "crnn-gru", "densenet", "resnet-attention")},
}
"""What `--arch` takes, and the manifest's name of each: the paper's recognizer is the reference."""

ARCHS = {
    "angle": ("small", "reference"),
    "ctpn": ("small", "reference"),
    "crnn": ("small", "base", "crnn", "crnn-gru", "densenet", "resnet-attention"),
    "scene": ("small",),
}
TASKS = {"angle": "angle", "ctpn": "detector", "crnn": "recognizer", "scene": "scene"}
PACKAGES = {"scene": "angle"}
"""Where a model is not the one that its package is named after."""


def main() -> None:
    """Read the command line and export one model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", choices=sorted(EXPORTS))
    parser.add_argument("weights", type=Path, help="safetensors of a run")
    parser.add_argument("--arch", choices=NAMES, default="small", help="network of the weights")
    parser.add_argument("--name", help="in the manifest (default: small, reference or the --arch)")
    parser.add_argument("--decoder", choices=["ctc", "attention"], default="ctc")
    parser.add_argument("--float", action="store_true", help="float32 instead of int8")
    parser.add_argument(
        "--trainable",
        choices=[*quantized_weights.FORMS, "inside", "none"],
        help="where the weights to train on from are: inside the ONNX file (of int8, the usual way), or in a file "
        "beside it of this form",
    )
    parser.add_argument(
        "--temperature", type=float, help="of the turn's score (the run's config.json)"
    )
    parser.add_argument("--figures", type=json.loads, help="for the manifest: a JSON object")
    parser.add_argument(
        "--shortlist", type=int, default=800, metavar="BATCHES",
        help="of lines to learn on which lines of the small recognizer have no Han characters; 0: classify in full",
    )  # fmt: skip
    add_options(parser, 40, "batches")
    args = parser.parse_args()
    if args.arch not in ARCHS[args.package]:
        parser.error(f"{args.package} has no --arch {args.arch}: {', '.join(ARCHS[args.package])}")
    args.name = args.name or NAMES[args.arch]
    whole = not args.float and args.decoder == "ctc"
    args.trainable = args.trainable or ("inside" if whole else "float16")
    if args.package in ("angle", "scene") and args.temperature is None:
        args.temperature = _fitted(args.weights.parent / "config.json")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    export = EXPORTS[args.package](args)
    state = quantized_weights.load(args.weights)
    export.trained.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    stem = f"{args.package}-{args.name}"
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        made = make(export, Path(folder), quantized=not args.float)
        if export.classifier and args.arch in OWN and not args.float and args.shortlist:
            gated_classifier.add(made, recognizer_inputs(args, args.shortlist))
        if args.trainable == "inside":
            if args.arch != "small":  # what is left in float there is little, and reads better so
                onnx_weights.pack(made)
            onnx_weights.remember(made, state)
        made.replace(args.out / f"{stem}.onnx")
    if args.trainable in quantized_weights.FORMS:
        quantized_weights.save(state, args.out / f"{stem}.safetensors", args.trainable)
    package = PACKAGES.get(args.package, args.package)
    row = {"name": args.name, "task": TASKS[args.package], "package": package}
    row |= {"data": args.data} | ({"figures": args.figures} if args.figures else {})
    register(row, args.out / f"{stem}.onnx")


def _fitted(config: Path) -> float | None:
    """The temperature that a training of the angle wrote into its run folder, where there is one."""
    return float(json.loads(config.read_text("utf-8"))["temperature"]) if config.exists() else None


if __name__ == "__main__":
    main()
