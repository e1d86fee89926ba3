"""Pieces of a page in, logits of the four turns out: the small network in PyTorch.

A plain stack of 3x3 convolutions at falling resolution. The pooled mean and maximum of the last
maps go to the classifier: the maximum lets one telling character decide for a piece.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BN_EPS = 1e-5
BN_MOMENTUM = 0.1

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
                nn.BatchNorm2d(width, eps=BN_EPS, momentum=BN_MOMENTUM),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.features = nn.Sequential(*stack)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * channels, 4)

    def forward(self, pieces: Tensor) -> Tensor:
        """Return the logits."""
        maps = self.features(pieces)  # (N, C, S / 16, S / 16)
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)  # (N, 2 C)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits
