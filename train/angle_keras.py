"""Train the VGG-16 angle model in Keras.

    python -m train.angle_keras --run ~/runs/angle-keras --steps 5000 \
        --corpus CORPUS --backgrounds PHOTOGRAPHS

The data are those of `train.angle_torch`. The best weights are chosen by the loss on pages held out;
judge them on real pages with train.export and train.evaluate.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from angle.model_keras import vgg16_angle
from common.convert import to_keras, to_torch
from train.batches.page_patches import AngleRecipe, PieceBatches
from train.loop.fit_keras import add_epochs, fit, is_normalized, optimizer, prepared, set_precision
from train.loop.loader_keras import Arrays, RenderedBatches, Shape, stretched
from train.loop.recipes import FitRecipe
from train.loop.setup import open_run, parse, schedule_of

HELD_OUT = 20_000_003  # seed offset of pages that no training renders


def make_shape(recipe: AngleRecipe, seed: int) -> Shape:
    """Return what turns pieces all four ways; where there is no text, the truth is a quarter each."""

    def shape(batch: Arrays, first: bool) -> tuple[Any, Any]:
        upright, known = batch["pieces"], np.tile(batch["known"], 4)
        pieces = np.concatenate([np.rot90(upright, -k, (2, 3)) for k in range(4)])
        # The same batch is the same in every epoch and process: its content seeds its chance.
        rng = np.random.default_rng([seed, abs(int(upright.sum() * 1000))])
        inverted = rng.random((len(pieces), 1, 1, 1)) < recipe.inverted
        pieces = np.where(inverted, -pieces, pieces).astype(np.float32)
        turns = np.repeat(np.eye(4, dtype=np.float32), len(upright), axis=0)
        turns = turns * (1 - recipe.smoothing) + recipe.smoothing / 4
        truth = np.where(known[:, None], turns, np.float32(0.25)).astype(np.float32)
        return stretched(pieces, 0, 4, first, None), stretched(truth, 0, 4, first, None)

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
    args = parse(__doc__, ("reference",), add_epochs)
    recipe = AngleRecipe()
    schedule = schedule_of(args, FitRecipe(lr=1e-3, warmup_steps=100))
    started = open_run(args, "angle-reference", recipe, schedule)
    keras.utils.set_random_seed(args.seed)
    set_precision(args.precision)

    def batches(seed: int, steps: int) -> RenderedBatches:
        make = PieceBatches.of(started.pages, started.backgrounds, recipe, seed)
        shape = make_shape(recipe, seed)
        return RenderedBatches(make, shape, steps=steps, workers=args.workers)

    model = compiled(
        prepared(vgg16_angle(normalized=is_normalized(args)), args, to_keras), schedule
    )
    learned = batches(args.seed, args.epoch_steps)
    held_out = batches(HELD_OUT + args.seed, args.validation_steps)
    fit(model, schedule, started.run, learned, held_out, to_torch, resume=args.resume)


if __name__ == "__main__":
    main()
