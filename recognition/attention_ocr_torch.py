"""Attention-OCR (Deng et al. 2016) on the small CRNN, in PyTorch: convolutions, a bidirectional LSTM, attention.

The decoder has two LSTM layers and begins with what the encoder knows of the whole line.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recognition.network_torch import SmallCRNN
from recognition.tied_attention_torch import TiedDecoder, losses

__all__ = ["NETWORKS", "AttentionOCR", "StackedDecoder", "losses"]


class StackedDecoder(TiedDecoder):
    """A `TiedDecoder` of two LSTM layers, of which the second says where to look.

    Its state is the output of the second layer, that of the first, then the cells of both.

    Args:
        classify: of the network.
        hidden: units of each layer.
    """

    def __init__(self, classify: nn.Linear, hidden: int) -> None:
        super().__init__(classify, hidden)
        self.memory = 4 * hidden
        self.start = nn.Linear(classify.in_features, 4 * hidden)
        self.enter = nn.Linear(hidden + classify.in_features, 4 * hidden)
        self.keep = nn.Linear(hidden, 4 * hidden, bias=False)
        self.enter2 = nn.Linear(hidden, 4 * hidden)
        self.keep2 = nn.Linear(hidden, 4 * hidden, bias=False)

    def begin(self, features: Tensor) -> Tensor:
        """Return the state (N, 4 hidden) from the first step, where the backward half has seen the whole line."""
        return torch.tanh(self.start(features[:, 0]))

    def remember(self, seen: Tensor, state: Tensor) -> Tensor:
        """Return the new state (N, 4 hidden) from what was said and seen last, (N, hidden + D)."""
        second, first, cell1, cell2 = state.chunk(4, 1)
        first, cell1 = self.update(self.enter(seen) + self.keep(first), cell1)
        second, cell2 = self.update(self.enter2(first) + self.keep2(second), cell2)
        return torch.cat([second, first, cell1, cell2], 1)

    def update(self, gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Return output and cell (N, hidden) of an LSTM from its gates (N, 4 hidden) and its cell before."""
        enter, forget, new, leave = gates.chunk(4, 1)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(new)
        return torch.sigmoid(leave) * torch.tanh(cell), cell


class AttentionOCR(SmallCRNN):
    """`SmallCRNN` and a decoder of two LSTM layers; CTC reads as in `SmallCRNN`.

    Args:
        classes: classes with the blank, or end (index 0).
        decoder: units of each layer of the decoder.
        more: arguments of `SmallCRNN`.
    """

    added = ("attention.",)
    """What weights of the small CRNN do not have."""

    def __init__(self, classes: int, decoder: int = 128, **more: Any) -> None:
        super().__init__(classes, **more)
        self.attention = StackedDecoder(self.classify, decoder)


NETWORKS = {"attention-ocr": AttentionOCR}
"""Those that `recognition.METHODS` names."""
