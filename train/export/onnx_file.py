"""Write a trained network as an ONNX file, compared with PyTorch, in float32 or int8, and its row of the manifest."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
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
from common.files import replace_when_written
from common.wording import counted
from ocr.onnx_runtime import import_onnxruntime
from ocr.weights.file import read_file
from train.export import channel_padding
from train.export.models import Export
from train.loop.run import write_json

log = logging.getLogger("export")


OPSET = 17

ALIKE = 0.8
"""Share of the lines that a decoder has to read as before."""


def write_float(
    network: nn.Module,
    example: Floats | Mapping[str, Floats],
    path: Path,
    *,
    outputs: tuple[str, ...],
    axes: dict[str, dict[int, str]],
) -> None:
    """Write a network as float32 ONNX with the inputs of an example: `image` alone, or those of these names."""
    feeds = named(example)
    torch.onnx.export(
        network, tuple(map(torch.from_numpy, feeds.values())), str(path),
        input_names=list(feeds), output_names=list(outputs), dynamic_axes=axes, opset_version=OPSET,
        # The newer exporter unrolls or specializes the recurrent layer; this one keeps it whole.
        dynamo=False,
    )  # fmt: skip


def named(inputs: Floats | Mapping[str, Floats]) -> dict[str, Floats]:
    """Return a network's inputs by their names; one without a name is `image`."""
    return dict(inputs) if isinstance(inputs, Mapping) else {"image": inputs}


def make(export: Export, folder: Path, *, quantized: bool) -> Path:
    """Write a network as ONNX into `folder`, compare it with PyTorch, and return the file."""
    network = export.deployed(export.trained.eval()).eval()
    batches = [named(batch) for batch in export.inputs()]
    plain = folder / "float.onnx"
    write_float(network, batches[0], plain, outputs=export.outputs, axes=export.axes)
    _describe(plain, export.config)
    with torch.no_grad():  # a compiled module does not run in inference mode
        reference = network(*map(torch.from_numpy, batches[-1].values()))
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
        nodes = onnx.load(str(out)).graph.node
        excluded = [n.name for n in nodes if any(part in n.name for part in export.keep_float)]
        quantize_dynamic(
            out, out, op_types_to_quantize=products, per_channel=True, reduce_range=True,
            nodes_to_exclude=excluded,
        )  # fmt: skip
    channel_padding.pad_channels_to_multiple(out)
    _describe(out, export.config)
    worst = _difference(out, batches[-1], [value.numpy() for value in reference])
    log.info("int8 against PyTorch: largest difference %.2g; measure it with train.evaluate", worst)
    return out


def _describe(path: Path, config: dict[str, Any]) -> None:
    model = onnx.load(str(path))
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {"config": json.dumps(config, ensure_ascii=False)})
    onnx.save(model, str(path))


def reconfigure(source: Path, out: Path, changes: Mapping[str, Any]) -> None:
    """Write a file with changes of its configuration; arrays that it shares with another one stay there.

    Where a manifest beside `out` lists the file, that tells its new content.
    """
    model = onnx.load_from_string(read_file(source))
    kept = {p.key: p.value for p in model.metadata_props}
    config = {**json.loads(kept["config"]), **changes}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {**kept, "config": json.dumps(config, ensure_ascii=False)})
    with replace_when_written(out) as partial:
        onnx.save(model, str(partial))
    listed = out.with_name("manifest.json")
    if listed.exists():
        manifest, content = json.loads(listed.read_text("utf-8")), out.read_bytes()
        for row in manifest["models"]:
            if row["file"] == out.name:
                row |= _content(content)
        write_json(listed, manifest)


def _content(content: bytes) -> dict[str, Any]:
    """Return what a row of the manifest tells of a file's content."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _difference(path: Path, batch: dict[str, Floats], reference: list[Floats]) -> float:
    runtime = import_onnxruntime()
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return largest_difference(session.run(None, batch), reference)


def largest_difference(outputs: Sequence[NDArray[Any]], reference: Sequence[NDArray[Any]]) -> float:
    """Return how far outputs are from those of a reference.

    Where the first are classes (N, L), a decoder chose them, which goes another way for good where two are about as
    likely. Then the lines count that are read alike, up to their ends; infinity where fewer than `ALIKE` of them are.
    """
    if not np.issubdtype(reference[0].dtype, np.integer):
        return max(float(np.abs(a - b).max()) for a, b in zip(outputs, reference, strict=True))
    read, wanted = ([np.trim_zeros(row, "b") for row in one[0]] for one in (outputs, reference))
    same = [n for n, line in enumerate(wanted) if np.array_equal(read[n], line)]
    if len(same) < ALIKE * len(wanted):
        return float("inf")
    away = [
        np.abs(a[n, : len(wanted[n])] - b[n, : len(wanted[n])]).max(initial=0)
        for a, b in zip(outputs, reference, strict=True)
        for n in same
    ]
    return float(max(away, default=0))


class _CalibrationBatches(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: list[dict[str, Floats]]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, Floats] | None:
        return next(self._left, None)


def _quantize(
    source: Path, target: Path, batches: list[dict[str, Floats]], keep_float: tuple[str, ...]
) -> None:
    """Static int8 of the convolutions: per channel, activations by their range on rendered data."""
    prepared = source.with_name("prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    graph = onnx.load(str(prepared)).graph
    excluded = [n.name for n in graph.node if any(part in n.name for part in keep_float)]
    quantize_static(
        str(prepared), str(target), _CalibrationBatches(batches),
        quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv", "Relu"],
        nodes_to_exclude=excluded,
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        reduce_range=True,  # to ±64: see `reduce_range`
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
        **_content(content),
        **{key: row[key] for key in ("trunk", "shares", "shares_sha256") if key in row},
        "license": "Apache-2.0",
        "data": row["data"],
        "figures": row.get("figures", older.get("figures", {})),
    }
    rows = [r for r in rows if (r["name"], r["task"]) != key] + [made]
    write_json(
        manifest, {"schema": 1, "models": sorted(rows, key=lambda r: (r["task"], r["name"]))}
    )
    log.info("%s: %d bytes; the manifest lists %s", path, len(content), counted(len(rows), "model"))
