"""Train several networks side by side on the same batches, each as if it were alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import nn

from train.loop.fit_torch import Batch, Evaluate, Loss, Timer, Trainer, caught_signals
from train.loop.recipes import FitRecipe
from train.loop.run import TrainingRun, log


@dataclass(frozen=True)
class Sibling:
    """One of the networks.

    Attributes:
        network: trained in place.
        run: its own folder.
        loss: as `fit_torch.fit` takes it.
        evaluate: likewise.
        best: the figure that chooses its best checkpoint; higher is better.
    """

    network: nn.Module
    run: TrainingRun
    loss: Loss
    evaluate: Evaluate
    best: str


def fit_siblings(
    siblings: Mapping[str, Sibling],
    recipe: FitRecipe,
    batches: Callable[[int], Iterator[Mapping[str, Batch]]],
    resume: bool = False,
) -> dict[str, dict[str, float]]:
    """Train every network on its part of each batch, and return the last figures of each.

    Each has its own optimizer, average, checkpoint and best weights, so its folder is what `fit_torch.fit` would leave
    and can be gone on with alone. The time is that of all together.

    Args:
        siblings: by name.
        recipe: of all; needs `time_budget_s` or `steps`.
        batches: from a number to the batches from there on, for each network its part.
        resume: go on from the last checkpoints.
    """
    trainers = {
        name: Trainer(one.network, one.loss, recipe, one.run, resume)
        for name, one in siblings.items()
    }
    # A stop between two checkpoints of one moment leaves them a step apart: the same batch is seen once more.
    first = min(trainers.values(), key=lambda trainer: trainer.step)
    due = Timer(
        {"log": 60.0, "evaluate": recipe.evaluate_every_s, "save": recipe.checkpoint_every_s}
    )
    figures: dict[str, dict[str, float]] = {}
    clock, elapsed = time.monotonic(), first.elapsed
    with caught_signals() as stop:
        for parts in batches(first.next_batch):
            values = {name: trainer.update([parts[name]]) for name, trainer in trainers.items()}
            elapsed += time.monotonic() - clock
            for trainer in trainers.values():
                trainer.elapsed = elapsed
            finished, stopped = first.sync_stop(bool(stop))
            if due("log") or finished or stopped:
                for name, found in values.items():
                    text = " ".join(f"{key} {value:.4g}" for key, value in found.items())
                    log.info(
                        "step %d  %.1f%%  %s  %s", first.step, 100 * first.progress, name, text
                    )
            if due("evaluate") or finished:
                for name, one in siblings.items():
                    log.info("%s:", name)
                    figures[name] = trainers[name].evaluate(one.evaluate, one.best, True)
            if due("save") or finished or stopped:
                for trainer in trainers.values():
                    trainer.save()
            clock = time.monotonic()  # evaluations and checkpoints do not count as training
            if finished or stopped:
                break
    return figures
