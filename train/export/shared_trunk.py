"""Export networks that share a trunk: one file for the trunk, one for each head, all trainable."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr.weights import find
from train.export import shared_arrays
from train.export.models import Export
from train.export.onnx_file import make, register
from train.transfer import onnx_weights, quantized_weights


@dataclass(frozen=True)
class ExportedFile:
    """One file: how it is exported, its trained weights and its row of the manifest.

    Attributes:
        export: see `train.export.models.Export`.
        state: PyTorch's names, as of the whole network, to arrays.
        row: of the manifest; `trunk` there makes it a head.
        quantized: its convolutions work in int8; else what is large is only kept so.
        shared: a file in the same folder whose arrays it takes where they are the same, TASK/NAME of the manifest.
    """

    export: Export
    state: quantized_weights.Weights
    row: dict[str, Any]
    quantized: bool = True
    shared: str = ""


def write(parts: Mapping[str, ExportedFile], trunk: str, out: Path) -> None:
    """Write parts into a folder of weights, each as soon as it is made, and register them.

    Args:
        parts: by the names of their files without `.onnx`.
        trunk: which of them the others are the heads of.
        out: made if it is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    for stem, part in parts.items():
        target = out / f"{stem}.onnx"
        task, _, name = part.shared.partition("/")
        other = find(name, task, out) if part.shared else None
        row = part.row
        with tempfile.TemporaryDirectory(dir=out) as folder:
            made = make(part.export, Path(folder), quantized=part.quantized)
            if other:
                shared_arrays.quantize(made, out / other.file)
            else:
                onnx_weights.quantize_large(made)
            onnx_weights.write_parameter_map(
                made, part.state, "" if stem == trunk else f"{trunk}.onnx"
            )
            if other and shared_arrays.share(made, out / other.file):
                row = row | {"shares": part.shared, "shares_sha256": other.sha256}
            made.replace(target)
        register(row, target)
