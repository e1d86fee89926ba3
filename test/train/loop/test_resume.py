"""A training killed at any moment goes on as if nothing had been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file

from train.loop import checkpoint_torch as checkpoint

pytestmark = [pytest.mark.torch, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]
STEPS = 60

PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np, torch
from torch import nn
from train.loop.loader_torch import rendered_batches
from train.loop.fit_torch import fit
from train.loop.recipes import FitRecipe
from train.loop.run import TrainingRun

folder, pause, workers = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(5)
network = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))

def make(index):
    x = np.random.default_rng(index).normal(size=(16, 3)).astype(np.float32)
    return {"x": x, "y": x @ np.array([[1.0], [-2.0], [0.5]], np.float32), "number": np.array([index])}

said = (folder / "losses.jsonl").open("a", buffering=1)

def loss(network, batch, progress):
    value = (network(batch["x"]).float() - batch["y"]).square().mean()
    said.write(json.dumps([int(batch["number"]), value.item()]) + "\\n")
    time.sleep(pause)
    return value, {"loss": value.item()}

recipe = FitRecipe(lr=0.02, warmup_steps=2, steps=60, evaluate_every_s=1e9, checkpoint_every_s=0.05)
fit(network, recipe, TrainingRun.create(folder, {}, 5),
    lambda start: rendered_batches(make, start=start, workers=workers), loss, lambda network: {"error": 1.0},
    best="error", higher_is_better=False, resume=True)
"""


def _start(folder: Path, pause: float, workers: int = 0) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    (folder / "program.py").write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, str(folder / "program.py"), str(folder), str(pause), str(workers)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def _finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors.decode()[-3000:]


def _losses(folder: Path) -> list[tuple[int, float]]:
    path = folder / "losses.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(number), value) for number, value in map(json.loads, lines)]


def test_killed_runs_go_on_to_the_same_losses_and_weights(tmp_path: Path) -> None:
    _finish(_start(tmp_path / "whole", 0.0))
    whole = dict(_losses(tmp_path / "whole"))
    assert sorted(whole) == list(range(STEPS))
    folder = tmp_path / "killed"
    process = _start(folder, 0.02)
    deadline = time.monotonic() + 300
    while len(_losses(folder)) < 0.4 * STEPS and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)  # wherever it is, perhaps in the middle of a file
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert 0 < len(_losses(folder)) < STEPS
    _finish(_start(folder, 0.0))
    killed = _losses(folder)
    numbers = [number for number, _ in killed]
    assert numbers.count(0) == 1  # it did not begin again
    assert set(numbers) == set(range(STEPS))
    for number, value in killed:
        assert value == whole[number], number
    ends = [load_file(tmp_path / run / "last.safetensors") for run in ("whole", "killed")]
    for name, value in ends[0].items():
        assert torch.equal(value, ends[1][name]), name


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_a_group_that_is_told_to_end_saves_first(tmp_path: Path) -> None:
    """As by `timeout`, which signals the workers, too."""
    process = _start(tmp_path, 0.05, workers=2)
    deadline = time.monotonic() + 300
    while len(_losses(tmp_path)) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    _finish(process)
    assert 5 <= len(_losses(tmp_path)) < STEPS
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["step"] == len(_losses(tmp_path))
    assert checkpoint.load(tmp_path) is not None


def test_a_half_written_checkpoint_is_not_read(tmp_path: Path) -> None:
    parts = {name: {"w": torch.ones(2)} for name in ("network", "average", "optimizer")}
    checkpoint.save(tmp_path, parts, {"step": 3, "best": None})
    partial = (tmp_path / checkpoint.NAME).with_name(checkpoint.NAME + ".part")
    partial.write_bytes((tmp_path / checkpoint.NAME).read_bytes()[:50])
    found = checkpoint.load(tmp_path)
    assert found is not None
    assert found[1] == {"step": 3, "best": None}
    assert torch.equal(found[0]["average"]["w"], torch.ones(2))


def test_folder_without_checkpoint_has_none(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path) is None


def test_state_of_optimizers_is_restored() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 3))
    first = torch.optim.AdamW([weight], lr=0.1)
    weight.sum().backward()
    first.step()
    second = torch.optim.AdamW([weight], lr=0.1)
    checkpoint.unflatten(second, checkpoint.flatten(first))
    kept, state = (o.state_dict()["state"][0] for o in (first, second))
    for name, value in kept.items():
        np.testing.assert_array_equal(torch.as_tensor(state[name]), torch.as_tensor(value))
