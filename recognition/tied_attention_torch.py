"""Attention whose characters are those of a classifier that is there already, in PyTorch.

Input and output embeddings are tied to the rows of the classifier of CTC (Press & Wolf 2017, "Using the Output
Embedding"), which thousands of characters need once and not three times.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recognition import ctc_loss_torch
from recognition.attention import BACK, SPAN
from recognition.attention_torch import AttentionDecoder, cross_entropy
from recognition.ctc_loss_torch import Targets
from recognition.method import LossRecipe

SURE = 20.0
"""Nats by which a step where CTC begins a character is looked at rather than one without: see `next_in_line`."""


class TiedEmbedding(nn.Module):
    """Embed characters by a classifier's rows, projected to another width."""

    def __init__(self, classify: nn.Linear, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(classify.in_features, width, bias=False)
        # A tuple keeps it from becoming a submodule, whose weights would be stored twice.
        self._classify = (classify,)

    def forward(self, labels: Tensor) -> Tensor:
        """Map classes (...) to (..., width); no gradient reaches the classifier."""
        out: Tensor = self.project(self._classify[0].weight.detach()[labels])
        return out


class TiedProjection(nn.Module):
    """Project features into a classifier's input and classify them; no gradient reaches the classifier."""

    def __init__(self, inputs: int, classify: nn.Linear) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, classify.in_features)
        self._classify = (classify,)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to logits (..., C)."""
        (classify,) = self._classify
        return F.linear(self.project(x), classify.weight.detach(), classify.bias.detach())


class SharedRows(nn.Module):
    """`TiedEmbedding` for the compiler: the classifier's weights come in transposed, (D, C)."""

    def __init__(self, bring: nn.Linear, rows: nn.Parameter) -> None:
        super().__init__()
        self.project, self.rows = bring, rows

    def forward(self, labels: Tensor) -> Tensor:
        """Map classes (N,) to (N, width)."""
        out: Tensor = self.project(self.rows.index_select(1, labels).t())
        return out


class SharedOut(nn.Module):
    """As `TiedProjection`, likewise."""

    def __init__(self, bring: nn.Linear, rows: nn.Parameter, bias: nn.Parameter) -> None:
        super().__init__()
        self.project, self.rows, self.bias = bring, rows, bias

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to logits (..., C)."""
        return torch.matmul(self.project(x), self.rows) + self.bias


class TiedDecoder(AttentionDecoder):
    """An `AttentionDecoder` on the features that a trained classifier of CTC reads.

    A character is what that classifier says of what is looked at, and of what the state adds to it, nothing at first;
    the blank of CTC is the end. The decoder also knows how sure CTC is that anything stands at a step, and looks at
    first at the next such step. So it reads as CTC does before it has learned anything, and learns what is better.

    Args:
        classify: of the network, which stores and trains it.
        hidden: units of the cell, and width of everything between.
    """

    def __init__(self, classify: nn.Linear, hidden: int) -> None:
        super().__init__(1, classify.in_features, hidden)
        self.embed: nn.Module = TiedEmbedding(classify, hidden)
        self.out: nn.Module = TiedResidual(hidden, classify)
        # A tuple keeps it from becoming a submodule, whose weights would be stored twice.
        self._classify = (classify,)
        self.surely: nn.Module = TiedContrast(classify)
        self.near.weight.data[:, 0] = next_in_line()
        self.first = -2.0
        # What looks at a single step is a whole number of steps from all others, give or take an error of rounding,
        # which must not decide between two entries.
        self.rounding = 0.5

    def compared(self, features: Tensor, middles: Tensor) -> Tensor:
        """Return (N, T, hidden + 1): keys, and how sure CTC is of a character."""
        return torch.cat([self.key(features), self.surely(features)[:, :, :1]], 2)

    def energies(self, keys: Tensor, state: Tensor) -> Tensor:
        """Say how much what stands at each step is what the state looks for, (N, T) in nats."""
        asked = self.query(state[:, : self.hidden])[:, None]
        own = self.energy(torch.tanh(keys[:, :, : self.hidden] + asked))[:, :, 0]
        return own + keys[:, :, self.hidden]

    def prepare(self) -> None:
        """Hold the classifier's weights, once, as the compiler wants them."""
        (classify,) = self._classify
        rows = nn.Parameter(classify.weight.detach().t().contiguous(), requires_grad=False)
        bias = nn.Parameter(classify.bias.detach().clone(), requires_grad=False)
        self.embed = SharedRows(self.embed.project, rows)
        self.out = SharedResidual(self.out.project, rows, bias)
        self.surely = SharedContrast(rows, bias)
        self._classify = ()


