"""Define convolutions and norms as the papers' recognizers have them, in PyTorch."""

from __future__ import annotations

from torch import nn

from common.batch_norm import EPS, MOMENTUM


def conv(inputs: int, outputs: int, size: int = 3, *, bias: bool = True) -> nn.Conv2d:
    """Make a convolution that keeps the size (an even kernel loses a row and a column), He-initialized."""
    made = nn.Conv2d(inputs, outputs, size, padding=size // 2 if size % 2 else 0, bias=bias)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    return made


def norm(width: int) -> nn.BatchNorm2d:
    """Make a batch norm with the numbers of `common.batch_norm`."""
    return nn.BatchNorm2d(width, eps=EPS, momentum=MOMENTUM)
