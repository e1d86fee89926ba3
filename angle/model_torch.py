"""Score the four turns of patches of a page: the networks in PyTorch.

`AngleNet` is a plain stack of 3x3 convolutions at falling resolution. The pooled mean and maximum of the last
maps go to the classifier: the maximum lets one telling character decide for a patch.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from common.batch_norm import EPS, MOMENTUM
from common.vgg16_torch import VGG16, WIDTHS, fold

# (channels, stride) of each convolution: 128 pixels become 8, each cell seeing some 80 pixels.
SMALL = ((16, 2), (32, 1), (32, 2), (48, 1), (64, 2), (64, 1), (96, 2), (96, 1))


class AngleNet(nn.Module):
    """(N, 1, S, S) of zero mean and unit deviation to (N, 4) logits; class k is turned by 90 k."""

    def __init__(self, layers: tuple[tuple[int, int], ...] = SMALL, dropout: float = 0.1) -> None:
        """Build the network.

        Args:
            layers: (channels, stride) of each convolution.
            dropout: Share of the pooled values dropped in training.
        """
        super().__init__()
        stack: list[nn.Module] = []
        channels = 1
        for width, stride in layers:
            stack += [
                nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width, eps=EPS, momentum=MOMENTUM),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.features = nn.Sequential(*stack)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * channels, 4)

    def forward(self, patches: Tensor) -> Tensor:
        """Return the logits."""
        maps = self.features(patches)  # (N, C, S / 16, S / 16)
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)  # (N, 2 C)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


class VGG16Angle(nn.Module):
    """The original system's network: VGG-16, here with global pooling, and four classes.

    The original resizes the page to 224 x 224 and ends in two linear layers of 4096, nine tenths of
    its weights. A thumbnail shows no strokes, so ours looks at the same patches as `AngleNet`, and
    the mean over the maps of conv5_3 takes patches of any size. Grey serves as all three colors: the
    trunk is then the detector's, and either may start from the other's weights.

    Args:
        widths: channels of the trunk's five blocks.
        normalized: batch norm in the trunk.
    """

    def __init__(
        self, widths: tuple[int, int, int, int, int] = WIDTHS, *, normalized: bool = True
    ) -> None:
        super().__init__()
        self.trunk = VGG16(widths, normalized=normalized)
        self.head = nn.Linear(widths[-1], 4)

    def forward(self, patches: Tensor) -> Tensor:
        """(N, 1, S, S) of zero mean and unit deviation to (N, 4) logits; class k is turned by 90 k."""
        maps = self.trunk(patches.expand(-1, 3, -1, -1))  # (N, C, S / 16, S / 16)
        logits: Tensor = self.head(maps.mean((2, 3)))
        return logits


ARCHITECTURES: dict[str, type[nn.Module]] = {"small": AngleNet, "reference": VGG16Angle}
"""What `--arch` chooses."""


def deployed(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, batch norm of a VGG-16 trunk folded."""
    network = copy.deepcopy(network).eval()
    if isinstance(network, VGG16Angle):
        network.trunk = fold(network.trunk)
    return network
