"""The one training loop: forward, loss, backward, clip, step, average, log, evaluate, checkpoint, resume."""

from __future__ import annotations

import copy
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from train.recipes import FitRecipe
from train.run import Run, log

Batch = dict[str, Tensor]
Loss = Callable[[nn.Module, Batch, float], tuple[Tensor, dict[str, float]]]
Evaluate = Callable[[nn.Module], dict[str, float]]


def fit(
    network: nn.Module,
    recipe: FitRecipe,
    run: Run,
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
    `last.safetensors`
    (averaged), `state.json` and what resuming needs. Ctrl-C and SIGTERM save and stop.

    Args:
        network: trained in place.
        recipe: needs `time_budget_s` or `steps`.
        run: where everything is kept.
        batches: from the first step wanted to an endless iterator of batches.
        loss: from the network, a batch and the progress in [0, 1) to the loss and figures to log.
        evaluate: from the averaged network, in evaluation mode, to figures.
        best: name of the figure that chooses the best checkpoint.
        higher_is_better: the direction of that figure.
        resume: go on from the last checkpoint, if there is one.
        device: "cpu" or "cuda".
    """
    if recipe.time_budget_s is None and recipe.steps is None:
        raise ValueError(
            "neither a time budget nor steps given; pass --time-budget 40m or --steps 1000"
        )
    trainer = _Trainer(network.to(device), recipe, run, resume)
    stop = _on_signal()
    due = _Due({"log": 20.0, "judge": recipe.evaluate_every_s, "save": recipe.checkpoint_every_s})
    figures: dict[str, float] = {}
    bar = tqdm(unit="step", initial=trainer.step, disable=not sys.stderr.isatty())
    with _writer(run.folder) as writer:
        for batch in batches(trainer.step):
            on_device = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
            values = trainer.update(on_device, loss)
            finished = trainer.progress >= 1
            bar.update()
            if due("log") or finished:
                text = " ".join(f"{k} {v:.4g}" for k, v in values.items())
                bar.set_postfix_str(text)
                log.info("step %d  %.1f%%  %s", trainer.step, 100 * trainer.progress, text)
                _scalars(writer, "train", values, trainer.step)
            if due("judge") or finished:
                figures = trainer.judge(evaluate, best, higher_is_better)
                _scalars(writer, "evaluation", figures, trainer.step)
            if due("save") or finished or stop:
                trainer.save()
            trainer.mark()
            if finished or stop:
                break
    return figures


class _Due:
    """Says when something that happens every so many seconds is due again."""

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


class _Trainer:
    """Network, optimizer, average and clock of one run."""

    def __init__(self, network: nn.Module, recipe: FitRecipe, run: Run, resume: bool) -> None:
        self.network, self.recipe, self.run = network, recipe, run
        self.device = next(network.parameters()).device.type
        matrices = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.lr)
        self.average = copy.deepcopy(network).eval()
        self.step, self.elapsed, self.best = 0, 0.0, None
        self.history: list[dict[str, Any]] = []
        if resume and run.read_state():
            self._load(run.read_state())
        self.mark()

    def mark(self) -> None:
        """Start the clock again: evaluations and checkpoints do not count as training."""
        self._clock = time.monotonic()

    @property
    def progress(self) -> float:
        """Share of the run that is done."""
        if self.recipe.time_budget_s is not None:
            return self.elapsed / self.recipe.time_budget_s
        return self.step / (self.recipe.steps or 1)

    def update(self, batch: Batch, loss: Loss) -> dict[str, float]:
        """Make one step and return its figures."""
        rate = learning_rate(self.recipe, self.step, self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        with torch.autocast(self.device, torch.bfloat16):
            value, figures = loss(self.network, batch, min(self.progress, 1.0))
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip))
        if math.isfinite(norm):  # one broken batch must not spoil the weights
            self.optimizer.step()
        else:
            log.warning("step %d skipped: the gradient is not finite", self.step)
        self.step += 1
        self._blend()
        self.elapsed += time.monotonic() - self._clock
        self.mark()
        return {
            **figures,
            "norm": norm,
            "lr": rate,
            "steps_per_s": self.step / max(self.elapsed, 1e-9),
        }

    @torch.no_grad()
    def _blend(self) -> None:
        """Move the average towards the network; faster at the start, when the network is still far off."""
        share = 1 - min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))
        for mean, value in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, share)
            else:
                mean.copy_(value)

    def judge(self, evaluate: Evaluate, best: str, higher_is_better: bool) -> dict[str, float]:
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
            _save(self.average.state_dict(), self.run.folder / "best.safetensors")
        return figures

    def save(self) -> None:
        """Write everything that resuming needs; the state file comes last."""
        folder = self.run.folder
        _save(self.average.state_dict(), folder / "last.safetensors")
        _save(self.network.state_dict(), folder / "network.safetensors")
        _save(_flat(self.optimizer), folder / "optimizer.safetensors")
        state = {
            "step": self.step,
            "elapsed_s": self.elapsed,
            "best": self.best,
            "history": self.history,
        }
        self.run.write_state(state)

    def _load(self, state: dict[str, Any]) -> None:
        folder = self.run.folder
        self.network.load_state_dict(load_file(folder / "network.safetensors"))
        self.average.load_state_dict(load_file(folder / "last.safetensors"))
        _unflatten(self.optimizer, load_file(folder / "optimizer.safetensors"))
        self.step, self.elapsed, self.best = state["step"], state["elapsed_s"], state["best"]
        self.history = state["history"]
        log.info("resumed at step %d after %.0f s", self.step, self.elapsed)


def learning_rate(recipe: FitRecipe, step: int, progress: float) -> float:
    """Return the rate: 1 linear warm-up by steps, 2 cosine by progress, 3 a hundredth at the end."""
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return recipe.lr * warm * max(cosine, 0.01)


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    partial = path.with_name(path.name + ".part")
    save_file(
        {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, partial
    )
    partial.replace(path)


def _flat(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's state as named tensors: number of the parameter, name of the moment."""
    state = optimizer.state_dict()["state"]
    return {
        f"{i}.{key}": torch.as_tensor(value)
        for i, values in state.items()
        for key, value in values.items()
    }


def _unflatten(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def _on_signal() -> list[int]:
    """Return a list that a first Ctrl-C or SIGTERM fills; a second one interrupts at once."""
    caught: list[int] = []

    def handle(number: int, _: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        log.info("stopping after this step; once more to stop at once")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return caught


def _writer(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and only wanted here

    return SummaryWriter(str(folder / "tensorboard"))
