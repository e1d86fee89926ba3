"""Run one training in Keras: the one function behind every `train/*_keras.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from train.loop.fit_keras import Convert, fit, set_precision
from train.loop.loader_keras import RenderedBatches
from train.loop.recipes import HELD_OUT_SEED
from train.loop.setup import TrainingOptions, TrainingSetup
from train.loop.training import run


@dataclass(frozen=True)
class Training:
    """What one model brings to the training loop.

    Attributes:
        model: compiled with `train.loop.fit_keras.optimizer`, and built.
        batches: from a seed and the batches of an epoch to those batches.
        to_torch: names of Keras to names of PyTorch.
        on_progress: called before every step with the share of the run that is done.
    """

    model: Any
    batches: Callable[[int, int], RenderedBatches]
    to_torch: Convert
    on_progress: Callable[[float], None] = lambda progress: None


def _begin(options: TrainingOptions) -> None:
    keras.utils.set_random_seed(options.seed)
    set_precision(options.precision)


def _fit(setup: TrainingSetup, training: Training) -> None:
    options = setup.options
    fit(
        training.model,
        setup.schedule,
        setup.run,
        training.batches(options.seed, options.epoch_steps),
        training.batches(HELD_OUT_SEED + options.seed, options.validation_steps),
        training.to_torch,
        resume=options.resume,
        on_progress=training.on_progress,
    )


run_training = partial(run, begin=_begin, fit=_fit)
"""`train.loop.training.run` in Keras: options, model, recipe, usual schedule, prepare."""
