"""Define the PixelLink network and its losses in PyTorch: pictures to text and links at stride 4.

Deng et al. 2018 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection.links import NEIGHBORS
from detection.network_torch import (
    SMALL,
    SmallPyramid,
    Widths,
    hardest,
    initialize,
    initialize_heads,
)

HEADS = ("text", "links")
"""Layers that int8 leaves in float."""


class PixelLinkNet(SmallPyramid):
    """The trunk and context of the small CTPN, a neck to stride 4, text and links.

    Args:
        widths: channels of the shared layers.
    """

    def __init__(self, widths: Widths = SMALL) -> None:
        super().__init__(widths)
        self.text = nn.Conv2d(widths.fine, 1, 1)
        self.links = nn.Conv2d(widths.fine, len(NEIGHBORS), 1)
        initialize(self)
        initialize_heads(self.text, self.links)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, H, W) to logits of text (N, H / 4, W / 4) and of links (N, H / 4, W / 4, 8)."""
        x = self.neck(images)
        return self.text(x)[:, 0], self.links(x).permute(0, 2, 3, 1)


NETWORKS: dict[str, type[nn.Module]] = {"small": PixelLinkNet}
"""Those that `detection.METHODS` names."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn both maps of logits into probabilities."""
    text, links = outputs
    return torch.sigmoid(text), torch.sigmoid(links)


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    text_weight: float = 2.0,
    link_weight: float = 1.0,
) -> dict[str, Tensor]:
    """Return the losses of text and links (section 3.4), weighted.

    Args:
        maps: `text` and `links`, logits (N, R, C) and (N, R, C, 8).
        targets: of `detection.pixellink.PixelLink`.
        negatives: cells of background for each cell of text, the worst ones (hard negative mining).
        text_weight: of the cross-entropy of text.
        link_weight: of that of links.
    """
    return {
        "text": text_weight * _text_loss(maps["text"], targets, negatives),
        "links": link_weight * _link_loss(maps["links"], targets["links"], targets["weight"]),
    }


def _text_loss(logits: Tensor, targets: dict[str, Tensor], negatives: float) -> Tensor:
    """Mean over the cells of text, each with its line's weight, and the worst `negatives` times as many others."""
    each = F.binary_cross_entropy_with_logits(logits, targets["text"], reduction="none")
    weight = targets["weight"]
    text, background = weight > 0, targets["known"] & (targets["text"] == 0)
    count, others = int(text.sum()), each[background]
    worst = hardest(others, count, negatives, 256 * len(logits))
    return ((each * weight)[text].sum() + worst.sum()) / max(count + len(worst), 1)


def _link_loss(logits: Tensor, links: Tensor, weight: Tensor) -> Tensor:
    """Mean over the links inside lines plus mean over those that lead out of them, each with its line's weight."""
    each = F.binary_cross_entropy_with_logits(logits, (links == 1).float(), reduction="none")
    weights = weight[..., None].expand_as(each)
    means = []
    for value in (1, 0):
        chosen = links == value
        # A batch may have no link of a kind: its sum is zero, and so is that of its weights.
        means.append((each * weights)[chosen].sum() / weights[chosen].sum().clamp(min=1.0))
    return means[0] + means[1]
