"""The recognizers as PyTorch networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _conv(inputs: int, outputs: int, stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.05),
        nn.ReLU(inplace=True),
    )


class SmallCRNN(nn.Module):
    """Plain convolutions, one bidirectional LSTM, a linear layer: CRNN (Shi et al. 2015) at a fifth of its cost.

    Departures from the paper: batch norm everywhere, strides instead of pooling, one LSTM layer whose input stands
    beside its output (it then only has to add context), and no more than 3 x 3 kernels, which quantize well.

    Args:
        classes: classes with the blank (index 0).
        widths: channels at strides 2, 4 (H/4), H/8 and H/16.
        hidden: units of the LSTM in each direction.
    """

    def __init__(
        self,
        classes: int,
        widths: tuple[int, int, int, int] = (64, 96, 160, 224),
        hidden: int = 112,
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.stem = nn.Sequential(_conv(1, a // 2, (2, 2)), _conv(a // 2, a))  # (N, a, 16, W/2)
        self.stage1 = nn.Sequential(_conv(a, b, (2, 2)), _conv(b, b))  # (N, b, 8, W/4)
        self.stage2 = nn.Sequential(_conv(b, c, (2, 1)), _conv(c, c), _conv(c, c))  # (N, c, 4, W/4)
        self.stage3 = nn.Sequential(_conv(c, d, (2, 1)), _conv(d, d), _conv(d, d))  # (N, d, 2, W/4)
        self.collapse = nn.Sequential(
            nn.Conv2d(d, d, (2, 1), bias=False),
            nn.BatchNorm2d(d, eps=1e-5, momentum=0.05),
            nn.ReLU(inplace=True),
        )  # (N, d, 1, W/4)
        self.rnn = nn.LSTM(d, hidden, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(d + 2 * hidden, 192)
        self.classify = nn.Linear(192, classes)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, 192), T = W / 4."""
        x = self.stage3(self.stage2(self.stage1(self.stem(lines))))
        x = self.collapse(x).squeeze(2).transpose(1, 2)  # (N, T, d)
        context, _ = self.rnn(x)
        return self.dropout(self.head(torch.cat([x, context], 2)))

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C), T = W / 4."""
        return self.classify(self.features(lines))


class LogProbabilities(nn.Module):
    """The network as it is deployed: log-probabilities, not logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to log-probabilities (N, T, C)."""
        return torch.log_softmax(self.network(lines).float(), 2)
