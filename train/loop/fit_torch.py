"""Train a network: forward, loss, backward, clip, step, average, log, evaluate, checkpoint, resume.

A step takes `accumulate` batches from each process and learns from the mean of their gradients. Batch
numbers run through steps and processes, and the RNG is re-seeded per batch: one process that
accumulates two batches, two processes with one each, and a run that was killed and resumed all see
the same losses.
"""

from __future__ import annotations

import copy
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from train.loop import checkpoint_torch as checkpoint
from train.loop import distributed_torch as distributed
from train.loop.recipes import FitRecipe, learning_rate
from train.loop.run import TrainingRun, log

Batch = dict[str, Tensor]
Loss = Callable[[nn.Module, Batch, float], tuple[Tensor, dict[str, float]]]
Evaluate = Callable[[nn.Module], dict[str, float]]

PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
"""What the network computes in; weights, losses and the optimizer stay in float32."""


def fit(
    network: nn.Module,
    recipe: FitRecipe,
    run: TrainingRun,
    batches: Callable[[int], Iterator[Batch]],
    loss: Loss,
    evaluate: Evaluate,
    *,
    best: str,
    higher_is_better: bool,
    resume: bool = False,
    device: str = "cpu",
) -> dict[str, float]:
    """Train until the time budget or the steps are used up, and return the last figures.

    The run folder then holds `best.safetensors` (averaged weights of the best evaluation),
    `last.safetensors` (averaged), `state.json` for people and `checkpoint.safetensors` for resuming.
    Ctrl-C and SIGTERM save and stop. Started by torchrun, the first process evaluates and writes, and
    returns the figures; the others return none.

    Args:
        network: trained in place.
        recipe: needs `time_budget_s` or `steps`.
        run: where everything is kept.
        batches: from the number of this process's first batch to an endless iterator of batches,
            whose numbers grow by the number of processes.
        loss: from the network, a batch and the progress in [0, 1) to the loss and figures to log.
        evaluate: from the averaged network, in evaluation mode, to figures.
        best: name of the figure that chooses the best checkpoint.
        higher_is_better: the direction of that figure.
        resume: go on from the last checkpoint, if there is one.
        device: "cpu" or "cuda".

    Raises:
        ValueError: a recipe without an end, or with settings out of their range.
    """
    _check(recipe)
    target = distributed.device_of(device)
    with distributed.process_group(target):
        trainer = Trainer(network.to(target), loss, recipe, run, resume)
        return _run(trainer, batches, evaluate, best, higher_is_better)


def _check(recipe: FitRecipe) -> None:
    if recipe.time_budget_s is None and recipe.steps is None:
        raise ValueError(
            "neither a time budget nor steps given; pass --time-budget 40m or --steps 1000"
        )
    if recipe.accumulate < 1:
        raise ValueError(f"accumulate is {recipe.accumulate} batches, expected 1 or more")
    if recipe.precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise ValueError(f"precision is {recipe.precision!r}, expected one of {known}")


def _run(
    trainer: Trainer,
    batches: Callable[[int], Iterator[Batch]],
    evaluate: Evaluate,
    best: str,
    higher_is_better: bool,
) -> dict[str, float]:
    """Go through the batches; the first process also logs, evaluates and saves."""
    recipe, first = trainer.recipe, distributed.rank() == 0
    due = Timer(
        {"log": 20.0, "evaluate": recipe.evaluate_every_s, "save": recipe.checkpoint_every_s}
    )
    figures: dict[str, float] = {}
    bar = tqdm(unit="step", initial=trainer.step, disable=not (first and sys.stderr.isatty()))
    source = batches(trainer.next_batch)
    with caught_signals() as stop, _writer(trainer.run) if first else nullcontext() as writer:
        while parts := list(islice(source, recipe.accumulate)):
            values = trainer.update(parts)
            finished, stopped = trainer.sync_stop(bool(stop))
            ended = finished or stopped
            bar.update()
            if first and (due("log") or ended):
                text = " ".join(f"{k} {v:.4g}" for k, v in values.items())
                bar.set_postfix_str(text)
                log.info("step %d  %.1f%%  %s", trainer.step, 100 * trainer.progress, text)
                _scalars(writer, "train", values, trainer.step)
            if first and (due("evaluate") or finished):
                figures = trainer.evaluate(evaluate, best, higher_is_better)
                _scalars(writer, "evaluation", figures, trainer.step)
            if first and (due("save") or ended):
                trainer.save()
            trainer.restart_clock()
            if ended:
                break
    return figures


class Timer:
    """Say when something that happens every so many seconds is due again."""

    def __init__(self, every_s: dict[str, float]) -> None:
        self._every = every_s
        self._last = dict.fromkeys(every_s, time.monotonic())

    def __call__(self, name: str) -> bool:
        due = time.monotonic() - self._last[name] > self._every[name]
        if due:
            self._last[name] = time.monotonic()
        return due


def _scalars(writer: Any, group: str, values: dict[str, float], step: int) -> None:  # noqa: ANN401
    for key, value in values.items():
        writer.add_scalar(f"{group}/{key}", value, step)


class _LossModule(nn.Module):
    """Network and loss as one module: DistributedDataParallel shares gradients after a module's forward."""

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.network, self.loss = network, loss

    def forward(self, batch: Batch, progress: float) -> tuple[Tensor, dict[str, float]]:
        return self.loss(self.network, batch, progress)


