"""Two processes that train together learn what one learns that accumulates their batches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.torch, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import json, sys
from pathlib import Path
import torch
from torch import nn
from train.loop import distributed_torch as distributed
from train.loop.loader_torch import rendered_batches
from train.loop.fit_torch import fit
from train.loop.recipes import FitRecipe
from train.loop.run import TrainingRun
import numpy as np

folder, accumulate = Path(sys.argv[1]), int(sys.argv[2])
torch.manual_seed(5)
network = nn.Sequential(
    nn.Conv1d(1, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(24, 1)
)
unused = nn.Parameter(torch.zeros(3), requires_grad=False)
network.register_parameter("still", unused)  # as the second bias of our LSTMs

def make(index):
    x = np.random.default_rng(index).normal(size=(8, 1, 8)).astype(np.float32)
    return {"x": x, "y": x.sum(2), "number": np.array([index])}

seen, losses = [], []

def loss(network, batch, progress):
    value = (network(batch["x"]) - batch["y"]).square().mean()
    seen.append(int(batch["number"]))
    return value, {"loss": value.item()}

class Kept(list):
    def __call__(self, _):
        return {"error": 1.0}

import train.loop.fit_torch as module
update = module.Trainer.update
def spy(self, parts):
    values = update(self, parts)
    losses.append(values["loss"])
    return values
module.Trainer.update = spy

recipe = FitRecipe(lr=0.02, warmup_steps=2, steps=8, accumulate=accumulate, precision="float32",
                   evaluate_every_s=1e9, checkpoint_every_s=1e9)
run = TrainingRun.create(folder, {}, 5, first=distributed.rank() == 0)
figures = fit(network, recipe, run, lambda start: rendered_batches(make, start=start, workers=0),
              loss, Kept(), best="error", higher_is_better=False)
told = {"losses": losses, "seen": seen, "figures": figures,
        "weights": {k: v.tolist() for k, v in network.state_dict().items() if "running" not in k
                    and "num" not in k}}
(folder / f"told-{distributed.rank()}.json").write_text(json.dumps(told))
"""


def _train(folder: Path, processes: int, accumulate: int) -> list[dict]:
    folder.mkdir()
    program = folder / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable]
    if processes > 1:
        command += [
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            str(processes),
        ]
    done = subprocess.run(
        [*command, str(program), str(folder), str(accumulate)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"told-{i}.json").read_text()) for i in range(processes)]


def test_two_processes_equal_one_with_the_same_global_batch(tmp_path: Path) -> None:
    (alone,) = _train(tmp_path / "alone", 1, 2)
    first, second = _train(tmp_path / "both", 2, 1)
    assert alone["seen"] == list(range(16))
    assert first["seen"] == list(range(0, 16, 2)) and second["seen"] == list(range(1, 16, 2))
    assert len(alone["losses"]) == 8 and len(set(alone["losses"])) == 8
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-4)
    assert second["losses"] == first["losses"]
    for name, value in alone["weights"].items():
        expected = torch.tensor(value)
        torch.testing.assert_close(
            torch.tensor(first["weights"][name]), expected, atol=1e-4, rtol=1e-3
        )
        assert second["weights"][name] == first["weights"][name]
    assert first["figures"] == {"error": 1.0} and second["figures"] == {}
    written = {path.name for path in (tmp_path / "both").glob("*.safetensors")}
    assert written == {"best.safetensors", "last.safetensors", "checkpoint.safetensors"}
