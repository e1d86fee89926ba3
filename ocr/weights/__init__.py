"""Find a model's weight file by name and task and check its SHA-256. The manifest lists all there are.

A file is looked for beside the manifest, then in a folder of the user's (`cache_folder`), where
`python -m ocr.weights fetch` puts what a checkout lacks. Loading never uses the network.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from ocr.weights.file import WeightsError as WeightsError
from ocr.weights.file import unpacked

WEIGHTS = Path(__file__).resolve().parent.parent.parent / "weights"
"""The folder with the manifest and the files it lists."""

MANIFEST_SCHEMA = 1

CACHE_VARIABLE = "OCR_WEIGHTS_CACHE"
"""Environment variable that names the folder for fetched files."""

_RESTORE = "restore it with: git checkout -- weights"


class ModelRow(NamedTuple):
    """One model of the manifest."""

    name: str
    task: str
    package: str
    file: str
    sha256: str
    size: int = 0
    """Bytes; 0 where the manifest does not say."""
    url: str = ""
    """Where the file can be fetched; empty where it is only in the checkout."""
    trunk: str = ""
    """Name of the model of the task "trunk" that this one reads the answers of; empty where it reads pictures."""
    shares: str = ""
    """Model in whose file some of its arrays are: NAME, or TASK/NAME of another task; empty where it has all itself."""
    shares_sha256: str = ""
    """Of that file when this one was made."""


def models(folder: Path = WEIGHTS) -> list[ModelRow]:
    """All models of the manifest.

    Raises:
        WeightsError: There is no manifest, or not one that this version reads.
    """
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        schema = manifest["schema"]
        rows = [_row(row) for row in manifest["models"]]
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing; {_RESTORE}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} cannot be read ({error!r}); {_RESTORE}") from error
    if schema != MANIFEST_SCHEMA:
        raise WeightsError(f"{path} has schema {schema}, expected {MANIFEST_SCHEMA}; {_RESTORE}")
    return rows


def _row(row: dict[str, Any]) -> ModelRow:
    name, task, package, file, sha256 = (
        str(row[key]) for key in ("name", "task", "package", "file", "sha256")
    )
    if Path(file).name != file:
        raise ValueError(f"file is {file!r}, expected a name without folders")
    size, url, trunk = int(row.get("bytes", 0)), str(row.get("url", "")), str(row.get("trunk", ""))
    shares, shared = str(row.get("shares", "")), str(row.get("shares_sha256", ""))
    return ModelRow(name, task, package, file, sha256, size, url, trunk, shares, shared)


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


def cache_folder() -> Path:
    """The folder for fetched files: the one that OCR_WEIGHTS_CACHE names, else the system's usual place.

    It need not exist.

    Raises:
        WeightsError: The user has no home folder.
    """
    try:
        return _cache_folder()
    except RuntimeError as error:
        raise WeightsError(
            f"no home folder for fetched weights: name one in {CACHE_VARIABLE}"
        ) from error


def _cache_folder() -> Path:
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ocr-weights"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "ocr-weights"
    # The rule of the XDG base directories: a relative path there counts as none.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "ocr-weights"


def cached_path(row: ModelRow) -> Path:
    """Where a fetched file of a model is kept; versions of one name stand side by side."""
    return cache_folder() / row.sha256[:16] / row.file


def locate(row: ModelRow, folder: Path = WEIGHTS) -> Path:
    """Where a model's file is: beside the manifest, or fetched. Its content is not looked at.

    Raises:
        WeightsError: It is in neither place.
    """
    for path in (folder / row.file, cached_path(row)):
        if path.is_file():
            return path
    raise WeightsError(
        f"{folder / row.file}: No such file, and none was fetched to {cached_path(row)}; {_RESTORE}"
        ", or fetch it with: python -m ocr.weights fetch"
    )


def read(row: ModelRow, folder: Path = WEIGHTS) -> tuple[Path, bytes]:
    """Where a model's file is and what is in it, decompressed, after comparing its SHA-256 with the manifest's.

    Raises:
        WeightsError: The file is missing or is another one.
    """
    path = locate(row, folder)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}; {_advice(path, folder)}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != row.sha256:
        half = f" and it has {len(content)} of {row.size} bytes" if len(content) < row.size else ""
        raise WeightsError(
            f"{path}: SHA-256 is {digest}, the manifest says {row.sha256}{half}; {_advice(path, folder)}"
        )
    return path, unpacked(path, content)


def shared_row(row: ModelRow, folder: Path = WEIGHTS) -> ModelRow | None:
    """The manifest's row of the model that this one shares arrays with; None for one that has them all itself.

    Raises:
        ValueError: The manifest has no such model.
        WeightsError: The manifest cannot be read.
    """
    if not row.shares:
        return None
    task, _, name = row.shares.rpartition("/")
    return find(name, task or row.task, folder)


def folder_of_shared(row: ModelRow, folder: Path = WEIGHTS) -> Path | None:
    """Where the file is that a model shares arrays with; None for one that has them all itself.

    Raises:
        WeightsError: The file is missing, or is not the one that the model was made with.
    """
    other = shared_row(row, folder)
    if other is None:
        return None
    if other.sha256 != row.shares_sha256:
        raise WeightsError(
            f"{row.file} was made with another {other.file}, of SHA-256 {row.shares_sha256}, "
            f"the manifest has {other.sha256}; train and export {row.name} again"
        )
    return checked_path(other, folder).parent


def checked_path(row: ModelRow, folder: Path = WEIGHTS) -> Path:
    """Where a model's file is, after comparing its SHA-256 with the manifest's.

    Raises:
        WeightsError: The file is missing or is another one.
    """
    return read(row, folder)[0]


def _advice(path: Path, folder: Path) -> str:
    if path.parent == folder:
        return _RESTORE
    return "fetch it again with: python -m ocr.weights fetch"
