"""Define the SegLink network and its losses in PyTorch: pictures to segments and links at strides 8 to 64.

Shi et al. 2017 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection.network_torch import (
    SMALL,
    ConvBlock,
    SmallPyramid,
    Widths,
    initialize,
    mined_entropy,
)
from detection.seglink import LEVELS, SegLink

HEADS = ("head",)
"""Layers that int8 leaves in float."""

_PARTS = ("text", "offsets", "links", "cross")


class SegLinkNet(SmallPyramid):
    """The trunk and context of the small CTPN, a neck to stride 8, two coarser levels, and a head at each.

    Args:
        widths: channels of the shared layers.
    """

    def __init__(self, widths: Widths = SMALL) -> None:
        super().__init__(widths, to_stride=8)
        self.to32 = ConvBlock(widths.context, widths.context, stride=2)
        self.to64 = ConvBlock(widths.context, widths.context, stride=2)
        self.heads = nn.ModuleList()
        for level, inputs in zip(
            LEVELS, (widths.neck, widths.context, widths.context, widths.context), strict=True
        ):
            self.heads.append(nn.Conv2d(inputs, sum(self.channels(level)), 3, padding=1))
        initialize(self)
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.01)
            # Few cells are of text, as few anchors are in CTPN.
            nn.init.constant_(head.bias[:1], -4.0)

    @staticmethod
    def channels(level: int) -> list[int]:
        """Return the channels of text, offsets, links and, where there are any, cross links."""
        shapes = [SegLink.outputs.get(f"{part}{level}") for part in _PARTS]
        return [one.shape[0] if one.shape else 1 for one in shapes if one is not None]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W), H and W multiples of 64, to logits and offsets, see `SegLink.outputs`."""
        at4, at8, at16 = self.levels(images)
        at32 = self.to32(at16)
        maps = (self.join(at4, at8, at16), at16, at32, self.to64(at32))
        outputs: list[Tensor] = []
        for level, head, x in zip(LEVELS, self.heads, maps, strict=True):
            text, *rest = head(x).permute(0, 2, 3, 1).split(self.channels(level), dim=3)
            outputs += [text[..., 0], *rest]
        return tuple(outputs)


NETWORKS: dict[str, type[nn.Module]] = {"small": SegLinkNet}
"""Those that `detection.METHODS` names."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn logits into probabilities; offsets stay."""
    return tuple(
        output if name.startswith("offsets") else torch.sigmoid(output)
        for name, output in zip(SegLink.outputs, outputs, strict=True)
    )


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    beta: float = 0.1,
) -> dict[str, Tensor]:
    """Return the losses of segments, offsets and links over all levels (section 3.3), of equal weight.

    Args:
        maps: of the network, by name.
        targets: of `detection.seglink.SegLink`.
        negatives: cells of background for each segment, and links out of a line for each inside, the worst ones
            (hard negative mining).
        beta: where smooth-L1 turns from square to straight, in sides of a level's square.
    """
    # Negative where a cell is unknown, as links are.
    texts = [torch.where(targets[f"known{n}"], targets[f"text{n}"], -1.0) for n in LEVELS]
    links = [name for name in maps if name.startswith(("links", "cross"))]
    count = max(int(sum((text == 1).sum() for text in texts)), 1)
    away = torch.stack([
        F.smooth_l1_loss(
            maps[f"offsets{n}"][text == 1],
            targets[f"offsets{n}"][text == 1],
            reduction="sum",
            beta=beta,
        )
        for n, text in zip(LEVELS, texts, strict=True)
    ])  # fmt: skip
    pictures = len(texts[0])
    return {
        "text": mined_entropy(
            _flat(maps[f"text{n}"] for n in LEVELS), _flat(texts), negatives, 64 * pictures
        ),
        "offsets": away.sum() / count,
        "links": mined_entropy(
            _flat(maps[name] for name in links),
            _flat(targets[name].float() for name in links),
            negatives,
            0,
        ),
    }


def _flat(values: Iterable[Tensor]) -> Tensor:
    return torch.cat([value.flatten() for value in values])
