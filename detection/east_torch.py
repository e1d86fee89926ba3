"""Define the EAST network and its losses in PyTorch: pictures to scores, distances and angles at stride 4.

Zhou et al. 2017 on the trunk of the small CTPN, whose weights it starts from, those of the recurrent layer included
(`--init-trunk weights/ctpn-small.onnx`): a cell must see both ends of its line, and that layer sees all of a row.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection.cells import CELL
from detection.network_torch import (
    SMALL,
    SmallPyramid,
    Widths,
    hardest,
    initialize,
    initialize_heads,
    log_overlap,
)

HEADS = ("score", "distances", "angle")
"""Layers that int8 leaves in float."""

MAX_LOG = 8.0
"""Logarithm of a distance in cells, at most: some ten thousand pixels."""


class EASTNet(SmallPyramid):
    """The trunk, context and recurrent layer of the small CTPN, a neck to stride 4 and six maps.

    Args:
        widths: channels of the shared layers.
        hidden: recurrent units in each direction.
    """

    from_trunk: ClassVar[tuple[str, ...]] = ("trunk.", "context", "lstm.", "fc.")
    """Beginnings of the names of the weights that `--init-trunk` fills."""

    def __init__(self, widths: Widths = SMALL, hidden: int = 64) -> None:
        super().__init__(widths)
        self.lstm = nn.LSTM(widths.context, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Conv2d(widths.context + 2 * hidden, widths.context, 1)
        self.score = nn.Conv2d(widths.fine, 1, 1)
        self.distances = nn.Conv2d(widths.fine, 4, 1)
        self.angle = nn.Conv2d(widths.fine, 1, 1)
        initialize(self)
        initialize_heads(self.score, self.distances, self.angle)
        # Sides are some ten pixels away.
        nn.init.constant_(self.distances.bias, 1.0)

    def along_rows(self, x: Tensor) -> Tensor:
        """Map (N, features, R, C) to the same shape, every cell knowing all of its row."""
        channels, rows, cols = x.shape[1], x.shape[2], x.shape[3]
        lines = x.permute(0, 2, 3, 1).reshape(-1, cols, channels)
        along = self.lstm(lines)[0]
        along = along.reshape(-1, rows, cols, along.shape[2]).permute(0, 3, 1, 2)
        return torch.relu(self.fc(torch.cat([x, along], dim=1)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 3, H, W) to logits (N, R, C), logarithms of distances in cells (N, R, C, 4), logits of angles."""
        at4, at8, at16 = self.levels(images)
        x = self.join(at4, at8, self.along_rows(at16))
        return self.score(x)[:, 0], self.distances(x).permute(0, 2, 3, 1), self.angle(x)[:, 0]


NETWORKS: dict[str, type[nn.Module]] = {"small": EASTNet}
"""Those that `detection.METHODS` names."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn outputs into probabilities, distances in pixels and angles in radians."""
    score, distances, angle = outputs
    return (
        torch.sigmoid(score),
        CELL * torch.exp(distances.clamp(max=MAX_LOG)),
        (torch.sigmoid(angle) - 0.5) * (math.pi / 2),
    )


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    angle_weight: float = 10.0,
) -> dict[str, Tensor]:
    """Return the losses of score, distances and angle (section 3.4), weighted.

    Args:
        maps: `score`, `distances` and `angle`, see `EASTNet.forward`.
        targets: of `detection.east.EAST`.
        negatives: cells of background for each cell of text, the worst ones (hard negative mining).
        angle_weight: of the cosine of the angle's error.
    """
    text = (targets["score"] == 1) & targets["known"]
    count = max(int(text.sum()), 1)
    _, distances, angle = activate((maps["score"], maps["distances"], maps["angle"]))
    overlap = log_overlap(distances[text], targets["distances"][text])
    turned = 1 - torch.cos(angle[text] - targets["angle"][text])
    return {
        "score": _score_loss(maps["score"], text, targets["known"], negatives),
        "distances": overlap.sum() / count,
        "angle": angle_weight * turned.sum() / count,
    }


def _score_loss(logits: Tensor, text: Tensor, known: Tensor, negatives: float) -> Tensor:
    """Dice, as the published systems have, and the cross-entropy of text and the worst of the background.

    Dice balances text and background by itself, but says nothing of crops without text.
    """
    each = F.binary_cross_entropy_with_logits(logits, text.float(), reduction="none")
    count, others = int(text.sum()), each[known & ~text]
    worst = hardest(others, count, negatives, 256 * len(logits))
    entropy = (each[text].sum() + worst.sum()) / max(count + len(worst), 1)
    probability = torch.sigmoid(logits) * known
    shared = 2 * probability[text].sum() / (probability.sum() + count).clamp(min=1.0)
    return entropy + (1 - shared) * bool(count)
