"""Score how upright views of a picture are: a small residual network (He et al. 2016, section 4.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from angle.scene import SIDE
from common.batch_norm import EPS, MOMENTUM

WIDTHS = (24, 32, 64, 96, 128)
"""Channels of the stem and of each block; every one halves the resolution."""


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPS, momentum=MOMENTUM)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a strided 1x1 one."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.norm1 = _norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = _norm(after)
        self.short = nn.Conv2d(before, after, 1, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, H / 2, W / 2)."""
        inner = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(maps)))))
        return torch.relu(inner + self.short(maps))


class SceneNet(nn.Module):
    """(N, 3, S, S) of zero mean and unit deviation to (N, 1): the higher, the more upright.

    Where something is says as much as what it is, so the last maps are not pooled.

    Args:
        side: pixels S of the views, a multiple of 32.
        dropout: share of the last maps' values dropped in training: there are few photographs.
    """

    def __init__(self, side: int = SIDE, dropout: float = 0.4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, WIDTHS[0], 5, stride=2, padding=2, bias=False)
        self.norm = _norm(WIDTHS[0])
        pairs = zip(WIDTHS[:-1], WIDTHS[1:], strict=True)
        self.blocks = nn.Sequential(*(ResidualBlock(before, after) for before, after in pairs))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(WIDTHS[-1] * (side // 2 ** len(WIDTHS)) ** 2, 1)

    def forward(self, views: Tensor) -> Tensor:
        """Return the scores."""
        maps = self.blocks(torch.relu(self.norm(self.conv(views))))
        scores: Tensor = self.head(self.dropout(maps.flatten(1)))
        return scores
