"""Define the DB network and its losses in PyTorch: pictures to maps at stride 4.

Liao et al. 2020 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection.network_torch import (
    SMALL,
    SmallPyramid,
    Widths,
    hardest,
    initialize,
    initialize_heads,
)

HEADS = ("probability", "threshold")
"""Layers that int8 leaves in float."""

STEEPNESS = 50.0
"""Of the approximate step function (section 3.2)."""


class DBNet(SmallPyramid):
    """The trunk and context of the small CTPN, a neck to stride 4 and two maps.

    Args:
        widths: channels of the shared layers.
    """

    def __init__(self, widths: Widths = SMALL) -> None:
        super().__init__(widths)
        self.probability = nn.Conv2d(widths.fine, 1, 1)
        self.threshold = nn.Conv2d(widths.fine, 1, 1)
        initialize(self)
        initialize_heads(self.probability, self.threshold)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, H, W) to logits of probability and threshold, each (N, H / 4, W / 4)."""
        x = self.neck(images)
        return self.probability(x)[:, 0], self.threshold(x)[:, 0]


NETWORKS: dict[str, type[nn.Module]] = {"small": DBNet}
"""Those that `detection.METHODS` names."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn both maps of logits into probabilities."""
    probability, threshold = outputs
    return torch.sigmoid(probability), torch.sigmoid(threshold)


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    probability_weight: float = 5.0,
    threshold_weight: float = 10.0,
) -> dict[str, Tensor]:
    """Return the losses of probability, binary map and threshold (section 3.5), weighted.

    Args:
        maps: `probability` and `threshold`, logits (N, R, C).
        targets: of `detection.db.DB`.
        negatives: cells of background for each cell of text, the worst ones (hard negative mining).
        probability_weight: of the cross-entropy; 5 in the authors' code, 1 in the paper.
        threshold_weight: of the distance to the thresholds.
    """
    probability, threshold = torch.sigmoid(maps["probability"]), torch.sigmoid(maps["threshold"])
    inner, known, edge = targets["inner"], targets["known"], targets["edge"]
    binary = torch.sigmoid(STEEPNESS * (probability - threshold)) * known
    true = inner * known
    overlap = 2 * (binary * true).sum() / (binary.sum() + true.sum()).clamp(min=1.0)
    away = F.l1_loss(threshold[edge], targets["threshold"][edge], reduction="sum")
    return {
        "probability": probability_weight
        * _cross_entropy(maps["probability"], inner, known, negatives),
        # A batch without text has nothing to overlap with.
        "binary": (1 - overlap) * bool(true.any()),
        "threshold": threshold_weight * away / max(int(edge.sum()), 1),
    }


def _cross_entropy(logits: Tensor, inner: Tensor, known: Tensor, negatives: float) -> Tensor:
    """Mean over the cells of text and the worst `negatives` times as many others."""
    each = F.binary_cross_entropy_with_logits(logits, inner, reduction="none")
    text, background = each[(inner > 0) & known], each[(inner == 0) & known]
    worst = hardest(background, len(text), negatives, 256 * len(logits))
    return (text.sum() + worst.sum()) / max(len(text) + len(worst), 1)
