"""Read features of a line by attention, one character after the other, beside CTC.

Bahdanau et al. 2015 on the features that CTC also reads, trained jointly as by Kim et al. 2017.
Where it looks depends on what stands there and on how far that is from where it looked last: what is alike in a long
line is told apart by its place (Chorowski et al. 2015). Class 0, the blank of CTC, stands before the first character
and after the last one.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recognition.attention import BACK, SPAN, prior
from recognition.preprocess import HEIGHT

SLIPPED = 3.0
"""Time steps from a character's middle from which on another one was looked at: a wide one has some eight."""


class AttentionDecoder(nn.Module):
    """A recurrent cell that looks at the features where the next character stands.

    A gated recurrent unit, as in RARE (Shi et al. 2016, section 3.2); other cells replace `begin` and `remember`.

    Args:
        classes: with class 0, the end.
        features: width of the features.
        hidden: units of the cell, and width of everything between.
    """

    def __init__(self, classes: int, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = self.memory = hidden
        self.first = 0.0  # where it looked before the first character, in time steps
        self.back, self.span = BACK, SPAN  # the compiler takes no globals
        self.rounding = 0.0  # added to time steps before they are cut to whole ones
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

    def prepare(self) -> None:
        """Take what the compiler needs and a training does not; nothing here."""

    def spread(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the places (N, P, D) that may be looked at, here each step, and their middles (P,) in time steps."""
        return features, torch.arange(features.shape[1], device=features.device) + 0.5

    def compared(self, features: Tensor, middles: Tensor) -> Tensor:
        """Return what `energies` compares of the features (N, P, D) at middles (P,), once for all characters."""
        return self.key(features)

    def energies(self, keys: Tensor, state: Tensor) -> Tensor:
        """Say how much what stands at each place is what the state (N, memory) looks for, (N, P) in nats."""
        asked = self.query(state[:, : self.hidden])[:, None]
        return self.energy(torch.tanh(keys + asked))[:, :, 0]

    def look(self, keys: Tensor, state: Tensor, last: Tensor, middles: Tensor) -> Tensor:
        """Say how much of each place to look at for the next character, (N, P): shares of one.

        Args:
            keys: (N, P, hidden or more), `self.compared` of the features.
            state: (N, memory), the first `hidden` of which ask.
            last: (N,) middle of what was looked at before, in time steps; `first` at first.
            middles: (P,), from `spread`.
        """
        energies = self.energies(keys, state) + self.nearness(middles[None] - last[:, None])
        return torch.softmax(energies, 1)

    def nearness(self, ahead: Tensor) -> Tensor:
        """Say what places so many time steps (N, P) from where it looked last are worth, in nats."""
        steps = torch.floor(ahead + self.rounding) + self.back
        return self.near(steps.clamp(0, self.span - 1).long())[:, :, 0]

    def step(
        self, features: Tensor, weights: Tensor, state: Tensor, previous: Tensor, middles: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Find the next character.

        Args:
            features: (N, P, D), from `spread`.
            weights: (N, P), from `look`.
            state: (N, memory).
            previous: (N,) classes of the characters before.
            middles: (P,), from `spread`.

        Returns:
            Input (N, hidden + D) of the classifier `out`, the new state, the middle (N,) of what was looked at.
        """
        context = (weights[:, :, None] * features).sum(1)
        # Where it looked is a fact to the next step, nothing to learn by way of.
        place = (weights.detach() * middles).sum(1)
        state = self.remember(torch.cat([self.embed(previous), context], 1), state)
        return torch.cat([state[:, : self.hidden], context], 1), state, place

    def begin(self, features: Tensor) -> Tensor:
        """Return the state (N, memory) before the first character of features (N, T, D)."""
        return torch.zeros_like(features[:, 0, :1]).repeat(1, self.memory)

    def remember(self, seen: Tensor, state: Tensor) -> Tensor:
        """Return the new state from what was said and seen last, (N, hidden + D), and the state (N, memory)."""
        reset_in, update_in, new_in = self.enter(seen).chunk(3, 1)
        reset, update, new = self.keep(state).chunk(3, 1)
        candidate = torch.tanh(new_in + torch.sigmoid(reset_in + reset) * new)
        share = torch.sigmoid(update_in + update)
        return share * state + (1 - share) * candidate

    def teach(self, features: Tensor, labels: Tensor) -> Tensor:
        """Say every character knowing those before it.

        Args:
            features: (N, T, D).
            labels: (N, L), zero padded.

        Returns:
            Logits (N, L + 1, C): the characters, then the end.
        """
        return self.teacher_forced(features, labels)[0]

    def teacher_forced(
        self, features: Tensor, labels: Tensor, aligned: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the logits of `teach`, and where each character was looked for, (N, L + 1, P).

        Args:
            features: (N, T, D).
            labels: (N, L), zero padded.
            aligned: (N, P) int64: j + 1 under the middle of character j. Where the one before stands further than
                `SLIPPED` from where it was looked for, a character is looked for from where it stands, as that
                character is told, too: a decoder that slipped once would have to be taught to leap back.
        """
        state = self.begin(features)
        features, middles = self.spread(features)
        keys = self.compared(features, middles)
        place = features.new_full((len(features),), self.first)
        before = F.pad(labels, (1, 0))
        outputs, looks = [], []
        for i in range(before.shape[1]):
            looks.append(self.look(keys, state, place, middles))
            output, state, place = self.step(features, looks[-1], state, before[:, i], middles)
            outputs.append(output)
            if aligned is not None:
                place = true_place(aligned == i + 1, middles, place)
        logits: Tensor = self.out(torch.stack(outputs, 1))
        return logits, torch.stack(looks, 1)

    def loss(self, features: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """Mean cross-entropy of the (N, L) labels' first `lengths` (N,) characters and their ends."""
        return cross_entropy(self.teach(features, labels), labels, lengths)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take the best character each time, until every line has ended.

        A line has at most as many characters as time steps.

        Returns:
            Classes (N, L) int64, 0 from the end on; their log-probabilities (N, L); the middle of
            what was looked at (N, L), in time steps.
        """
        state, steps = self.begin(features), features.shape[1]
        features, middles = self.spread(features)
        keys = self.compared(features, middles)
        previous = torch.zeros_like(features[:, 0, 0]).long()
        ended = previous > 0
        place = torch.zeros_like(features[:, 0, 0]) + self.first
        labels, log_probs, places = [previous], [features[:, 0, 0]], [place]
        i = 0
        while i < steps and not bool(ended.all()):
            weights = self.look(keys, state, place, middles)
            output, state, place = self.step(features, weights, state, previous, middles)
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


def true_place(stands: Tensor, middles: Tensor, place: Tensor) -> Tensor:
    """Return the middle of the places (N, P) where a character stands, (N,), if `place` (N,) is off by `SLIPPED`."""
    share = stands.to(middles.dtype)
    known = share.sum(1)
    middle = (share * middles).sum(1) / known.clamp(min=1.0)
    return torch.where((known > 0) & ((place - middle).abs() > SLIPPED), middle, place)


def cross_entropy(logits: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
    """Mean over the (N, L) labels' first `lengths` (N,) characters and their ends, of logits (N, L + 1, C)."""
    place = torch.arange(logits.shape[1], device=labels.device)[None]
    target = torch.where(place <= lengths[:, None], F.pad(labels, (0, 1)), -100)
    return F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), ignore_index=-100)


class _Features(nn.Module):
    """`features` of a network as a module of its own."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lines: Tensor) -> Tensor:
        return self.network.features(lines)


class AttentionReading(nn.Module):
    """A network as it is deployed to read by attention.

    Args:
        network: with `features` and `attention`; left as it is.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        network = copy.deepcopy(network).eval()
        self.features: nn.Module = _Features(network)
        self.attention = network.attention
        self.attention.prepare()

    def forward(self, lines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 1, 32, W) to what `AttentionDecoder.forward` returns."""
        return self.attention(self.features(lines))

    def compiled(self) -> nn.Module:
        """Compile for the exporter: how often the decoder goes round is decided while it reads, the rest is traced."""
        ready = copy.deepcopy(self)
        ready.features = torch.jit.trace(self.features, torch.zeros(2, 1, HEIGHT, 2 * HEIGHT))
        return torch.jit.script(ready)


def drift(looks: Tensor, aligned: Tensor) -> Tensor:
    """Mean negative log-likelihood of where characters stand (Cheng et al. 2017, "Focusing Attention", section 3.2).

    Args:
        looks: (N, L + 1, T) shares of one, from `AttentionDecoder.teacher_forced`.
        aligned: (N, T) int64: j + 1 under the middle of character j; all else is 0 or less.

    Returns:
        -log of what is looked at within a step of the middle, over the characters whose place is known; 0 without.
    """
    number = torch.arange(1, looks.shape[1], device=looks.device)
    stands = aligned[:, None] == number[None, :, None]
    near = F.max_pool1d(stands.to(looks.dtype), 3, 1, 1)
    seen = (looks[:, :-1] * near).sum(2)[stands.any(2)]
    return -seen.float().clamp_min(1e-6).log().mean() if len(seen) else seen.sum()
