"""Model name and task in; a checked weight file out. The manifest lists all there are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
"""The folder with the manifest and the files it lists."""

MANIFEST_SCHEMA = 1

_RESTORE = "restore it with: git checkout -- weights"


class WeightsError(RuntimeError):
    """A weight file or the manifest is missing, damaged or unreadable; says what to do."""


class ModelRow(NamedTuple):
    """One model of the manifest."""

    name: str
    task: str
    package: str
    file: str
    sha256: str


def models(folder: Path = WEIGHTS) -> list[ModelRow]:
    """All models of the manifest.

    Raises:
        WeightsError: There is no manifest, or not one that this version reads.
    """
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        schema = manifest["schema"]
        rows = [
            ModelRow(*(str(row[key]) for key in ModelRow._fields)) for row in manifest["models"]
        ]
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing; {_RESTORE}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} cannot be read ({error!r}); {_RESTORE}") from error
    if schema != MANIFEST_SCHEMA:
        raise WeightsError(f"{path} has schema {schema}, expected {MANIFEST_SCHEMA}; {_RESTORE}")
    return rows


def find(name: str, task: str, folder: Path = WEIGHTS) -> ModelRow:
    """The manifest's row for a model.

    Raises:
        ValueError: There is no model of that name for the task.
        WeightsError: The manifest cannot be read.
    """
    rows = [row for row in models(folder) if row.task == task]
    for row in rows:
        if row.name == name:
            return row
    known = ", ".join(sorted(row.name for row in rows)) or "none"
    raise ValueError(f"no {task} model is named {name!r}; there are: {known}")


def checked_path(row: ModelRow, folder: Path = WEIGHTS) -> Path:
    """Where a model's file is, after comparing its SHA-256 with the manifest's.

    Raises:
        WeightsError: The file is missing or is another one.
    """
    path = folder / row.file
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}; {_RESTORE}") from error
    if digest.hexdigest() != row.sha256:
        raise WeightsError(
            f"{path}: SHA-256 is {digest.hexdigest()}, the manifest says {row.sha256}; {_RESTORE}"
        )
    return path
