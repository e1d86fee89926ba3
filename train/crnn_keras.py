"""Train a recognizer of the papers in Keras.

    python -m train.crnn_keras --run ~/runs/crnn-keras --arch crnn --steps 20000 \
        --corpus CORPUS --backgrounds PHOTOGRAPHS

Lines and targets are those of `train.recognizer_torch`, and so is the loss but for one thing: all classes
take part in every step. The best weights are chosen by the loss on lines held out; measure them on
real lines with train.export and train.evaluate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from crnn.convert import to_keras, to_torch
from recognition import METHODS, row_of
from recognition.attention_keras import attention_loss
from recognition.charset import Charset
from train.batches.lines import IGNORE, LineBatches
from train.loop.fit_keras import add_epochs, load_initial_weights, optimizer
from train.loop.loader_keras import Arrays, RenderedBatches, Shape, stretched
from train.loop.recipes import CRNN_KERAS_FIT, CrnnRecipe, FitRecipe
from train.loop.setup import TrainingOptions, TrainingSetup, add_rnn, parse, with_rnn
from train.loop.training_keras import Training, run_training
from train.synth.line.render import LineRenderer

ARCHS = tuple(row.network for row in METHODS.values() if row.keras)


class LineTraining(keras.Model):  # type: ignore[misc]
    """A recognizer with its loss: cross-entropy per step, CTC, and attention where there is one.

    Args:
        network: as `crnn.model_keras` makes it.
        recipe: weights of the parts.
    """

    def __init__(self, network: Any, recipe: CrnnRecipe) -> None:
        super().__init__(name="training")
        self.network, self.recipe = network, recipe
        self.has_attention = len(network.inputs) > 1
        # 0 while steps are learned alone, 1 when CTC has joined.
        self.joined = self.add_weight(shape=(), initializer="ones", trainable=False, name="joined")
        names = ("ctc", "aligned", *(["attention"] if self.has_attention else []))
        self.parts = [keras.metrics.Mean(name) for name in names]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the logits of CTC, and of attention where there is one."""
        if self.has_attention:
            return self.network([inputs["lines"], inputs["labels"]], training=training)
        return [self.network(inputs["lines"], training=training)]

    def build(self, input_shape: Any) -> None:
        """Say that the network's weights are all there is."""
        self.built = True

    def join(self, progress: float) -> None:
        """Let CTC join after the first part of a run; see `CrnnRecipe.aligned_until`."""
        self.joined.assign(float(progress >= self.recipe.aligned_until))

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
        training: bool = True,
    ) -> Any:  # fmt: skip
        """Return the loss of one batch; the truth is what `make_shape` says, as a dictionary."""
        logits = ops.cast(y_pred[0], "float32")
        ctc = ctc_loss(logits, y)
        aligned = aligned_loss(logits, y["classes"])
        values = [ctc, aligned]
        weight = self.recipe.aligned_weight
        joined = ops.cast(self.joined, "float32")
        total = joined * (ctc + aligned) + (1 - joined) * weight * aligned
        if self.has_attention:
            values.append(attention_loss(y_pred[1], x["labels"], y["lengths"]))
            total = total + self.recipe.attention_weight * values[-1]
        for metric, value in zip(self.parts, values, strict=True):
            metric.update_state(value)
        return total


def ctc_loss(logits: Any, truth: Any) -> Any:
    """CTC, mean per character; lines that cannot hold their text count nothing."""
    # A line of no characters is always possible, and keeps infinity out of the gradient.
    possible = ops.cast(truth["possible"], "int32")
    losses = ops.ctc_loss(
        truth["labels"], logits, truth["lengths"] * possible, truth["steps"], mask_index=0
    )
    losses = losses * ops.cast(possible, "float32")
    return ops.mean(losses / ops.cast(ops.maximum(truth["lengths"], 1), "float32"))


