"""Model names in; a ready reader out. Which classes serve a name is in the manifest alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ocr.network import load_onnx
from ocr.pipeline import Reader
from ocr.weights import WEIGHTS, WeightsError, checked_path, find

CLASSES = {"angle": "Classifier", "detector": "Detector", "recognizer": "Recognizer"}
"""Task to the class that a model's package re-exports for it."""


def load(
    models: str = "small",
    *,
    angle: str | None = None,
    detector: str | None = None,
    recognizer: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Reader:
    """Load the three models of a reader.

    Args:
        models: Name of all three models.
        angle: Name of the angle model, where it is another one.
        detector: Likewise.
        recognizer: Likewise.
        device: "cpu" or "cuda".
        threads: Threads that one page is worked on with; all cores by default.

    Raises:
        ValueError: A name, device or number of threads that is not there.
        WeightsError: A weight file is missing or damaged.
    """
    names = {"angle": angle, "detector": detector, "recognizer": recognizer}
    built = {
        task: build(name or models, task, device=device, threads=threads)
        for task, name in names.items()
    }
    return Reader(built["detector"], built["recognizer"], built["angle"])


def build(
    name: str,
    task: str,
    *,
    device: str = "cpu",
    threads: int | None = None,
    folder: Path = WEIGHTS,
) -> Any:  # noqa: ANN401
    """Build one model of the manifest: the package's class around its network.

    Args:
        name: As in the manifest.
        task: "angle", "detector" or "recognizer".
        device: "cpu" or "cuda".
        threads: All cores by default.
        folder: The folder of the manifest.

    Raises:
        ValueError: There is no such model or device.
        WeightsError: The file is missing or damaged.
    """
    row = find(name, task, folder)
    path = checked_path(row, folder)
    network, config = load_onnx(path, threads, device)
    model = getattr(importlib.import_module(row.package), CLASSES[task])
    try:
        return model(network, **config)
    except TypeError as error:
        raise WeightsError(
            f"{path}: its configuration does not fit {row.package}.{CLASSES[task]} ({error}); "
            "weights and code are of different versions"
        ) from error
