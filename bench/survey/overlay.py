"""Lay the weight files of one folder over those of another, without changing either."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocr.weights import MANIFEST_SCHEMA, WEIGHTS, WeightsError, models


@contextmanager
def overlaid(own: Path | None, shipped: Path = WEIGHTS) -> Iterator[Path]:
    """Give a folder with the models of both; of two of one name and task, that of `own`.

    The folder is made for the time of the block where there is `own`. Rows of `own` whose files are not there count as
    those below: recipes copy the manifest.

    Args:
        own: with a manifest, as `train.export --out` writes; None for the shipped ones alone.
        shipped: the folder below.

    Raises:
        WeightsError: `own` has no manifest, or none of its files.
    """
    if own is None:
        yield shipped
        return
    if not (own / "manifest.json").is_file():
        raise WeightsError(
            f"{own} has no manifest.json; expected a folder that `python -m train.export --out` wrote to"
        )
    above = [row for row in _rows(own) if (own / row["file"]).is_file()]
    if not above:
        raise WeightsError(f"{own} has none of the files that its manifest names")
    named = {(row["name"], row["task"]) for row in above}
    below = [row for row in _rows(shipped) if (row["name"], row["task"]) not in named]
    with tempfile.TemporaryDirectory(prefix="weights-") as name:
        folder = Path(name)
        for source, rows in ((shipped, below), (own, above)):
            for file in {row["file"] for row in rows}:
                if (source / file).is_file():
                    shutil.copyfile(source / file, folder / file)
        manifest = {"schema": MANIFEST_SCHEMA, "models": below + above}
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        yield folder


def _rows(folder: Path) -> list[dict[str, str]]:
    models(folder)  # says what is wrong with it
    rows: list[dict[str, str]] = json.loads((folder / "manifest.json").read_text("utf-8"))["models"]
    return rows
