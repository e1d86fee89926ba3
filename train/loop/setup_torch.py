"""Give a PyTorch network the weights it starts from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from common.vgg16_torch import VGG16, fold
from crnn.model_torch import Residual
from train.transfer import quantized_weights


def load_initial_weights(
    network: nn.Module, init: Path | None = None, init_trunk: Path | None = None
) -> nn.Module:
    """Load the weights of `--init` and `--init-trunk`, if any, and lay the network out for convolutions.

    A recognizer may start from the weights of a smaller charset, see `extend_classifier`, or of a network without its
    residual blocks or further parts, see `add_residual_blocks` and `add_new_parts`.

    Args:
        network: filled in place and returned.
        init: weights of the whole network (.onnx or .safetensors).
        init_trunk: weights whose first layers alone are taken.

    Raises:
        ValueError: weights of another network.
    """
    if init:
        state = _read(init)
        without_norms(network, state)
        state = add_residual_blocks(extend_classifier(state, network.state_dict()), network)
        state = add_new_parts(state, network)
        _fill(network, state, init)
    if init_trunk:
        own = network.state_dict()
        names = getattr(network, "from_trunk", ("trunk.", "context"))
        state = {
            k: v
            for k, v in _read(init_trunk).items()
            if k.startswith(names) and k in own and v.shape == own[k].shape
        }
        without_norms(network, state)
        _fill(network, {**network.state_dict(), **state} if state else {}, init_trunk)
    return network.to(memory_format=torch.channels_last)


def without_norms(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Remove the batch norms of a network's VGG-16 where the weights for it have none."""
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


def add_residual_blocks(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Add the initial weights of a network's residual blocks to the weights of a network without them.

    New blocks are identities, so the larger network starts as the smaller one (Chen et al. 2016, "Net2Net").
    """
    blocks = tuple(
        f"{name}." for name, layer in network.named_modules() if isinstance(layer, Residual)
    )
    if not blocks or any(name.startswith(blocks) for name in state):
        return state
    return {n: v for n, v in network.state_dict().items() if n.startswith(blocks)} | state


def add_new_parts(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Add the initial weights of what a network has beyond the one it starts from: its `added`, prefixes of names."""
    added = [begin for begin in getattr(network, "added", ()) if not _has(state, begin)]
    if not state or not added:
        return state
    return {n: v for n, v in network.state_dict().items() if n.startswith(tuple(added))} | state


def _has(state: dict[str, Tensor], begin: str) -> bool:
    return any(name.startswith(begin) for name in state)


def extend_classifier(state: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the classifier of a smaller charset the additional classes of a larger charset.

    Old classes keep their weights and so their logits; new ones start as unlikely as the least likely of
    the old, or the first steps would read them everywhere.

    Args:
        state: weights with C classes in `classify.weight` (C, D) and `classify.bias` (C,).
        target: weights of the network to fill, with at least as many classes, the old ones first.
    """
    extended = dict(state)
    weight, bias = state.get("classify.weight"), state.get("classify.bias")
    if weight is None or bias is None or "classify.weight" not in target:
        return extended
    more = len(target["classify.weight"]) - len(weight)
    if more <= 0:
        return extended
    # As spread as the old rows, so that the first gradients are of the usual size.
    rows = weight.mean(0) + weight.std(0) * torch.randn(more, weight.shape[1])
    extended["classify.weight"] = torch.cat([weight, rows])
    extended["classify.bias"] = torch.cat([bias, bias.min().expand(more)])
    return extended