def aligned_loss(logits: Any, classes: Any) -> Any:
    """Cross-entropy of the (N, T) steps whose class is known, mean over them."""
    known = ops.cast(classes != IGNORE, "float32")
    losses = keras.losses.sparse_categorical_crossentropy(
        ops.maximum(classes, 0), logits, from_logits=True
    )
    return ops.sum(losses * known) / ops.maximum(ops.sum(known), 1.0)


def step_classes(labels: NDArray[Any], aligned: NDArray[Any], factor: int) -> NDArray[np.int32]:
    """Turn "character j" into its class, for steps `factor` times as wide, (N, T / factor).

    As `recognition.ctc_loss_torch.coarser`: a step in which two characters stand is left to CTC.
    """
    n, t = aligned.shape
    groups = aligned[:, : t - t % factor].reshape(n, -1, factor)
    last = groups.max(2)
    several = ((groups > 0) & (groups != last[:, :, None])).any(2)
    unknown = several | ((last == 0) & (groups == IGNORE).any(2)) | (last == IGNORE)
    chosen = np.take_along_axis(labels, np.maximum(last - 1, 0), axis=1)
    return np.where(unknown, IGNORE, np.where(last > 0, chosen, 0)).astype(np.int32)


def make_shape(factor: int) -> Shape:
    """Return what brings lines and their truth to the model, for a stride of 4 times `factor`."""

    def shape(batch: Arrays, first: bool) -> tuple[Any, Any]:
        labels = batch["labels"].astype(np.int32)
        classes = step_classes(labels, batch["aligned"], factor)
        steps = -(-batch["steps"] // factor)
        doubled = ((labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] > 0)).sum(1)
        possible = batch["lengths"] + doubled <= steps
        truth = {
            "labels": stretched(labels, 1, 4, first, 0),
            "lengths": batch["lengths"].astype(np.int32),
            "steps": steps.astype(np.int32),
            "possible": possible.astype(np.int32),
            # The first batch is 8 columns wider than all others.
            "classes": stretched(classes, 1, 1, 2 // factor * first, IGNORE),
        }
        lines = stretched(batch["lines"], 3, 1, 8 * first, 0.0)
        truth = {key: stretched(value, 0, 2, first, None) for key, value in truth.items()}
        return {"lines": stretched(lines, 0, 2, first, None), "labels": truth["labels"]}, truth

    return shape


def compiled(network: Any, recipe: FitRecipe, loss: CrnnRecipe) -> LineTraining:
    """Compile a network for this training."""
    model = LineTraining(network, loss)
    model.build(None)
    model.compile(optimizer=optimizer(recipe), jit_compile=False)
    return model


def _options(parser: Any) -> None:
    add_rnn(parser)
    add_epochs(parser)


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, ARCHS, _options)
    args.arch = with_rnn(args.arch, args.rnn)
    options = TrainingOptions.from_arguments(args)
    # Weights that read already need no phase of alignment alone.
    recipe = replace(CrnnRecipe(), aligned_until=0.0) if options.init else CrnnRecipe()

    def prepare(setup: TrainingSetup) -> Training:
        charset = Charset.load()
        renderer = LineRenderer(setup.fonts, setup.corpus, options.backgrounds)

        def batches(seed: int, steps: int) -> RenderedBatches:
            pages = lambda i: setup.pages.page(seed, i)  # noqa: E731
            make = LineBatches(renderer, charset, recipe, seed, pages)
            shape = make_shape(2 if options.arch == "densenet" else 1)
            return RenderedBatches(make, shape, steps=steps, workers=options.workers)

        network = row_of(options.arch).make_keras(charset.classes)
        network = load_initial_weights(network, to_keras, options.init, options.init_trunk)
        model = compiled(network, setup.schedule, recipe)
        return Training(model, batches, to_torch, model.join)

    run_training(options, f"crnn-{options.arch}", recipe, CRNN_KERAS_FIT, prepare)


if __name__ == "__main__":
    main()
