"""Run one training in either framework: open the run, set seeds, prepare the model, fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from train.loop.recipes import FitRecipe
from train.loop.setup import TrainingOptions, TrainingSetup, open_run

T = TypeVar("T")


def run(
    options: TrainingOptions,
    model: str,
    recipe: Any,  # noqa: ANN401
    usual: FitRecipe,
    prepare: Callable[[TrainingSetup], T],
    *,
    begin: Callable[[TrainingOptions], None],
    fit: Callable[[TrainingSetup, T], None],
) -> TrainingSetup:
    """Train a model from its command line to its last evaluation.

    Args:
        options: of the command line.
        model: its name, for the run's `recipe.json`.
        recipe: the model's own numbers, a dataclass of `train.loop.recipes`.
        usual: the model's usual schedule.
        prepare: makes what the model brings (`Training` of `training_torch` or `training_keras`) once the run is open
            and `begin` was called.
        begin: sets the framework's seeds, threads and precision.
        fit: trains with the framework.

    Returns:
        The run and what rendered its data.
    """
    begin(options)
    setup = open_run(options, model, recipe, usual)
    fit(setup, prepare(setup))
    return setup
