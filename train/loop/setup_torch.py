"""What every training in PyTorch does before its first batch, on top of `train.loop.setup`: seeds, weights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from common.vgg16_torch import VGG16, fold
from crnn.model_torch import Residual
from train.loop.recipes import FitRecipe
from train.loop.setup import Started, open_run, parse, schedule_of
from train.transfer import quantized_weights

__all__ = ["Started", "grown", "parse", "prepared", "schedule_of", "start"]


def start(args: argparse.Namespace, model: str, recipe: Any, schedule: FitRecipe) -> Started:  # noqa: ANN401
    """Set seeds and threads and open the run, see `train.loop.setup.open_run`."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    return open_run(args, model, recipe, schedule)


def prepared(network: nn.Module, args: argparse.Namespace) -> nn.Module:
    """Lay a network out for convolutions and give it the weights of `--init`, if any.

    A recognizer may start from the weights of a smaller charset, see `grown`, or of a network without its residual
    blocks, see `deepened`.

    Raises:
        ValueError: weights of another network.
    """
    if args.init:
        state = _read(args.init)
        without_norms(network, state)
        _fill(network, deepened(grown(state, network.state_dict()), network), args.init)
    if args.init_trunk:
        own = network.state_dict()
        names = ("trunk.", "context")
        state = {
            k: v for k, v in _read(args.init_trunk).items() if k.startswith(names) and k in own
        }
        without_norms(network, state)
        _fill(network, {**network.state_dict(), **state} if state else {}, args.init_trunk)
    return network.to(memory_format=torch.channels_last)


def without_norms(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Give a network with a VGG-16 one without batch norm where the weights for it have none."""
    trunk = getattr(network, "trunk", None)
    if isinstance(trunk, VGG16) and state and "trunk.norm1_1.weight" not in state:
        network.trunk = fold(trunk).train().requires_grad_()


def _read(path: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in quantized_weights.load(path).items()}


def _fill(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2]
        raise ValueError(
            f"{path} holds the weights of another network: {' '.join(first).strip()[:200]}; "
            "choose the --arch they were trained with"
        ) from error


def deepened(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Add what a network's residual blocks begin with to the weights of a network that has none of them.

    New blocks pass on what they read, so the larger network begins as the smaller one (Chen et al. 2016, "Net2Net").
    """
    blocks = tuple(
        f"{name}." for name, layer in network.named_modules() if isinstance(layer, Residual)
    )
    if not blocks or any(name.startswith(blocks) for name in state):
        return state
    return {n: v for n, v in network.state_dict().items() if n.startswith(blocks)} | state


def grown(state: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the classifier of a smaller charset the classes that a larger charset has more.

    Old classes keep their weights, so old logits are what they were; new ones begin as unlikely as the
    least likely of the old, or the first steps would read them everywhere.

    Args:
        state: weights with C classes in `classify.weight` (C, D) and `classify.bias` (C,).
        target: weights of the network to fill, with at least as many classes, the old ones first.
    """
    grown = dict(state)
    weight, bias = state.get("classify.weight"), state.get("classify.bias")
    if weight is None or bias is None or "classify.weight" not in target:
        return grown
    more = len(target["classify.weight"]) - len(weight)
    if more <= 0:
        return grown
    # As spread as the old rows, so that the first gradients are of the usual size.
    rows = weight.mean(0) + weight.std(0) * torch.randn(more, weight.shape[1])
    grown["classify.weight"] = torch.cat([weight, rows])
    grown["classify.bias"] = torch.cat([bias, bias.min().expand(more)])
    return grown
