"""Attention over several views of one sign (attention_ocr, Wojna et al. 2017) on the small CRNN, in PyTorch.

"Attention-based Extraction of Structured Information from Street View Imagery". One encoder sees each view by itself;
the decoder looks at all places of all views for each character. The paper's views are four, of 150 x 150 pixels each.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recognition import tied_attention_torch
from recognition.attention_ocr_torch import StackedDecoder
from recognition.ctc_loss_torch import Targets
from recognition.method import LossRecipe
from recognition.network_torch import SmallCRNN
from recognition.tied_attention_torch import SURE

__all__ = ["NETWORKS", "AttentionOCRViews", "ViewsDecoder", "losses"]

NOWHERE = -1e4
"""Nats of a place that is in no view: none is left after a softmax, and where there is no view at all, no NaN comes."""


class ViewsDecoder(StackedDecoder):
    """A `StackedDecoder` that looks at the steps of several views; their order does not matter.

    Features are (N, T, V * D), those of all views beside each other; of a view that is not there, all are zero. Views
    are as wide as each other, so that a character stands near the same step in each.
    """

    def __init__(self, classify: nn.Linear, hidden: int) -> None:
        super().__init__(classify, hidden)
        self.width = classify.in_features
        self.nowhere, self.most = NOWHERE, SURE  # the compiler takes no globals

    def spread(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the steps of all views, one view after the other, (N, V * T, D), and the middle of each (V * T,)."""
        steps = features.shape[1]
        views = features.shape[2] // self.width
        apart = features.view(-1, steps, views, self.width).transpose(1, 2)
        middles = torch.arange(steps, device=features.device) + 0.5
        return apart.reshape(-1, views * steps, self.width), middles.repeat(views)

    def begin(self, features: Tensor) -> Tensor:
        """Return the state (N, 4 hidden) from the first steps of the views that are there."""
        first = features[:, 0].view(features.shape[0], -1, self.width)
        there = is_there(first).to(first.dtype)
        count = there.sum(1, keepdim=True).clamp(min=1.0)
        return torch.tanh(self.start(first.sum(1) / count))

    def compared(self, features: Tensor, middles: Tensor) -> Tensor:
        """Return (N, P, hidden + 1): keys, and how sure CTC is of a character; nothing is where no view is."""
        told = self.surely(features)
        begins = torch.where(said_elsewhere(told, middles), -2 * self.most, told[:, :, 0])
        sure = torch.where(is_there(features), begins, torch.full_like(begins, self.nowhere))
        return torch.cat([self.key(features), sure[:, :, None]], 2)


def said_elsewhere(told: Tensor, middles: Tensor) -> Tensor:
    """Tell where another view says more surely what stands there, (N, P) bool.

    That is the same character within two steps, or any within one. A decoder that takes the next character would say it
    once for each view, and what a view that hides it looks like besides.

    Args:
        told: (N, P, 3), see `tied_attention_torch.contrast`.
        middles: (P,) of the places, in time steps.
    """
    number = torch.arange(middles.shape[0], device=middles.device)
    apart = (middles[:, None] - middles[None]).abs()
    # Of one view, places are as far apart as their numbers.
    other = (number[:, None] - number[None]).abs() > 2
    begins, best, sure = told[:, :, 0], told[:, :, 1], told[:, :, 2]
    same = ((best[:, :, None] == best[:, None]) & (apart <= 2)) | (apart <= 1)
    first = (sure[:, None] > sure[:, :, None]) | (
        (sure[:, None] == sure[:, :, None]) & (number[None] < number[:, None])[None]
    )
    return (same & first & other & (begins[:, None] > 0)).any(2)


def is_there(features: Tensor) -> Tensor:
    """Say which of the places (N, P, D) are of a view that is there, (N, P) bool."""
    return features.abs().amax(2) > 0


class AttentionOCRViews(SmallCRNN):
    """`SmallCRNN` for each of up to `views` pictures of one line, and a decoder that looks at all of them.

    Args:
        classes: classes with the blank, or end (index 0).
        decoder: units of each layer of the decoder.
        more: arguments of `SmallCRNN`.
    """

    added = ("attention.",)
    """What weights of the small CRNN do not have."""

    views = 4
    """Pictures of one line at most."""

    def __init__(self, classes: int, decoder: int = 128, **more: Any) -> None:
        super().__init__(classes, **more)
        self.attention = ViewsDecoder(self.classify, decoder)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, V, 32, W) to what attention looks at, (N, T, V * 192), T = W / 4.

        A view of zeros alone is none, and is zeros here, too: a line's own pixels have a spread of one.
        """
        views = lines.shape[1]
        seen = self.encode(lines.reshape(-1, 1, lines.shape[2], lines.shape[3]))
        there = (lines.abs().amax((2, 3)) > 0).to(seen.dtype)  # (N, V)
        width = self.classify.in_features
        apart = seen.reshape(-1, views, seen.shape[1], width) * there[:, :, None, None]
        return apart.transpose(1, 2).reshape(-1, seen.shape[1], views * width)

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, V, 32, W) to the logits (N, T, C) of CTC, of the first view alone."""
        out: Tensor = self.classify(self.features(lines[:, :1]))
        return out


NETWORKS = {"attention-ocr-views": AttentionOCRViews}
"""Those that `recognition.METHODS` names."""


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

    `targets.aligned` is (N, V * T), one view after the other. CTC learns from single views alone: of several, parts
    may be hidden.
    """
    single = features.shape[2] == network.classify.in_features
    return tied_attention_torch.losses(
        network,
        features if single else features.detach(),
        seen,
        targets,
        progress,
        recipe,
        keep_classifier=keep_classifier,
    )
