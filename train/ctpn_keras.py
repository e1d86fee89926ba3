"""Train the paper's detector in Keras.

    python -m train.ctpn_keras --run ~/runs/ctpn-keras --steps 20000 \
        --corpus CORPUS --backgrounds PHOTOGRAPHS

Data, targets and loss are those of `train.ctpn_torch`. The best weights are chosen by the loss on
pages held out; measure them on real pages with train.export and train.evaluate.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from common.convert import to_keras, to_torch
from ctpn import Method
from ctpn.model_keras import vgg16_ctpn
from detection.preprocess import MEAN, STD
from train.batches.page_crops import PageCrops
from train.loop.fit_keras import add_epochs, load_initial_weights, needs_norms, optimizer
from train.loop.loader_keras import Arrays, RenderedBatches
from train.loop.recipes import CTPN_KERAS_FIT, CtpnKerasRecipe, FitRecipe
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.training_keras import Training, run_training


class DetectorTraining(keras.Model):  # type: ignore[misc]
    """A detector with the paper's loss: score, vertical offsets, side offsets.

    Args:
        network: as `ctpn.model_keras.vgg16_ctpn` makes it.
        recipe: of the loss.
    """

    def __init__(self, network: Any, recipe: CtpnKerasRecipe) -> None:
        super().__init__(name="training")
        self.network, self.recipe = network, recipe
        self.parts = [keras.metrics.Mean(name) for name in ("score", "vertical", "side")]

    def call(self, images: Any, training: bool = False) -> Any:
        """Answer for every anchor."""
        return self.network(images, training=training)

    def build(self, input_shape: Any) -> None:
        """Say that the network's weights are all there is."""
        self.built = True

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
        training: bool = True,
    ) -> Any:  # fmt: skip
        """Return the loss of one batch; the truth is what `ctpn.targets` says, as a dictionary."""
        logits, deltas, sides = (ops.cast(answer, "float32") for answer in y_pred)
        text = ops.cast(y["labels"] == 1, "float32")
        score = score_loss(logits, y["labels"], self.recipe.negatives)
        vertical = ops.sum(smooth_l1(deltas, y["deltas"], self.recipe.beta) * text[..., None])
        vertical = vertical / ops.maximum(ops.sum(text), 1.0)
        at_end = ops.cast(y["side_mask"], "float32")
        side = ops.sum(smooth_l1(sides, y["sides"], self.recipe.beta) * at_end)
        side = side / ops.maximum(ops.sum(at_end), 1.0)
        for metric, value in zip(self.parts, (score, vertical, side), strict=True):
            metric.update_state(value)
        return score + self.recipe.vertical_weight * vertical + self.recipe.side_weight * side


def smooth_l1(found: Any, truth: Any, beta: float) -> Any:
    """Square below `beta`, straight above, element by element."""
    distance = ops.abs(found - truth)
    return ops.where(distance < beta, 0.5 * distance**2 / beta, distance - 0.5 * beta)


def score_loss(logits: Any, labels: Any, negatives: float) -> Any:
    """Mean cross-entropy over the text anchors and the worst `negatives` times as many others."""
    text = ops.cast(labels == 1, "float32")
    losses = ops.relu(logits) - logits * text + ops.log1p(ops.exp(-ops.abs(logits)))
    texts, others = ops.sum(text), ops.sum(ops.cast(labels == 0, "float32"))
    # Pages without text still teach what is no text.
    least = ops.cast(16 * ops.shape(labels)[0], "float32")
    count = ops.minimum(others, ops.maximum(ops.floor(negatives * texts), least))
    background = ops.reshape(ops.where(labels == 0, losses, -1.0), (-1,))
    worst = ops.flip(ops.sort(background), axis=0)
    rank = ops.cast(ops.arange(ops.shape(worst)[0]), "float32")
    chosen = ops.sum(ops.where(rank < count, worst, 0.0))
    return (ops.sum(losses * text) + chosen) / ops.maximum(texts + count, 1.0)


def shape(batch: Arrays, first: bool) -> tuple[Any, Any]:
    """Turn a batch's pictures into the network's input; the rest is the truth."""
    mean, std = np.array(MEAN, np.float32) * 255, np.array(STD, np.float32) * 255
    images = ((batch["images"].astype(np.float32) - mean) / std).transpose(0, 3, 1, 2)
    truth = {key: value for key, value in batch.items() if key != "images"}
    return np.ascontiguousarray(images), truth


def compiled(network: Any, recipe: FitRecipe, loss: CtpnKerasRecipe) -> DetectorTraining:
    """Compile a network for this training."""
    model = DetectorTraining(network, loss)
    model.build(None)
    model.compile(optimizer=optimizer(recipe), jit_compile=False)
    return model


def main() -> None:
    """Read the command line and train."""
    options = TrainingOptions.from_arguments(parse(__doc__, ("reference",), add_epochs))
    recipe = CtpnKerasRecipe()

    def prepare(setup: TrainingSetup) -> Training:
        def batches(seed: int, steps: int) -> RenderedBatches:
            make = PageCrops(setup.pages, recipe.crops, seed, Method())
            return RenderedBatches(make, shape, steps=steps, workers=options.workers)

        start = options.init, options.init_trunk
        network = vgg16_ctpn(normalized=needs_norms(*start))
        network = load_initial_weights(network, to_keras, *start)
        return Training(compiled(network, setup.schedule, recipe), batches, to_torch)

    run_training(options, "ctpn-reference", recipe, CTPN_KERAS_FIT, prepare)


if __name__ == "__main__":
    main()
