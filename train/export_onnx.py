"""Trained weights to the files that `ocr` loads: ONNX with its configuration inside, and the manifest's row.

    python -m train.export_onnx crnn ~/runs/crnn/best.safetensors --corpus CORPUS --backgrounds
    PHOTOGRAPHS

writes `weights/crnn-small.onnx` (int8 unless `--float`), which `--init` takes to train on from, too. The exported
network is compared with the PyTorch one before anything is replaced.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from common.arrays import Floats
from ocr.network import import_onnxruntime
from train import channels, compact, onnx_weights, shortlist
from train.exports import CTPN_AXES, CTPN_OUTPUTS, EXPORTS, Export, add_options, recognizer_inputs
from train.run import write_json

__all__ = ["CTPN_AXES", "CTPN_OUTPUTS", "main", "write_float"]

log = logging.getLogger("export")
OPSET = 17
NAMES = {
    "small": "small",
    "reference": "reference",
    "crnn": "reference",
    **{name: name for name in ("crnn-gru", "densenet", "resnet-attention")},
}
"""What `--arch` takes, and the manifest's name of each: the paper's recognizer is the reference."""

ARCHS = {
    "angle": ("small", "reference"),
    "ctpn": ("small", "reference"),
    "crnn": ("small", "crnn", "crnn-gru", "densenet", "resnet-attention"),
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
        choices=[*compact.FORMS, "inside", "none"],
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
    state = compact.load(args.weights)
    export.trained.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    stem = f"{args.package}-{args.name}"
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        made = make(export, Path(folder), quantized=not args.float)
        if export.classifier and args.arch == "small" and not args.float and args.shortlist:
            shortlist.add(made, recognizer_inputs(args, args.shortlist))
        if args.trainable == "inside":
            if args.arch != "small":  # what is left in float there is little, and reads better so
                onnx_weights.pack(made)
            onnx_weights.remember(made, state)
        made.replace(args.out / f"{stem}.onnx")
    if args.trainable in compact.FORMS:
        compact.save(state, args.out / f"{stem}.safetensors", args.trainable)
    package = PACKAGES.get(args.package, args.package)
    row = {"name": args.name, "task": TASKS[args.package], "package": package}
    row |= {"data": args.data} | ({"figures": args.figures} if args.figures else {})
    register(row, args.out / f"{stem}.onnx")


def _fitted(config: Path) -> float | None:
    """The temperature that a training of the angle wrote into its run folder, where there is one."""
    return float(json.loads(config.read_text("utf-8"))["temperature"]) if config.exists() else None


def write_float(
    network: nn.Module,
    example: Floats,
    path: Path,
    *,
    outputs: tuple[str, ...],
    axes: dict[str, dict[int, str]],
) -> None:
    """Write a network as float32 ONNX with the input `image`."""
    torch.onnx.export(
        network, (torch.from_numpy(example),), str(path),
        input_names=["image"], output_names=list(outputs), dynamic_axes=axes, opset_version=OPSET,
        # The newer exporter unrolls or specializes the recurrent layer; this one keeps it whole.
        dynamo=False,
    )  # fmt: skip


def make(export: Export, folder: Path, *, quantized: bool) -> Path:
    """Write a network as ONNX into `folder`, compare it with PyTorch, and return the file."""
    network = export.deployed(export.trained.eval()).eval()
    batches = list(export.inputs())
    plain = folder / "float.onnx"
    write_float(network, batches[0], plain, outputs=export.outputs, axes=export.axes)
    _describe(plain, export.config)
    with torch.no_grad():  # a compiled module does not run in inference mode
        reference = network(torch.from_numpy(batches[-1]))
    reference = reference if isinstance(reference, tuple) else (reference,)
    worst = _difference(plain, batches[-1], [value.numpy() for value in reference])
    log.info("ONNX against PyTorch: largest difference %.2g", worst)
    if worst > 1e-2:
        raise RuntimeError(
            f"the exported network differs from PyTorch's by {worst}; nothing was replaced"
        )
    if not quantized:
        return plain
    out = folder / "int8.onnx"
    _quantize(plain, out, batches, export.keep_float)
    if export.classifier:
        products = ["MatMul"]
        quantize_dynamic(out, out, op_types_to_quantize=products, per_channel=True)
    channels.fill_words(out)
    _describe(out, export.config)
    worst = _difference(out, batches[-1], [value.numpy() for value in reference])
    log.info("int8 against PyTorch: largest difference %.2g; judge it with train.evaluate", worst)
    return out


def _describe(path: Path, config: dict[str, Any]) -> None:
    model = onnx.load(str(path))
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {"config": json.dumps(config, ensure_ascii=False)})
    onnx.save(model, str(path))


def _difference(path: Path, batch: Floats, reference: list[Floats]) -> float:
    runtime = import_onnxruntime()
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"image": batch})
    return max(float(np.abs(a - b).max()) for a, b in zip(outputs, reference, strict=True))


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: list[Floats]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, Floats] | None:
        batch = next(self._left, None)
        return None if batch is None else {"image": batch}


def _quantize(
    source: Path, target: Path, batches: list[Floats], keep_float: tuple[str, ...]
) -> None:
    """Static int8 of the convolutions: per channel, activations by their range on rendered data."""
    prepared = source.with_name("prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    graph = onnx.load(str(prepared)).graph
    excluded = [n.name for n in graph.node if any(part in n.name for part in keep_float)]
    quantize_static(
        str(prepared), str(target), _Batches(batches),
        quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv", "Relu"],
        nodes_to_exclude=excluded,
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )  # fmt: skip


def register(row: dict[str, Any], path: Path) -> None:
    """Put a file's row into the manifest beside it, in place of an older one of the same name and task.

    Args:
        row: name, task, package, what it was trained on, and figures unless those of the older row stay.
        path: the file.
    """
    manifest = path.with_name("manifest.json")
    rows = json.loads(manifest.read_text(encoding="utf8"))["models"] if manifest.exists() else []
    key = row["name"], row["task"]
    older = next((r for r in rows if (r["name"], r["task"]) == key), {})
    content = path.read_bytes()
    made = {
        **{name: row[name] for name in ("name", "task", "package")},
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        **({"trunk": row["trunk"]} if "trunk" in row else {}),
        "license": "Apache-2.0",
        "data": row["data"],
        "figures": row.get("figures", older.get("figures", {})),
    }
    rows = [r for r in rows if (r["name"], r["task"]) != key] + [made]
    write_json(
        manifest, {"schema": 1, "models": sorted(rows, key=lambda r: (r["task"], r["name"]))}
    )
    log.info("%s: %d bytes; the manifest lists %d models", path, len(content), len(rows))


if __name__ == "__main__":
    main()
