"""Save and load checkpoints: one file with all that resuming needs, so that a kill never leaves half of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from common.files import replace_when_written

NAME = "checkpoint.safetensors"
_PARTS = ("network", "average", "optimizer")

Parts = dict[str, dict[str, Tensor]]


def save_tensors(
    tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file whole or not at all."""
    plain = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with replace_when_written(path) as partial:
        save_file(plain, partial, metadata)


def save(folder: Path, parts: Parts, state: dict[str, Any]) -> None:
    """Write tensors and state as one checkpoint.

    Args:
        folder: of the run.
        parts: "network", "average" and "optimizer", each named tensors.
        state: numbers and texts that JSON can hold.
    """
    tensors = {f"{part}/{k}": v for part in _PARTS for k, v in parts[part].items()}
    save_tensors(tensors, folder / NAME, {"state": json.dumps(state)})


def load(folder: Path) -> tuple[Parts, dict[str, Any]] | None:
    """Return the parts and the state of a run's last checkpoint; None for a run without one."""
    path = folder / NAME
    if not path.exists():
        return None
    parts: Parts = {part: {} for part in _PARTS}
    with safe_open(path, "pt") as stream:
        state = dict(json.loads(stream.metadata()["state"]))
        for key in stream.keys():  # noqa: SIM118 - not a dictionary, and not iterable
            part, _, name = key.partition("/")
            parts[part][name] = stream.get_tensor(key)
    return parts, state


def flatten(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's state as named tensors: number of the parameter, name of the moment."""
    state = optimizer.state_dict()["state"]
    return {
        f"{i}.{key}": torch.as_tensor(value)
        for i, values in state.items()
        for key, value in values.items()
    }


def unflatten(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimizer the state that `flatten` made."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
