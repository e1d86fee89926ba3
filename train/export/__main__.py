"""Export trained weights to the files that `ocr` loads: ONNX with its configuration inside, and the manifest's row.

    python -m train.export crnn ~/runs/crnn/best.safetensors --corpus CORPUS --backgrounds
    PHOTOGRAPHS

writes `weights/crnn-small.onnx` (int8 unless `--float`), which `--init` takes to train on from, too. The first word is
a method of `detection.METHODS`, `recognition.METHODS` or `spotting.METHODS`, or a model of the angle. The exported
network is compared with the PyTorch one before anything is replaced.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from pathlib import Path

import torch

import spotting
from ocr.weights import find
from ocr.weights.file import present
from recognition import METHODS
from train.export import gated_classifier, shared_arrays, spotter
from train.export.models import EXPORTS, Exported, ExportOptions, add_options, recognizer_inputs
from train.export.onnx_file import make, register
from train.transfer import onnx_weights, quantized_weights

log = logging.getLogger("export")


def _parser() -> argparse.ArgumentParser:
    """Make the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    methods = [*EXPORTS, *spotting.METHODS]
    parser.add_argument("method", choices=methods, metavar="METHOD", help=", ".join(methods))
    parser.add_argument("weights", type=Path, help="safetensors of a run")
    parser.add_argument("--name", help="in the manifest, instead of the method's own")
    parser.add_argument(
        "--decoder", choices=["ctc", "attention"], help="what reads, where a network has several"
    )
    parser.add_argument(
        "--share", metavar="NAME",
        help="model whose file, in the folder written to, has the arrays that did not change (small)",
    )  # fmt: skip
    parser.add_argument(
        "--share-trunk",
        metavar="NAME",
        help="likewise a detector, for what of a spotter sees the picture",
    )
    parser.add_argument(
        "--finder", type=Path,
        help="of a spotter that was trained to read only: weights of the detector that it finds by",
    )  # fmt: skip
    parser.add_argument("--float", action="store_true", help="float32 instead of int8")
    parser.add_argument(
        "--trainable",
        choices=[*quantized_weights.DTYPES, "inside", "none"],
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
    return parser


def main() -> None:
    """Read the command line and export one model."""
    parser = _parser()
    args = parser.parse_args()
    if not present(args.weights).is_file():
        parser.error(f"{args.weights}: there is no such file; give the safetensors of a run")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.method in spotting.METHODS:
        spotter.export(args.method, args)
        return
    exported = EXPORTS[args.method]
    name = args.name or exported.name
    usual = METHODS[args.method].decoders[0] if args.method in METHODS else "ctc"
    args.decoder = args.decoder or usual
    whole = not args.float and args.decoder == usual
    args.trainable = args.trainable or ("inside" if whole else "float16")
    if exported.package == "angle" and args.temperature is None:
        args.temperature = _fitted(args.weights.parent / "config.json")
    options = ExportOptions.from_arguments(args)
    export = exported.make(options)
    state = quantized_weights.load(args.weights)
    try:
        export.trained.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    except RuntimeError as error:
        found = " ".join(str(error).split())[:200]
        parser.error(f"{args.weights} holds no weights of {args.method}: {found}")
    stem = exported.file if name == exported.name else f"{args.method}-{name}"
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        made = make(export, Path(folder), quantized=not args.float)
        gated = exported.name in ("small", "base") and export.classifier and not args.float
        if gated and args.shortlist:
            gated_classifier.add(made, recognizer_inputs(options, args.shortlist))
        shared = find(args.share, exported.task, args.out) if args.share else None
        _make_small(made, exported, state, args, args.out / shared.file if shared else None)
        made.replace(args.out / f"{stem}.onnx")
    if args.trainable in quantized_weights.DTYPES:
        quantized_weights.save(state, args.out / f"{stem}.safetensors", args.trainable)
    row = {"name": name, "task": exported.task, "package": exported.package}
    row |= {"data": args.data} | ({"figures": args.figures} if args.figures else {})
    if shared:
        row |= {"shares": shared.name, "shares_sha256": shared.sha256}
    register(row, args.out / f"{stem}.onnx")


def _make_small(
    made: Path,
    exported: Exported,
    state: quantized_weights.Weights,
    args: argparse.Namespace,
    shared: Path | None,
) -> None:
    """Convert what is left in float32, note where the trained weights are, and leave out what another file has."""
    if shared:
        shared_arrays.quantize(made, shared)
    # What is left in float in the small ones is little, and reads better so.
    elif args.trainable == "inside" and exported.name != "small":
        onnx_weights.quantize_large(made)
    if args.trainable == "inside":
        onnx_weights.write_parameter_map(made, state)
    if shared:
        log.info("%d bytes are those of %s", shared_arrays.share(made, shared), shared.name)


def _fitted(config: Path) -> float | None:
    """The temperature that a training of the angle wrote into its run folder, where there is one."""
    return float(json.loads(config.read_text("utf-8"))["temperature"]) if config.exists() else None


if __name__ == "__main__":
    main()