class Trainer:
    """Network, optimizer, averaged weights and clock of one run."""

    def __init__(
        self, network: nn.Module, loss: Loss, recipe: FitRecipe, run: TrainingRun, resume: bool
    ) -> None:
        self.network, self.recipe, self.run = network, recipe, run
        self.device = next(network.parameters()).device
        matrices = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.lr)
        # Only float16 needs its loss scaled: elsewhere the scaler does nothing.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "float16")
        self.average = copy.deepcopy(network).eval()
        self.step, self.elapsed, self.best = 0, 0.0, None
        self.history: list[dict[str, Any]] = []
        if resume:
            self._load()
        self.module = distributed.wrap_ddp(_LossModule(network, loss), self.device)
        self.restart_clock()

    def restart_clock(self) -> None:
        """Restart the clock: evaluations and checkpoints do not count as training."""
        self._clock = time.monotonic()

    @property
    def progress(self) -> float:
        """Return the share of the run that is done."""
        if self.recipe.time_budget_s is not None:
            return self.elapsed / self.recipe.time_budget_s
        return self.step / (self.recipe.steps or 1)

    @property
    def next_batch(self) -> int:
        """Return the number of the next batch of this process."""
        return self.step * self.recipe.accumulate * distributed.world_size() + distributed.rank()

    def update(self, parts: list[Batch]) -> dict[str, float]:
        """Make one step from the mean over the parts, and return its figures."""
        rate = learning_rate(self.recipe, self.step, self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        figures: dict[str, float] = {}
        for i, part in enumerate(parts):
            for key, value in self._backward(part, i, last=i + 1 == len(parts)).items():
                figures[key] = figures.get(key, 0.0) + value / len(parts)
        norm = self._optimizer_step()
        self.step += 1
        self._update_ema()
        self.elapsed += time.monotonic() - self._clock
        self.restart_clock()
        return {
            **distributed.mean(figures, self.device),
            "norm": norm,
            "lr": rate,
            "steps_per_s": self.step / max(self.elapsed, 1e-9),
        }

    def _backward(self, part: Batch, place: int, *, last: bool) -> dict[str, float]:
        """Add the gradients of one batch; the processes average them at the last one of a step."""
        batch = {key: value.to(self.device, non_blocking=True) for key, value in part.items()}
        number = self.next_batch + place * distributed.world_size()
        # Dropout and sampling then depend on the batch alone, not on process or time.
        torch.manual_seed(self.run.seed * 1_000_003 + number)
        context = nullcontext() if last or distributed.world_size() == 1 else self.module.no_sync()
        precision = PRECISIONS[self.recipe.precision]
        with context:
            with torch.autocast(
                self.device.type, precision, enabled=precision is not torch.float32
            ):
                value, figures = self.module(batch, min(self.progress, 1.0))
            self.scaler.scale(value / self.recipe.accumulate).backward()
        return figures

    def _optimizer_step(self) -> float:
        """Clip and apply the gradients; return their norm."""
        self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip))
        if math.isfinite(norm):  # one broken batch must not spoil the weights
            self.scaler.step(self.optimizer)
        else:
            log.warning("step %d skipped: the gradient is not finite", self.step)
        self.scaler.update()
        return norm

    def sync_stop(self, stop: bool) -> tuple[bool, bool]:
        """Return whether the run is finished and whether to stop, as the first process has it."""
        self.elapsed, stopped = distributed.broadcast([self.elapsed, float(stop)], self.device)
        return self.progress >= 1, bool(stopped)

    @torch.no_grad()
    def _update_ema(self) -> None:
        """Update the exponential moving average; faster at the start, when the network changes most."""
        weight = 1 - min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))
        for mean, value in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, weight)
            else:
                mean.copy_(value)

    def evaluate(self, evaluate: Evaluate, best: str, higher_is_better: bool) -> dict[str, float]:
        """Evaluate the averaged network and keep it if it is the best so far."""
        with torch.inference_mode():
            figures = evaluate(self.average)
        log.info(
            "evaluation at step %d: %s",
            self.step,
            " ".join(f"{k} {v:.4f}" for k, v in figures.items()),
        )
        self.history.append({"step": self.step, "elapsed_s": round(self.elapsed), **figures})
        value = figures[best]
        if self.best is None or (value > self.best if higher_is_better else value < self.best):
            self.best = value
            checkpoint.save_tensors(self.average.state_dict(), self.run.folder / "best.safetensors")
        return figures

    def save(self) -> None:
        """Write everything that resuming needs as one file, then what people and exports read."""
        folder = self.run.folder
        state = {
            "step": self.step,
            "elapsed_s": self.elapsed,
            "best": self.best,
            "history": self.history,
        }
        parts = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": checkpoint.flatten(self.optimizer),
        }
        checkpoint.save(folder, parts, {**state, "scaler": self.scaler.state_dict()})
        checkpoint.save_tensors(parts["average"], folder / "last.safetensors")
        self.run.write_state(state)

    def _load(self) -> None:
        found = checkpoint.load(self.run.folder)
        if found is None:
            return
        parts, state = found
        self.network.load_state_dict(parts["network"])
        self.average.load_state_dict(parts["average"])
        checkpoint.unflatten(self.optimizer, parts["optimizer"])
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        self.step, self.elapsed, self.best = state["step"], state["elapsed_s"], state["best"]
        self.history = state["history"]
        log.info("resumed at step %d after %.0f s", self.step, self.elapsed)


@contextmanager
def caught_signals() -> Iterator[list[int]]:
    """Yield a list that a first Ctrl-C or SIGTERM fills; a second one raises KeyboardInterrupt.

    Afterwards these do what they did before.
    """
    caught: list[int] = []

    def handle(number: int, _: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        log.info("stopping after this step; press again to stop at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _writer(run: TrainingRun) -> Any:
    # With this module present TensorBoard does not import TensorFlow to open a file: 2.5 s and 300 MB.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("notf"))
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and only wanted here

    return SummaryWriter(str(run.folder / "tensorboard"))
