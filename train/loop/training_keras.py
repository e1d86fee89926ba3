"""Run one training in Keras: set up, make and fill the model, fit. The one function behind every `train/*_keras.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from train.loop.fit_keras import Convert, fit, set_precision
from train.loop.loader_keras import RenderedBatches
from train.loop.recipes import HELD_OUT_SEED, FitRecipe
from train.loop.setup import TrainingOptions, TrainingSetup, open_run


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


def run_training(
    options: TrainingOptions,
    model: str,
    recipe: Any,  # noqa: ANN401
    usual: FitRecipe,
    prepare: Callable[[TrainingSetup], Training],
) -> TrainingSetup:
    """Train a model from its command line to its last epoch.

    Args:
        options: of the command line.
        model: its name, for the run's `recipe.json`.
        recipe: the model's own numbers, a dataclass of `train.loop.recipes`.
        usual: the model's usual schedule.
        prepare: makes model and batches once the run is open and seeds and precision are set.

    Returns:
        The run and what rendered its data.
    """
    setup = open_run(options, model, recipe, usual)
    keras.utils.set_random_seed(options.seed)
    set_precision(options.precision)
    training = prepare(setup)
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
    return setup
