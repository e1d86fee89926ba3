"""Say what to do where models are asked for whose weights nobody has trained yet, or that are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import detection
import recognition
import spotting
from ocr.weights import WEIGHTS, ModelRow, find, models

_OPTIONS = {
    "detector": "--init-trunk weights/ctpn-small.onnx --run RUN --time-budget 2h",
    "recognizer": "--init weights/crnn-small.onnx --run RUN --time-budget 20m",
    "spotter": "--init-trunk weights/ctpn-small.onnx --init-reader weights/crnn-small.onnx --run RUN --time-budget 2h",
}


CHAIN = ("angle", "detector", "recognizer")
"""Tasks of the models that one name can stand for."""


def check_name(name: str, tasks: Sequence[str] = CHAIN) -> None:
    """Check that there are models of a name for all of some tasks, without loading them.

    Raises:
        ValueError: There is none for a task; says which there are, and which names all tasks have.
        WeightsError: The manifest cannot be read.
    """
    try:
        for task in tasks:
            find_trained(name, task)
    except ValueError as error:
        if len(tasks) < 2:
            raise
        known = [{row.name for row in models() if row.task == task} for task in tasks]
        whole = ", ".join(sorted(set.intersection(*known)))
        raise ValueError(f"{error}; {' and '.join(tasks)} have: {whole}") from None


def find_trained(name: str, task: str, folder: Path = WEIGHTS) -> ModelRow:
    """Find the manifest's row for a model, as `ocr.weights.find` does.

    Raises:
        ValueError: There is none; says how to train one where the method is known.
        WeightsError: The manifest cannot be read.
    """
    try:
        return find(name, task, folder)
    except ValueError as error:
        raise ValueError(f"{error}{_how_to_train(name, task)}") from None


def _how_to_train(name: str, task: str) -> str:
    """What to do where a method has code but no weights; empty for a name that nobody knows."""
    names = {
        "detector": {row.name: key for key, row in detection.METHODS.items()},
        "recognizer": {row.name: key for key, row in recognition.METHODS.items()},
        "spotter": {row.name: key for key, row in spotting.METHODS.items()},
    }
    key = names.get(task, {}).get(name)
    if key is None:
        return ""
    return (
        f". The method is there, its weights are not: train them with `python -m train.{task}_torch --method {key} "
        f"{_OPTIONS[task]}`, then put them into weights/ with `python -m train.export {key} RUN/last.safetensors`"
    )
