"""Train one network in several processes: `torchrun --nproc-per-node 4 -m train.crnn_torch …`.

torchrun starts the processes and sets rank and world size in the environment; without it there is one.
Batches are numbered across all processes, so that the training data depend neither on how many there
are nor on which of them has a batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

# While the first process evaluates, the others wait for it in their next step.
_TIMEOUT = timedelta(hours=2)


def world_size() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Return this process's number, from 0; the first one evaluates, logs and saves."""
    return int(os.environ.get("RANK", "0"))


def device_of(name: str) -> torch.device:
    """Return the device of this process: on a machine with several GPUs each has its own."""
    if name != "cuda":
        return torch.device(name)
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Connect the processes for the time of a training; do nothing for a single one."""
    if world_size() == 1:
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_TIMEOUT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def wrap_ddp(module: nn.Module, device: torch.device) -> nn.Module:
    """Wrap a module so that its gradients become the mean over all processes."""
    if world_size() == 1:
        return module
    # Running statistics stay each process's own while training; the first one's are kept.
    return DistributedDataParallel(
        module,
        device_ids=[device.index] if device.type == "cuda" else None,
        broadcast_buffers=False,
    )


def mean(values: dict[str, float], device: torch.device) -> dict[str, float]:
    """Return each figure's mean over the processes, which must all have the same figures."""
    if world_size() == 1:
        return values
    sums = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    distributed.all_reduce(sums)
    return dict(zip(values, (sums / world_size()).tolist(), strict=True))


def broadcast(values: list[float], device: torch.device) -> list[float]:
    """Return the first process's values in every process: clocks and signals differ."""
    if world_size() == 1:
        return values
    received: Tensor = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.broadcast(received, 0)
    return received.tolist()
