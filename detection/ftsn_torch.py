"""Define the FTSN network and its losses in PyTorch: proposals at stride 8, position-sensitive maps at stride 4.

Dai et al. 2018 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection.cells import CELL
from detection.ftsn import MARGIN, PARTS, STRIDE
from detection.network_torch import (
    SMALL,
    SmallPyramid,
    Widths,
    initialize,
    initialize_heads,
    log_overlap,
    mined_entropy,
)

HEADS = ("proposal", "sides", "inside", "outside")
"""Layers that int8 leaves in float."""

MAX_LOG = 6.0
"""Logarithm of a distance in cells of stride 8, at most: some three thousand pixels."""

POINTS = 12
"""Along each side of a box, at which its mask is learned."""


class FTSNNet(SmallPyramid):
    """The trunk and context of the small CTPN, proposals at stride 8, and maps of nine parts at stride 4.

    Args:
        widths: channels of the shared layers.
    """

    def __init__(self, widths: Widths = SMALL) -> None:
        super().__init__(widths)
        self.proposal = nn.Conv2d(widths.neck, 1, 1)
        self.sides = nn.Conv2d(widths.neck, 4, 1)
        self.inside = nn.Conv2d(widths.fine, PARTS * PARTS, 1)
        self.outside = nn.Conv2d(widths.fine, PARTS * PARTS, 1)
        initialize(self)
        initialize_heads(self.proposal, self.sides, self.inside, self.outside)
        # Sides are some ten pixels away.
        nn.init.constant_(self.sides.bias, math.log(2.0))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W), H and W multiples of 16, to logits and logarithms of sides, see `FTSN.outputs`.

        Whether a cell is inside or outside of a line is one softmax, and the greater of both says how much it looks
        like a part of a box with a line at all.
        """
        at4, at8, at16 = self.levels(images)
        x = self.coarser(at8, at16)
        y = self.finer(at4, x)
        inside, outside = (head(y).permute(0, 2, 3, 1) for head in (self.inside, self.outside))
        return (
            self.proposal(x)[:, 0],
            self.sides(x).permute(0, 2, 3, 1),
            inside - outside,
            torch.maximum(inside, outside),
        )


NETWORKS: dict[str, type[nn.Module]] = {"small": FTSNNet}
"""Those that `detection.METHODS` names."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn outputs into probabilities and distances in pixels."""
    proposal, sides, inside, either = outputs
    return (
        torch.sigmoid(proposal),
        STRIDE * torch.exp(sides.clamp(max=MAX_LOG)),
        torch.sigmoid(inside),
        torch.sigmoid(either),
    )


class _Regions(NamedTuple):
    """Boxes whose masks are learned."""

    picture: Tensor
    """(K,) number of the picture."""
    boxes: Tensor
    """(K, 4)."""
    line: Tensor
    """(K,) number of the line that each holds, 0 for none."""


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    regions: int = 48,
    mask_weight: float = 2.0,
) -> dict[str, Tensor]:
    """Return the losses of proposals, boxes, what boxes hold and masks (section III-C), weighted.

    Args:
        maps: `proposal`, `sides`, `inside` and `either`, see `FTSNNet.forward`.
        targets: of `detection.ftsn.FTSN`.
        negatives: cells of background for each proposal of a line, the worst ones (hard negative mining).
        regions: of each picture, as many proposed ones as true ones.
        mask_weight: of the masks.
    """
    line = targets["line"]
    text = line > 0
    sides = STRIDE * torch.exp(maps["sides"].clamp(max=MAX_LOG))
    overlap = log_overlap(sides[text], targets["sides"][text])
    chosen = [
        _proposed(maps["proposal"].detach(), sides.detach(), targets, regions),
        _true(targets, regions),
    ]
    held, mask = _masks(
        maps, targets, _Regions(*(torch.cat(one) for one in zip(*chosen, strict=True)))
    )
    return {
        "proposal": mined_entropy(maps["proposal"], line.clamp(max=1), negatives, 256 * len(line)),
        "sides": overlap.sum() / max(len(overlap), 1),
        "either": held,
        "mask": mask_weight * mask,
    }


def _boxes(cells: tuple[Tensor, ...], sides: Tensor) -> Tensor:
    """Boxes (K, 4) that cells, pictures, rows and columns (K,), tell by the distances to their sides (K, 4)."""
    middle = (torch.stack([cells[2], cells[1]], dim=1) + 0.5) * STRIDE
    return torch.cat([middle - sides[:, :2], middle + sides[:, 2:]], dim=1)


def _proposed(proposal: Tensor, sides: Tensor, targets: dict[str, Tensor], count: int) -> _Regions:
    """Return the likeliest proposals, so many of each picture; those that fit their line half hold it."""
    rows, cols = proposal.shape[1:]
    best = proposal.flatten(1).topk(min(count, rows * cols), dim=1).indices
    picture = torch.arange(len(best), device=best.device)[:, None].expand_as(best)
    cells = picture.flatten(), best.flatten() // cols, best.flatten() % cols
    line, found, true = targets["line"][cells], sides[cells], targets["sides"][cells]
    fits = torch.exp(-log_overlap(found, true)) >= 0.5
    known = (line == 0) | ((line > 0) & fits)
    cells = cells[0][known], cells[1][known], cells[2][known]
    return _Regions(cells[0], _boxes(cells, found[known]), line[known])


def _true(targets: dict[str, Tensor], count: int) -> _Regions:
    """Return true boxes, so many of each picture on average, drawn at random and moved a little."""
    every = (targets["line"] > 0).nonzero()
    drawn = torch.randperm(len(every), device=every.device)[: count * len(targets["line"])]
    cells = every[drawn].unbind(1)
    sides = targets["sides"][cells]
    sides = sides * (0.9 + 0.2 * torch.rand_like(sides))
    return _Regions(cells[0], _boxes(cells, sides), targets["line"][cells])


def _masks(
    maps: dict[str, Tensor], targets: dict[str, Tensor], regions: _Regions
) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of what boxes hold a line, and that of the masks of those that do."""
    picture, boxes, line = regions
    step = (torch.arange(POINTS, device=boxes.device) + 0.5) / POINTS
    size = boxes[:, 2:] - boxes[:, :2]
    # (K, 2, POINTS): places in the box and its margin, which part they are in, and their cells.
    place = step * (size[..., None] + 2 * MARGIN) - MARGIN
    part = (PARTS * place / size[..., None]).floor().clamp(0, PARTS - 1).long()
    limit = torch.tensor(targets["part"].shape[:0:-1], device=boxes.device)[:, None] - 1
    cell = ((boxes[:, :2, None] + place) / CELL).floor().long()
    cell = torch.minimum(cell.clamp(min=0), limit)
    at = picture[:, None, None], cell[:, 1, :, None], cell[:, 0, None, :]
    which = part[:, 1, :, None] * PARTS + part[:, 0, None, :]
    either = maps["either"][*at, which].mean(dim=(1, 2))
    held = F.binary_cross_entropy_with_logits(either, (line > 0).float(), reduction="sum")
    inside = targets["part"][at] * (targets["owner"][at] == line[:, None, None])
    each = F.binary_cross_entropy_with_logits(maps["inside"][*at, which], inside, reduction="none")
    counts = targets["known"][at] & (line > 0)[:, None, None]
    return held / max(len(line), 1), (each * counts).sum() / counts.sum().clamp(min=1)
