"""Define DenseNet-CTC in PyTorch, from lines to logits of each step.

Layer names are those of `recognition.densenet_keras`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.layers_torch import conv, norm
from recognition.ctc_loss_torch import losses

__all__ = ["NETWORKS", "DenseNetCTC", "losses"]


class _Dense(nn.Module):
    """Layers that each see the input and what all layers before them made (Huang et al. 2017)."""

    def __init__(self, inputs: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = layers
        for i in range(1, layers + 1):
            self.add_module(f"norm{i}", norm(inputs))
            self.add_module(f"conv{i}", conv(inputs, growth, bias=False))
            inputs += growth
        self.outputs = inputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + layers * growth, H, W)."""
        for i in range(1, self.layers + 1):
            grown = getattr(self, f"conv{i}")(torch.relu(getattr(self, f"norm{i}")(x)))
            x = torch.cat([x, grown], 1)
        return x


class _Transition(nn.Module):
    """Batch norm, ReLU, 1 x 1 convolution, mean pooling of 2 x 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = norm(inputs)
        self.conv = conv(inputs, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / 2, W / 2)."""
        return self.pool(self.conv(torch.relu(self.norm(x))))


class DenseNetCTC(nn.Module):
    """Three dense blocks and no recurrence, as the systems of YCG09 and cruil have it.

    A step is eight columns: narrow letters may share one, and a doubled one then cannot be read.

    Args:
        classes: with the blank (index 0).
        stem: channels of the first convolution.
        layers: of each block.
        growth: channels that a layer adds.
        width: channels after a transition.
        dropout: of the features in training.
    """

    stride = 8

    def __init__(
        self,
        classes: int,
        stem: int = 64,
        layers: int = 8,
        growth: int = 8,
        width: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, stem, 5, stride=2, padding=2, bias=False)
        self.block1 = _Dense(stem, layers, growth)
        self.transition1 = _Transition(self.block1.outputs, width)
        self.block2 = _Dense(width, layers, growth)
        self.transition2 = _Transition(self.block2.outputs, width)
        self.block3 = _Dense(width, layers, growth)
        self.norm = norm(self.block3.outputs)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(4 * self.block3.outputs, classes)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, 4 C), T = W / 8."""
        x = self.transition1(self.block1(self.stem(lines)))  # (N, width, 8, W / 4)
        x = self.block3(self.transition2(self.block2(x)))  # (N, C, 4, W / 8)
        x = torch.relu(self.norm(x)).permute(0, 3, 2, 1).flatten(2)  # (N, T, 4 C)
        return self.dropout(x)

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C), T = W / 8."""
        return self.classify(self.features(lines))


NETWORKS: dict[str, type[nn.Module]] = {"densenet": DenseNetCTC}
"""Those that `recognition.METHODS` names."""
