"""Trained weights to the files that `ocr` loads: ONNX with its configuration inside, and the manifest's row.

    python -m train.export_onnx crnn ~/runs/crnn/best.safetensors --corpus CORPUS --backgrounds
    PHOTOGRAPHS

writes `weights/crnn-small.onnx` (int8 unless `--float`) and `weights/crnn-small.safetensors`
(float16, to train
on from). The exported network is compared with the PyTorch one before anything is replaced.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
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
from safetensors.torch import load_file, save_file
from torch import nn

from common.arrays import Floats
from ocr.weights import WEIGHTS, models
from train.run import write_json
from train.synth.corpus import Corpus
from train.synth.fonts import FontLibrary

log = logging.getLogger("export")
OPSET = 17
CTPN_OUTPUTS = ("scores", "deltas", "sides")
CTPN_AXES = {"image": {2: "H", 3: "W"}, **{name: {1: "R", 2: "C"} for name in CTPN_OUTPUTS}}
TASKS = {"angle": "angle", "ctpn": "detector", "crnn": "recognizer"}


@dataclass(frozen=True)
class Export:
    """What one package needs to be exported.

    Attributes:
        trained: network for the weights as trained.
        deployed: from it to the network as shipped.
        outputs: names of its outputs.
        axes: dynamic axes, as `torch.onnx.export` takes them.
        config: keyword arguments of the package's class, kept in the file.
        inputs: real inputs, to calibrate on and to compare with.
        keep_float: substrings of node names that stay in float.
        classifier: matrix products become int8 too, their inputs measured as they come: for a large classifier.
    """

    trained: nn.Module
    deployed: Callable[[nn.Module], nn.Module]
    outputs: tuple[str, ...]
    axes: dict[str, dict[int, str]]
    config: dict[str, Any]
    inputs: Callable[[], Iterator[Floats]]
    keep_float: tuple[str, ...] = ()
    classifier: bool = False


def crnn_export(args: argparse.Namespace) -> Export:
    """Return how the small recognizer is exported."""
    from crnn.charset import Charset
    from crnn.model_torch import LogProbabilities, SmallCRNN
    from train.data.lines import LineBatches
    from train.recipes import CrnnRecipe
    from train.synth.line import LineRenderer

    charset = Charset.load()

    def inputs() -> Iterator[Floats]:
        renderer = LineRenderer(
            FontLibrary.load(args.fonts), Corpus.load(args.corpus), args.backgrounds
        )
        make = LineBatches(renderer, charset, CrnnRecipe(columns=4096), seed=777)
        for index in range(args.calibrate):
            yield make(index)["lines"].astype(np.float32)

    return Export(
        SmallCRNN(charset.classes),
        LogProbabilities,
        ("log_probs",),
        {"image": {0: "N", 3: "W"}, "log_probs": {0: "N", 1: "T"}},
        {"charset": "".join(charset.characters)},
        inputs,
        classifier=True,
    )


def ctpn_export(args: argparse.Namespace) -> Export:
    """Return how the small detector is exported."""
    from ctpn.model_torch import CTPN, Deployed
    from ctpn.preprocess import MEAN, STD, normalize
    from train.synth.backgrounds import Backgrounds
    from train.synth.page import PageRenderer

    def inputs() -> Iterator[Floats]:
        pages = PageRenderer(
            FontLibrary.load(args.fonts),
            Corpus.load(args.corpus),
            Backgrounds.load(args.backgrounds),
        )
        for index in range(args.calibrate):
            image = pages.page(777, index).image
            height, width = (side // 16 * 16 for side in image.shape[:2])
            yield np.ascontiguousarray(normalize(image[:height, :width], MEAN, STD))

    return Export(
        CTPN(),
        Deployed,
        CTPN_OUTPUTS,
        CTPN_AXES,
        {},
        inputs,
        keep_float=("score", "delta", "side"),
    )


def angle_export(args: argparse.Namespace) -> Export:
    """Return how the small orientation classifier is exported."""
    from angle.model_torch import AngleNet
    from angle.preprocess import pieces
    from train.synth.backgrounds import Backgrounds
    from train.synth.page import PageRenderer

    def inputs() -> Iterator[Floats]:
        pages = PageRenderer(
            FontLibrary.load(args.fonts),
            Corpus.load(args.corpus),
            Backgrounds.load(args.backgrounds),
        )
        for index in range(args.calibrate):
            turned = np.ascontiguousarray(np.rot90(pages.page(777, index).image, index % 4))
            found, _ = pieces(turned)
            if len(found):
                yield found

    config = {"temperature": args.temperature} if args.temperature else {}
    return Export(
        AngleNet(),
        lambda network: network,
        ("logits",),
        {"image": {0: "N"}, "logits": {0: "N"}},
        config,
        inputs,
    )


EXPORTS = {"angle": angle_export, "ctpn": ctpn_export, "crnn": crnn_export}


def main() -> None:
    """Read the command line and export one model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", choices=sorted(EXPORTS))
    parser.add_argument("weights", type=Path, help="safetensors of a run")
    parser.add_argument("--name", default="small")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--float", action="store_true", help="float32 instead of int8")
    parser.add_argument("--calibrate", type=int, default=40, help="batches to calibrate int8 on")
    parser.add_argument("--temperature", type=float, help="of the orientation classifier's score")
    parser.add_argument("--data", default="rendered by train/synth", help="for the manifest")
    parser.add_argument("--figures", type=json.loads, help="for the manifest: a JSON object")
    for name in ("fonts", "corpus", "backgrounds"):
        parser.add_argument(f"--{name}", type=Path)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    export = EXPORTS[args.package](args)
    state = {key: value.float() for key, value in load_file(args.weights).items()}
    export.trained.load_state_dict(state)
    stem = f"{args.package}-{args.name}"
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        made = _make(export, Path(folder), quantized=not args.float)
        made.replace(args.out / f"{stem}.onnx")
        half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
        save_file(half, Path(folder) / "half")
        (Path(folder) / "half").chmod(0o644)  # safetensors makes files for the owner alone
        (Path(folder) / "half").replace(args.out / f"{stem}.safetensors")
    _register(args, args.out / f"{stem}.onnx")


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


