"""Convolutions of one trained CRNN under the recurrent layers of another: taken over, and left as they are.

    python -m train.crnn_torch --arch crnn-gru --keep-trunk weights/crnn-reference.onnx --teacher ...

The convolutions are two thirds of the network. A second one that keeps them learns in half the time, and both are
shipped on one trunk (`train.export_crnn`).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from crnn.reference_torch import BN_EPS, CRNN
from train import compact

TRUNK = ("conv", "norm")
"""How the names of the layers begin that stand before the recurrent ones."""


class KeptNorm(nn.BatchNorm2d):
    """A batch norm that goes by the statistics it has, in training too."""

    def train(self, mode: bool = True) -> KeptNorm:
        """Stay as it is deployed, whatever the mode."""
        super().train(False)
        return self


def keep_trunk(network: nn.Module, path: Path) -> None:
    """Give a network the convolutions of a trained one, not to be trained.

    Raises:
        ValueError: either is no CRNN as in the paper.
    """
    if not isinstance(network, CRNN):
        raise ValueError("--keep-trunk is for --arch crnn and crnn-gru")
    own = {name: value for name, value in network.state_dict().items() if name.startswith(TRUNK)}
    known = compact.load(path)
    if any(known[n].shape != v.shape if n in known else True for n, v in own.items()):
        raise ValueError(
            f"{path} holds no convolutions of a CRNN; give weights/crnn-reference.onnx"
        )
    for name, layer in list(network.named_children()):
        if isinstance(layer, nn.BatchNorm2d):
            setattr(network, name, KeptNorm(layer.num_features, eps=BN_EPS))
    kept = {name: torch.from_numpy(known[name]) for name in own}
    network.load_state_dict(network.state_dict() | kept)
    for name, parameter in network.named_parameters():
        if name.startswith(TRUNK):
            parameter.requires_grad_(False)
