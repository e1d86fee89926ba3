"""The light network that the recognizers share, in PyTorch: the small CRNN, from whose weights others start."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv_block(inputs: int, outputs: int, stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    """Make a 3x3 convolution with padding, batch norm and ReLU."""
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
        self.stem = nn.Sequential(
            conv_block(1, a // 2, (2, 2)), conv_block(a // 2, a)
        )  # (N, a, 16, W/2)
        self.stage1 = nn.Sequential(conv_block(a, b, (2, 2)), conv_block(b, b))  # (N, b, 8, W/4)
        self.stage2 = nn.Sequential(
            conv_block(b, c, (2, 1)), conv_block(c, c), conv_block(c, c)
        )  # (N, c, 4, W/4)
        self.stage3 = nn.Sequential(
            conv_block(c, d, (2, 1)), conv_block(d, d), conv_block(d, d)
        )  # (N, d, 2, W/4)
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
        return self.encode(lines)

    def encode(self, lines: Tensor) -> Tensor:
        """Do what `features` does in this class; further ones change the lines before (`super` does not compile)."""
        return self.after_stem(self.stem(lines))

    def after_stem(self, x: Tensor) -> Tensor:
        """Map what the first two convolutions see, (N, a, 16, W / 2), to what `features` returns."""
        x = self.stage3(self.stage2(self.stage1(x)))
        # Not `squeeze`: exported by the compiler, that is a branch.
        x = self.collapse(x)[:, :, 0].transpose(1, 2)  # (N, T, d)
        context, _ = self.rnn(x)
        return self.dropout(self.head(torch.cat([x, context], 2)))

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to logits (N, T, C), T = W / 4."""
        return self.classify(self.features(lines))
