"""A weight file in; a network (arrays to arrays) on ONNX Runtime and its configuration out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from common.arrays import Floats, Network
from ocr.weights import WeightsError

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Device name to ONNX Runtime's name for it."""


def available_cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_onnx(
    path: Path, threads: int | None = None, device: str = "cpu"
) -> tuple[Network, dict[str, Any]]:
    """Open an ONNX file as a network that any number of threads may call.

    Args:
        path: A file whose metadata holds JSON under the key "config".
        threads: Threads one call works with; all cores by default.
        device: "cpu" or "cuda".

    Returns:
        The network, and the keyword arguments of the model's class from the metadata.

    Raises:
        ValueError: The device is unknown or not there, or threads is below 1.
        WeightsError: The file is no ONNX model, or one without a configuration.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads is {threads}, expected 1 or more")
    session = _open_session(path, threads or available_cores(), device)
    text = session.get_modelmeta().custom_metadata_map.get("config", "")
    try:
        config = dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise WeightsError(
            f'{path}: no JSON under the metadata key "config"; export it again'
        ) from error
    input_name = session.get_inputs()[0].name

    def network(images: Floats) -> tuple[Any, ...]:
        return tuple(session.run(None, {input_name: images}))

    return network, config


def _open_session(path: Path, threads: int, device: str) -> Any:  # noqa: ANN401
    import onnxruntime

    if device not in PROVIDERS:
        raise ValueError(f"device is {device!r}, expected one of {', '.join(PROVIDERS)}")
    if PROVIDERS[device] not in onnxruntime.get_available_providers():
        raise ValueError(
            f"device {device!r} is not available: this onnxruntime has only "
            f"{', '.join(onnxruntime.get_available_providers())}; sh setup.sh installs the other"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; warnings are about the exporter's graph
    # Every page has its own size: an arena and remembered patterns would keep the largest of each.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    providers = [PROVIDERS[device]] + ([PROVIDERS["cpu"]] if device != "cpu" else [])
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime's own classes have no common base but this one
        message = str(error).splitlines()[0]
        raise WeightsError(f"{path}: ONNX Runtime cannot open it ({message})") from error
