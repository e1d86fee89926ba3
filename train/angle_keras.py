"""Train the VGG-16 angle model in Keras.

    python -m train.angle_keras --run ~/runs/angle-keras --steps 5000 \
        --corpus CORPUS --backgrounds PHOTOGRAPHS

The data are those of `train.angle_torch`. The best weights are chosen by the loss on held-out pages;
evaluate them on real pages with train.export and train.evaluate.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from angle.model_keras import vgg16_angle
from common.convert import to_keras, to_torch
from train.batches.page_patches import PatchBatches
from train.loop.fit_keras import add_epochs, load_initial_weights, needs_norms, optimizer
from train.loop.loader_keras import Arrays, RenderedBatches, Shape, stretched
from train.loop.recipes import ANGLE_KERAS_FIT, AngleRecipe, FitRecipe
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.training_keras import Training, run_training


def make_shape(recipe: AngleRecipe, seed: int) -> Shape:
    """Return a function that rotates patches all four ways; without text the truth is a quarter each."""

    def shape(batch: Arrays, first: bool) -> tuple[Any, Any]:
        upright, known = batch["patches"], np.tile(batch["known"], 4)
        patches = np.concatenate([np.rot90(upright, -k, (2, 3)) for k in range(4)])
        # The content of a batch seeds its random choices: it is the same in every epoch and process.
        rng = np.random.default_rng([seed, abs(int(upright.sum() * 1000))])
        inverted = rng.random((len(patches), 1, 1, 1)) < recipe.inverted
        patches = np.where(inverted, -patches, patches).astype(np.float32)
        turns = np.repeat(np.eye(4, dtype=np.float32), len(upright), axis=0)
        turns = turns * (1 - recipe.smoothing) + recipe.smoothing / 4
        truth = np.where(known[:, None], turns, np.float32(0.25)).astype(np.float32)
        return stretched(patches, 0, 4, first, None), stretched(truth, 0, 4, first, None)

    return shape


def compiled(model: Any, recipe: FitRecipe) -> Any:
    """Compile a model for this training."""
    model.compile(
        optimizer=optimizer(recipe),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="right")],
        jit_compile=False,
    )
    return model


def main() -> None:
    """Read the command line and train."""
    options = TrainingOptions.from_arguments(parse(__doc__, ("reference",), add_epochs))
    recipe = AngleRecipe()

    def prepare(setup: TrainingSetup) -> Training:
        def batches(seed: int, steps: int) -> RenderedBatches:
            make = PatchBatches.of(setup.pages, setup.backgrounds, recipe, seed)
            shape = make_shape(recipe, seed)
            return RenderedBatches(make, shape, steps=steps, workers=options.workers)

        start = options.init, options.init_trunk
        network = vgg16_angle(normalized=needs_norms(*start))
        network = load_initial_weights(network, to_keras, *start)
        return Training(compiled(network, setup.schedule), batches, to_torch)

    run_training(options, "angle-reference", recipe, ANGLE_KERAS_FIT, prepare)


if __name__ == "__main__":
    main()
