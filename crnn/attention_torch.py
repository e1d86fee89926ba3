"""Attention beside CTC: features of a line in, one character after the other out.

Bahdanau et al. 2015 on the features that CTC also reads, trained jointly as by Kim et al. 2017.
Where it looks depends on what stands there and on how far that is from where it looked last: what is alike in a long
line is told apart by its place (Chorowski et al. 2015). Class 0, the blank of CTC, stands before the first character
and after the last one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crnn.attention import BACK, SPAN, prior


class AttentionDecoder(nn.Module):
    """A recurrent cell that looks at the features where the next character stands.

    Args:
        classes: with class 0, the end.
        features: width of the features.
        hidden: units of the cell, and width of everything between.
    """

    def __init__(self, classes: int, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.back, self.span = BACK, SPAN  # the compiler takes no globals
        self.key = nn.Linear(features, hidden)
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.energy = nn.Linear(hidden, 1, bias=False)
        self.near = nn.Embedding(SPAN, 1)
        self.near.weight.data[:, 0] = torch.from_numpy(prior())
        self.embed = nn.Embedding(classes, hidden)
        # A gated recurrent unit by hand: PyTorch's own cell does not go through its exporter.
        self.enter = nn.Linear(hidden + features, 3 * hidden)
        self.keep = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden + features, classes)

    def step(
        self, features: Tensor, keys: Tensor, state: Tensor, last: Tensor, previous: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Find the next character.

        Args:
            features: (N, T, D).
            keys: (N, T, hidden), `self.key` of the features.
            state: (N, hidden).
            last: (N,) middle of what was looked at before, in time steps; 0 at first.
            previous: (N,) classes of the characters before.

        Returns:
            Input (N, hidden + D) of the classifier `out`, the new state, the middle (N,) of what was looked at.
        """
        energies = self.energy(torch.tanh(keys + self.query(state)[:, None]))[:, :, 0]
        middles = torch.arange(features.shape[1], device=features.device) + 0.5
        ahead = torch.floor(middles[None] - last[:, None]) + self.back
        energies = energies + self.near(ahead.clamp(0, self.span - 1).long())[:, :, 0]
        weights = torch.softmax(energies, 1)
        context = (weights[:, :, None] * features).sum(1)
        # Where it looked is a fact to the next step, nothing to learn by way of.
        place = (weights.detach() * middles).sum(1)
        entering = self.enter(torch.cat([self.embed(previous), context], 1))
        reset_in, update_in, new_in = entering.chunk(3, 1)
        reset, update, new = self.keep(state).chunk(3, 1)
        candidate = torch.tanh(new_in + torch.sigmoid(reset_in + reset) * new)
        share = torch.sigmoid(update_in + update)
        state = share * state + (1 - share) * candidate
        return torch.cat([state, context], 1), state, place

    def teach(self, features: Tensor, labels: Tensor) -> Tensor:
        """Say every character knowing those before it.

        Args:
            features: (N, T, D).
            labels: (N, L), zero padded.

        Returns:
            Logits (N, L + 1, C): the characters, then the end.
        """
        keys, state = self.key(features), features.new_zeros(len(features), self.hidden)
        place = features.new_zeros(len(features))
        before = F.pad(labels, (1, 0))
        outputs = []
        for i in range(before.shape[1]):
            output, state, place = self.step(features, keys, state, place, before[:, i])
            outputs.append(output)
        logits: Tensor = self.out(torch.stack(outputs, 1))
        return logits

    def loss(self, features: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """Mean cross-entropy of the (N, L) labels' first `lengths` (N,) characters and their ends."""
        logits = self.teach(features, labels).float()
        place = torch.arange(logits.shape[1], device=labels.device)[None]
        target = torch.where(place <= lengths[:, None], F.pad(labels, (0, 1)), -100)
        return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-100)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take the best character each time, until every line has ended.

        A line has at most as many characters as time steps.

        Returns:
            Classes (N, L) int64, 0 from the end on; their log-probabilities (N, L); the middle of
            what was looked at (N, L), in time steps.
        """
        keys, state = (
            self.key(features),
            torch.zeros_like(features[:, 0, :1]).repeat(1, self.hidden),
        )
        previous = torch.zeros_like(features[:, 0, 0]).long()
        ended = previous > 0
        steps = features.shape[1]
        place = torch.zeros_like(features[:, 0, 0])
        labels, log_probs, places = [previous], [features[:, 0, 0]], [place]
        i = 0
        while i < steps and not bool(ended.all()):
            output, state, place = self.step(features, keys, state, place, previous)
            best, chosen = torch.log_softmax(self.out(output), 1).max(1)
            ended = ended | (chosen == 0)
            previous = torch.where(ended, torch.zeros_like(chosen), chosen)
            labels.append(previous)
            log_probs.append(best)
            places.append(place)
            i += 1
        # The first entries only told the compiler of the types.
        return (
            torch.stack(labels, 1)[:, 1:],
            torch.stack(log_probs, 1)[:, 1:],
            torch.stack(places, 1)[:, 1:],
        )