def next_in_line() -> Tensor:
    """Return what looking elsewhere costs a `TiedDecoder` at first, (SPAN,) in nats: it takes the next character.

    The nearest one ahead, even where a wide gap comes first, and nothing that was read already, even where only blanks
    are left.
    """
    ahead = torch.arange(SPAN) - float(BACK)
    cost = torch.where(ahead < 11, 2.0 * (ahead - 1), 20 + 0.4 * (ahead - 11))
    return -torch.where(ahead < 1, 3.0 * SURE, cost)


class TiedContrast(nn.Module):
    """Say how sure a classifier is of a character at each step; nothing is learned by way of it."""

    def __init__(self, classify: nn.Linear) -> None:
        super().__init__()
        self._classify = (classify,)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, T, D) to (N, T, 3), see `contrast`."""
        (classify,) = self._classify
        with torch.no_grad():
            return contrast(F.linear(features, classify.weight, classify.bias).float())


class SharedContrast(nn.Module):
    """As `TiedContrast`, for the compiler."""

    def __init__(self, rows: nn.Parameter, bias: nn.Parameter) -> None:
        super().__init__()
        self.rows, self.bias = rows, bias

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, T, D) to (N, T, 3), see `contrast`."""
        return contrast(torch.matmul(features, self.rows) + self.bias)


def contrast(logits: Tensor, most: float = SURE) -> Tensor:
    """Return what CTC says at each step of logits (N, T, C): (N, T, 3).

    Whether it begins a character, up to `most` nats either way; the character's number; how sure it is of any, in nats.
    Of steps beside each other that say the same character, which CTC takes for one, the surest alone begins it. The
    others have less than a blank, or a decoder says the character twice.
    """
    sure = torch.logsumexp(logits[:, :, 1:], 2) - logits[:, :, 0]
    best = logits.argmax(2)
    same = (best[:, 1:] == best[:, :-1]) & (best[:, 1:] > 0)
    less = sure[:, 1:] <= sure[:, :-1]
    second = F.pad(same & less, (1, 0)) | F.pad(same & ~less, (0, 1))
    begins = torch.where(second, torch.full_like(sure, -2 * most), most * torch.tanh(sure))
    return torch.stack([begins, best.to(begins.dtype), sure], 2)


class TiedResidual(TiedProjection):
    """Classify features, and what a linear layer, 0 at first, adds to them.

    Args:
        hidden: width of the state that stands before the features.
        classify: of the network.
    """

    def __init__(self, hidden: int, classify: nn.Linear) -> None:
        super().__init__(hidden + classify.in_features, classify)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., hidden + D) to logits (..., C)."""
        (classify,) = self._classify
        features = x[..., -classify.in_features :] + self.project(x)
        return F.linear(features, classify.weight.detach(), classify.bias.detach())


class SharedResidual(SharedOut):
    """As `TiedResidual`, for the compiler."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, hidden + D) to logits (N, C)."""
        features = x[:, -self.rows.shape[0] :] + self.project(x)
        return torch.matmul(features, self.rows) + self.bias


def losses(
    network: nn.Module,
    features: Tensor,
    seen: Tensor,
    targets: Targets,
    progress: float,
    recipe: LossRecipe,
    *,
    keep_classifier: bool = False,
) -> dict[str, Tensor]:
    """Return the losses of attention, and of CTC on what is not frozen, see `recognition.method.Losses`.

    Where to look is CTC's to tell, which says a character at any step of it: to be told the middle ones only takes
    attention away from what it reads best.
    """
    parts: dict[str, Tensor] = {}
    if features.requires_grad:
        parts = ctc_loss_torch.losses(
            network, features, seen, targets, progress, recipe, keep_classifier=keep_classifier
        )
    logits, _ = network.attention.teacher_forced(seen, targets.labels, targets.aligned)
    read = cross_entropy(logits, targets.labels, targets.lengths)
    return parts | {"attention": recipe.attention_weight * read}