def _make(export: Export, folder: Path, *, quantized: bool) -> Path:
    """Write the ONNX file into `folder` and compare it with PyTorch."""
    network = export.deployed(export.trained.eval()).eval()
    batches = list(export.inputs())
    plain = folder / "float.onnx"
    write_float(network, batches[0], plain, outputs=export.outputs, axes=export.axes)
    _describe(plain, export.config)
    with torch.inference_mode():
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
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
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


def _known_figures(rows: list[dict[str, Any]], name: str, task: str) -> dict[str, float]:
    """Keep the figures of the row that is replaced: `--figures` or an editor brings them up to date."""
    return next((dict(r["figures"]) for r in rows if (r["name"], r["task"]) == (name, task)), {})


def _register(args: argparse.Namespace, path: Path) -> None:
    """Put the file's row into the manifest, in place of an older one of the same name and task."""
    manifest = args.out / "manifest.json"
    rows = json.loads(manifest.read_text(encoding="utf8"))["models"] if manifest.exists() else []
    task = TASKS[args.package]
    content = path.read_bytes()
    row = {
        "name": args.name,
        "task": task,
        "package": args.package,
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "license": "Apache-2.0",
        "data": args.data,
        "figures": args.figures or _known_figures(rows, args.name, task),
    }
    rows = [r for r in rows if (r["name"], r["task"]) != (args.name, task)] + [row]
    write_json(
        manifest, {"schema": 1, "models": sorted(rows, key=lambda r: (r["task"], r["name"]))}
    )
    log.info(
        "%s: %d bytes; the manifest lists %d models", path, len(content), len(models(args.out))
    )


if __name__ == "__main__":
    main()
