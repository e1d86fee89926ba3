"""Convolutions and norms as the papers' recognizers have them, in PyTorch."""

from __future__ import annotations

from torch import nn

BN_EPS = 1e-5
BN_MOMENTUM = 0.1


def conv(inputs: int, outputs: int, size: int = 3, *, bias: bool = True) -> nn.Conv2d:
    """Make a convolution that keeps the size (an even kernel loses a row and a column), He-initialized."""
    made = nn.Conv2d(inputs, outputs, size, padding=size // 2 if size % 2 else 0, bias=bias)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    return made


def norm(width: int) -> nn.BatchNorm2d:
    """Make a batch norm with the numbers written out, equal to those of `common.layers_keras`."""
    return nn.BatchNorm2d(width, eps=BN_EPS, momentum=BN_MOMENTUM)
