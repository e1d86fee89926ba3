"""Render batches for Keras: batch i is always the same, and the same as PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Make = Callable[[int], Arrays]
Shape = Callable[[Arrays, bool], tuple[Any, Any]]


class RenderedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of one epoch, which is as long as one evaluation is from the next.

    Args:
        make: from a number to a batch, as for PyTorch.
        shape: from a batch to the model's input and truth. The flag is set for the first batch of
            all: Keras takes what the first two have in common for what all have, so the first must
            have another length along every axis that varies.
        steps: batches of an epoch.
        start: number of the first batch.
        workers: threads that render; drawing and resizing mostly let others run.
    """

    def __init__(
        self, make: Make, shape: Shape, *, steps: int, start: int = 0, workers: int = 1
    ) -> None:
        super().__init__(workers=max(workers, 1), max_queue_size=6)
        self.make, self.shape, self.steps, self.start = make, shape, steps, start
        # Set by whoever counts epochs: Keras also calls on_epoch_end before the first one.
        self.epoch = 0

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return self.steps

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return one batch of this epoch."""
        number = self.start + self.epoch * self.steps + index
        return self.shape(self.make(number), index == 0)


def stretched(
    values: NDArray[Any], axis: int, step: int, more: int, fill: float | None
) -> NDArray[Any]:
    """Lengthen an axis to a multiple of `step` plus `more`.

    Args:
        values: any array.
        axis: which.
        step: lengths are multiples of it.
        more: added to that.
        fill: what the new places hold; None repeats the last one.
    """
    length = -(-values.shape[axis] // step) * step + more
    widths = [(0, 0)] * values.ndim
    widths[axis] = (0, length - values.shape[axis])
    if fill is None:
        return np.pad(values, widths, mode="edge")
    return np.pad(values, widths, constant_values=fill)
