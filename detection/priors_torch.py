"""Share what the networks of priors have in PyTorch: features at strides 8 to 64, one head for all, the losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection.network_torch import (
    SMALL,
    ConvBlock,
    SmallPyramid,
    Widths,
    hardest,
    initialize,
    initialize_heads,
)
from detection.prior_method import PriorMethod
from detection.priors import LEVELS

HEADS = ("text", "offsets")
"""Layers that int8 leaves in float."""


class PriorNet(SmallPyramid):
    """The trunk and context of the small CTPN, a neck to stride 8, two coarser levels, and one head for all.

    Sizes at a level are told in its own priors', so that one head serves them all. SSD has one for each, which here
    would be larger than the trunk.

    Args:
        widths: channels of the shared layers.
    """

    method: ClassVar[type[PriorMethod]]
    kernel: ClassVar[tuple[int, int]]
    """Height and width of the head's, in cells."""

    def __init__(self, widths: Widths = SMALL) -> None:
        super().__init__(widths, to_stride=8)
        self.at16 = ConvBlock(widths.context, widths.neck)
        self.to32 = ConvBlock(widths.context, widths.neck, stride=2)
        self.to64 = ConvBlock(widths.neck, widths.neck, stride=2)
        self.shape = self.method.outputs[f"offsets{LEVELS[0]}"].shape
        count, values = self.shape
        padding = (self.kernel[0] // 2, self.kernel[1] // 2)
        self.text = nn.Conv2d(widths.neck, count, self.kernel, padding=padding)
        self.offsets = nn.Conv2d(widths.neck, count * values, self.kernel, padding=padding)
        initialize(self)
        initialize_heads(self.text, self.offsets)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W), H and W multiples of 64, to logits and offsets, see `prior_method.outputs_of`."""
        at4, at8, at16 = self.levels(images)
        at32 = self.to32(at16)
        outputs: list[Tensor] = []
        for x in (self.join(at4, at8, at16), self.at16(at16), at32, self.to64(at32)):
            outputs.append(self.text(x).permute(0, 2, 3, 1))
            outputs.append(self.offsets(x).permute(0, 2, 3, 1).unflatten(3, self.shape))
        return tuple(outputs)


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn logits into probabilities; offsets stay."""
    return tuple(
        output if number % 2 else torch.sigmoid(output) for number, output in enumerate(outputs)
    )


Distance = Callable[[Tensor, Tensor], Tensor]
"""Sum over offsets (K, V) and what they should be."""


def smooth_l1(found: Tensor, true: Tensor) -> Tensor:
    """Square up to 1, straight beyond, as in SSD."""
    return F.smooth_l1_loss(found, true, reduction="sum")


def prior_losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    distance: Distance,
    weight: float,
    negatives: float = 3.0,
) -> dict[str, Tensor]:
    """Return the losses of text and offsets over all levels (Liu et al. 2016, section 2.2).

    Args:
        maps: of a `PriorNet`, by name.
        targets: of a `PriorMethod`.
        distance: of offsets.
        weight: of the offsets.
        negatives: priors of background for each of text, the worst ones (hard negative mining).
    """
    logits = torch.cat([maps[f"text{level}"].flatten() for level in LEVELS])
    labels = torch.cat([targets[f"text{level}"].flatten() for level in LEVELS])
    each = F.binary_cross_entropy_with_logits(logits, (labels == 1).float(), reduction="none")
    count = int((labels == 1).sum())
    pictures = len(maps[f"text{LEVELS[0]}"])
    worst = hardest(each[labels == 0], count, negatives, 64 * pictures)
    away = torch.stack([
        distance(
            maps[f"offsets{level}"][targets[f"text{level}"] == 1],
            targets[f"offsets{level}"][targets[f"text{level}"] == 1],
        )
        for level in LEVELS
    ])  # fmt: skip
    return {
        "text": (each[labels == 1].sum() + worst.sum()) / max(count + len(worst), 1),
        "offsets": weight * away.sum() / max(count, 1),
    }
