"""Run one training in PyTorch: set up, start from weights, fit. The one function behind every `train/*_torch.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from train.loop.fit_torch import Evaluate, Loss, fit
from train.loop.loader_torch import Make, rendered_batches
from train.loop.recipes import FitRecipe
from train.loop.setup import TrainingOptions, TrainingSetup, open_run
from train.loop.setup_torch import load_initial_weights


@dataclass(frozen=True)
class Training:
    """What one model brings to the training loop.

    Attributes:
        network: with random weights, or those of its own start.
        batches: from a number to a batch of arrays, always the same one.
        loss: from the network, a batch and the progress to the loss and figures to log.
        evaluate: from the averaged network to figures.
        best: name of the figure that chooses the best checkpoint.
        higher_is_better: the direction of that figure.
    """

    network: nn.Module
    batches: Make
    loss: Loss
    evaluate: Evaluate
    best: str
    higher_is_better: bool


def run_training(
    options: TrainingOptions,
    model: str,
    recipe: Any,  # noqa: ANN401
    usual: FitRecipe,
    prepare: Callable[[TrainingSetup], Training],
) -> TrainingSetup:
    """Train a model from its command line to its last evaluation.

    Args:
        options: of the command line.
        model: its name, for the run's `recipe.json`.
        recipe: the model's own numbers, a dataclass of `train.loop.recipes`.
        usual: the model's usual schedule.
        prepare: makes network, batches, loss and evaluation once the run is open and seeds are set.

    Returns:
        The run and what rendered its data.
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    setup = open_run(options, model, recipe, usual)
    training = prepare(setup)
    fit(
        load_initial_weights(training.network, options.init, options.init_trunk),
        setup.schedule,
        setup.run,
        lambda start: rendered_batches(training.batches, start=start, workers=options.workers),
        training.loss,
        training.evaluate,
        best=training.best,
        higher_is_better=training.higher_is_better,
        resume=options.resume,
        device=options.device,
    )
    return setup
