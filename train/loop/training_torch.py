"""Run one training in PyTorch: the one function behind every `train/*_torch.py`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from train.loop.fit_torch import Evaluate, Loss, fit
from train.loop.loader_torch import Make, rendered_batches
from train.loop.setup import TrainingOptions, TrainingSetup
from train.loop.setup_torch import load_initial_weights
from train.loop.training import run


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


def _begin(options: TrainingOptions) -> None:
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)


def _fit(setup: TrainingSetup, training: Training) -> None:
    options = setup.options
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


run_training = partial(run, begin=_begin, fit=_fit)
"""`train.loop.training.run` in PyTorch: options, model, recipe, usual schedule, prepare."""
