"""Render batches for PyTorch in worker processes: batch i is always the same, whichever process makes it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from train.loop import distributed_torch as distributed

Make = Callable[[int], dict[str, NDArray[np.generic]]]


class _Batches(IterableDataset):  # type: ignore[type-arg]
    """Endless batch numbers `start`, `start` + `every`, …, dealt to the workers in turn."""

    def __init__(self, make: Make, start: int, every: int) -> None:
        self.make, self.start, self.every = make, start, every

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        index, step = self.start + worker * self.every, workers * self.every
        while True:
            yield {key: torch.from_numpy(value) for key, value in self.make(index).items()}
            index += step


def rendered_batches(
    make: Make, *, start: int = 0, workers: int = 1
) -> Iterator[dict[str, Tensor]]:
    """Yield batch `start`, `start` + 1, … made by `make` in `workers` processes (0: in this one).

    Where several processes train together, each number belongs to one of them: they count by their
    number. Ctrl-C and SIGTERM, which go to all processes of a group, stop the training alone: workers
    ignore them and end with their parent.
    """
    loader = DataLoader(
        _Batches(make, start, distributed.world_size()),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=6 if workers else None,
        worker_init_fn=_init_worker if workers else None,
        multiprocessing_context="fork" if workers else None,
    )
    return iter(loader)


def _init_worker(_: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(3)  # on a CPU the network's threads wait for each other: rendering must not hold one up
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
