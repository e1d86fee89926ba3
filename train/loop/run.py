"""Keep a training run in a folder: the resolved recipe, the seed, the log, the checkpoints."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.files import replace_when_written

log = logging.getLogger("train")


@dataclass(frozen=True)
class TrainingRun:
    """The folder of a training."""

    folder: Path
    seed: int

    @classmethod
    def create(
        cls, folder: Path, recipe: dict[str, Any], seed: int, *, first: bool = True
    ) -> TrainingRun:
        """Make the folder, write the recipe into it and send the log there and to stderr.

        Of several processes that train together only the `first` writes and says anything.
        """
        folder = Path(folder).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        if not first:
            log.setLevel(logging.ERROR)
            return cls(folder, seed)
        write_json(folder / "recipe.json", {"seed": seed, **recipe})
        form = logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
        for handler in (
            logging.FileHandler(folder / "train.log"),
            logging.StreamHandler(sys.stderr),
        ):
            handler.setFormatter(form)
            log.addHandler(handler)
        log.setLevel(logging.INFO)
        return cls(folder, seed)

    def read_state(self) -> dict[str, Any]:
        """Return what `write_state` last wrote; empty for a new run."""
        path = self.folder / "state.json"
        return dict(json.loads(path.read_text(encoding="utf8"))) if path.exists() else {}

    def write_state(self, state: dict[str, Any]) -> None:
        """Write the step, the time spent and the figures, whole or not at all."""
        write_json(self.folder / "state.json", state)


def holds_weights(folder: Path) -> bool:
    """Whether a folder has weights that a training wrote there, for several methods one folder each."""
    folder = Path(folder).expanduser()
    return any(
        next(folder.glob(pattern), None) is not None
        for pattern in ("*.safetensors", "*/checkpoint.safetensors", "backup/*")
    )


def write_json(path: Path, value: Any) -> None:
    """Write a file whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    with replace_when_written(path) as partial:
        partial.write_text(f"{text}\n", encoding="utf8")
