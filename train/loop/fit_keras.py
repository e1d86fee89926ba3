"""Train in Keras: optimizer, schedule, callbacks, checkpoints, `fit`.

A run folder holds the same files as PyTorch's: `best.safetensors` and `last.safetensors` have
PyTorch's names of layers, so that exporting and `--init` do not ask which framework trained.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from numpy.typing import NDArray

from common.weights_keras import set_weights, weights
from train.loop.loader_keras import RenderedBatches
from train.loop.recipes import FitRecipe, learning_rate
from train.loop.run import TrainingRun, log
from train.transfer import quantized_weights

Arrays = dict[str, NDArray[Any]]
Convert = Callable[[Arrays], Arrays]

POLICIES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16", "float32": "float32"}


def add_epochs(parser: argparse.ArgumentParser) -> None:
    """Add how long an epoch is."""
    parser.add_argument(
        "--epoch-steps", type=int, default=500, help="steps between two evaluations"
    )
    parser.add_argument("--validation-steps", type=int, default=8, help="held-out batches")


def set_precision(precision: str) -> None:
    """Set the arithmetic of layers made from now on; weights stay in float32."""
    keras.config.set_dtype_policy(POLICIES[precision])


def needs_norms(init: Path | None, init_trunk: Path | None) -> bool:
    """Say whether a VGG-16 needs batch norms: unless the weights it starts from have none."""
    path = init or init_trunk
    return path is None or "trunk.norm1_1.weight" in quantized_weights.load(path)


def load_initial_weights(
    model: Any, to_keras: Convert, init: Path | None = None, init_trunk: Path | None = None
) -> Any:
    """Load the weights of `--init` or the trunk of `--init-trunk`, if any.

    Args:
        model: filled in place and returned.
        to_keras: names of PyTorch to names of Keras.
        init: weights of the whole network (.onnx or .safetensors).
        init_trunk: weights whose VGG-16 alone is taken.

    Raises:
        ValueError: weights of another network.
    """
    if init:
        set_weights(model, to_keras(quantized_weights.load(init)))
    if init_trunk:
        own = weights(model)
        state = {
            k: v for k, v in quantized_weights.load(init_trunk).items() if k.startswith("trunk.")
        }
        set_weights(model, {**own, **to_keras(state)})
    return model


def optimizer(recipe: FitRecipe) -> Any:
    """Return AdamW that averages its weights; vectors (biases, norms) do not decay."""
    if recipe.accumulate < 1:
        raise ValueError(f"accumulate is {recipe.accumulate} batches, expected 1 or more")
    made = keras.optimizers.AdamW(
        learning_rate=recipe.lr,
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip,
        epsilon=1e-8,
        use_ema=True,
        ema_momentum=recipe.ema_decay,
        gradient_accumulation_steps=recipe.accumulate if recipe.accumulate > 1 else None,
    )
    made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return made


def fit(
    model: Any,
    recipe: FitRecipe,
    run: TrainingRun,
    batches: RenderedBatches,
    validation: RenderedBatches,
    to_torch: Convert,
    *,
    resume: bool = False,
    on_progress: Callable[[float], None] = lambda progress: None,
) -> dict[str, list[float]]:
    """Train a compiled model until the steps or the time are used up; return Keras' history.

    Args:
        model: compiled with `optimizer`, and built.
        recipe: needs `time_budget_s` or `steps`.
        run: where everything is kept.
        batches: to learn from.
        validation: held out; its loss chooses the best weights.
        to_torch: names of Keras to names of PyTorch.
        resume: go on from the last epoch that was saved.
        on_progress: called before every step with the share of the run that is done.
    """
    if recipe.time_budget_s is None and recipe.steps is None:
        raise ValueError(
            "neither a time budget nor steps given; pass --time-budget 40m or --steps 1000"
        )
    backup = run.folder / "backup"
    if not resume and backup.exists():
        for path in backup.iterdir():
            path.unlink()
    epochs = 1_000_000 if recipe.steps is None else math.ceil(recipe.steps / len(batches))
    history = model.fit(
        batches,
        epochs=epochs,
        validation_data=validation,
        shuffle=False,  # batch i of a run is always the same one, also after resuming
        verbose=2,
        callbacks=[
            # Before the averages are swapped in: training goes on from the weights themselves.
            keras.callbacks.BackupAndRestore(
                str(backup), double_checkpoint=True, delete_checkpoint=False
            ),
            Schedule(recipe, run, batches, on_progress, resume=resume),
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            SaveWeights(run.folder, to_torch),
            keras.callbacks.CSVLogger(str(run.folder / "log.csv"), append=resume),
        ],
    )
    return dict(history.history)


class Schedule(keras.callbacks.Callback):  # type: ignore[misc]
    """Set the rate before every step, count steps and seconds, and end the run."""

    def __init__(
        self,
        recipe: FitRecipe,
        run: TrainingRun,
        batches: RenderedBatches,
        on_progress: Callable[[float], None],
        *,
        resume: bool,
    ) -> None:
        super().__init__()
        self.recipe, self.run, self.batches, self.resume = recipe, run, batches, resume
        self.on_progress = on_progress
        self.step, self.elapsed = 0, 0.0

    @property
    def progress(self) -> float:
        """Share of the run that is done."""
        if self.recipe.time_budget_s is not None:
            return self.elapsed / self.recipe.time_budget_s
        return self.step / (self.recipe.steps or 1)

    def on_train_begin(self, logs: Any = None) -> None:
        """Find out where a resumed run stands."""
        state = self.run.read_state() if self.resume else {}
        self.step, self.elapsed = int(state.get("step", 0)), float(state.get("elapsed_s", 0.0))
        if self.step:
            log.info("resumed at step %d after %.0f s", self.step, self.elapsed)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Go on with the batches where the last epoch ended, in this process or another."""
        self.batches.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate and start the clock."""
        rate = learning_rate(self.recipe, self.step, self.progress)
        self.model.optimizer.learning_rate = rate
        self.on_progress(self.progress)
        self._clock = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count, and stop where the run ends."""
        self.step += 1
        self.elapsed += time.monotonic() - self._clock
        if self.progress >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write down where the run stands."""
        values = {k: float(v) for k, v in (logs or {}).items()}
        log.info("step %d  %s", self.step, " ".join(f"{k} {v:.4g}" for k, v in values.items()))
        self.run.write_state({"step": self.step, "elapsed_s": self.elapsed, **values})


class SaveWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Write the weights after every epoch, and again as the best ones if they are."""

    def __init__(self, folder: Path, to_torch: Convert) -> None:
        super().__init__()
        self.folder, self.to_torch = folder, to_torch
        self.best = math.inf

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write."""
        # Where a training wraps a network to give it a loss, the network is what is kept.
        state = self.to_torch(weights(getattr(self.model, "network", self.model)))
        quantized_weights.write(state, self.folder / "last.safetensors")
        value = float((logs or {}).get("val_loss", math.nan))
        if value < self.best:
            self.best = value
            quantized_weights.write(state, self.folder / "best.safetensors")
