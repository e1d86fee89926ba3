"""Define the convolutions of VGG-16 in PyTorch: pictures to maps of conv5_3 at stride 16.

Simonyan and Zisserman 2015, configuration D, without the last pooling and the three large linear
layers. The networks of the papers start from weights trained on a million photographs; ours start
from nothing, which thirteen plain convolutions do not survive, so each may be followed by batch
norm. Folded into the convolutions after training (`fold`), it leaves the paper's network.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from common.batch_norm import EPS, MOMENTUM

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of the five blocks."""

COUNTS = (2, 2, 3, 3, 3)
"""Convolutions of each block; a pooling stands between two blocks."""

LAYERS = tuple(
    tuple(f"{block}_{layer}" for layer in range(1, count + 1))
    for block, count in enumerate(COUNTS, 1)
)
"""Names of the convolutions, block by block, as the paper numbers them."""


class VGG16(nn.Module):
    """(N, 3, H, W) to (N, C, H / 16, W / 16), not negative.

    Args:
        widths: channels of the five blocks.
        normalized: batch norm after every convolution; without it the convolutions have biases.
    """

    def __init__(
        self, widths: tuple[int, int, int, int, int] = WIDTHS, *, normalized: bool = True
    ) -> None:
        super().__init__()
        inputs = 3
        for names, width in zip(LAYERS, widths, strict=True):
            for name in names:
                conv = nn.Conv2d(inputs, width, 3, padding=1, bias=not normalized)
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
                if conv.bias is not None:
                    nn.init.zeros_(conv.bias)
                self.add_module(f"conv{name}", conv)
                if normalized:
                    norm = nn.BatchNorm2d(width, eps=EPS, momentum=MOMENTUM)
                    self.add_module(f"norm{name}", norm)
                inputs = width

    @property
    def normalized(self) -> bool:
        """Whether the convolutions are followed by batch norm."""
        return hasattr(self, "norm1_1")

    def forward(self, images: Tensor) -> Tensor:
        """Return the maps of conv5_3."""
        x, normalized = images, self.normalized
        for block, names in enumerate(LAYERS):
            if block:
                x = F.max_pool2d(x, 2)  # (N, C, H / 2, W / 2)
            for name in names:
                x = getattr(self, f"conv{name}")(x)
                if normalized:
                    x = getattr(self, f"norm{name}")(x)
                x = torch.relu(x)
        return x


def fold(trunk: VGG16) -> VGG16:
    """Return a copy in evaluation mode whose batch norms are part of its convolutions."""
    folded = copy.deepcopy(trunk).eval()
    if not folded.normalized:
        return folded
    for names in LAYERS:
        for name in names:
            fused = fuse_conv_bn_eval(
                getattr(folded, f"conv{name}"), getattr(folded, f"norm{name}")
            )
            setattr(folded, f"conv{name}", fused)
            delattr(folded, f"norm{name}")
    return folded
