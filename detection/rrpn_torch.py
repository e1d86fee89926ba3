"""Define the RRPN network and its losses in PyTorch: proposals, sampling inside them and the second stage in one graph.

Ma et al. 2018 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection.network_torch import (
    SMALL,
    ConvBlock,
    SmallPyramid,
    Widths,
    initialize,
    initialize_heads,
    mined_entropy,
)
from detection.overlap import quad_overlaps
from detection.quads import corners
from detection.rrpn import ANCHORS, MAX_LOG, SIDES, STRIDE, anchor_boxes, rectangles

HEADS = ("anchor", "score", "offsets")
"""Parts of the names of layers that int8 leaves in float."""

GRID = (4, 8)
"""Rows across and columns along at which a proposal's features are sampled; the paper pools 7 x 7."""


class RRPNNet(SmallPyramid):
    """The trunk and context of the small CTPN, anchors at stride 16, and a second stage on features of stride 8.

    Args:
        widths: channels of the shared layers.
        sampled: channels of the features that are sampled.
        hidden: channels of the second stage.
    """

    def __init__(self, widths: Widths = SMALL, sampled: int = 32, hidden: int = 128) -> None:
        super().__init__(widths, to_stride=8)
        self.propose = ConvBlock(widths.context, widths.context)
        self.anchors = nn.Conv2d(widths.context, ANCHORS, 1)
        self.anchor_offsets = nn.Conv2d(widths.context, ANCHORS * SIDES, 1)
        self.sampled = nn.Conv2d(widths.neck, sampled, 1)
        self.second = nn.Conv2d(sampled * GRID[0] * GRID[1], hidden, 1)
        self.score = nn.Conv2d(hidden, 1, 1)
        self.offsets = nn.Conv2d(hidden, SIDES, 1)
        self.register_buffer("boxes", torch.from_numpy(anchor_boxes()), persistent=False)
        initialize(self)
        initialize_heads(self.anchors, self.anchor_offsets)
        initialize_heads(self.score, self.offsets)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W), H and W multiples of 16, to logits, offsets and proposals, see `RRPN.outputs`."""
        at4, at8, at16 = self.levels(images)
        x = self.propose(at16)
        anchors = self.anchors(x).permute(0, 2, 3, 1)
        offsets = self.anchor_offsets(x).permute(0, 2, 3, 1)
        offsets = offsets.reshape(*anchors.shape, SIDES)
        proposals = self.best(anchors, offsets).detach().float()
        seen = rotated_features(self.sampled(self.join(at4, at8, at16)), proposals)
        x = torch.relu(self.second(seen))
        return anchors, offsets, proposals, self.score(x)[:, 0], self.offsets(x).permute(0, 2, 3, 1)

    def best(self, anchors: Tensor, offsets: Tensor) -> Tensor:
        """Move the likeliest anchor (N, R, C, A) of each cell by its offsets: (N, R, C, 5)."""
        number = anchors.argmax(dim=3)
        chosen = number[..., None, None].expand(-1, -1, -1, 1, SIDES)
        return moved(self.boxes[number], offsets.gather(3, chosen)[:, :, :, 0])


def moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move rotated boxes (..., 5) by offsets (..., 5), as `rrpn.moved` does."""
    x, y, length, height, angle = boxes.unbind(-1)
    right, down, longer, higher, turned = offsets.unbind(-1)
    right, down = right * length, down * height
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.stack(
        [
            x + right * cos - down * sin,
            y + right * sin + down * cos,
            length * torch.exp(longer.clamp(-MAX_LOG, MAX_LOG)),
            height * torch.exp(higher.clamp(-MAX_LOG, MAX_LOG)),
            angle + turned,
        ],
        dim=-1,
    )


def offsets_between(boxes: Tensor, others: Tensor) -> Tensor:
    """Return what moves rotated boxes (..., 5) to others, as `rrpn.offsets_between` does."""
    right, down, _, _, turned = (others - boxes).unbind(-1)
    cos, sin = torch.cos(boxes[..., 4]), torch.sin(boxes[..., 4])
    along, across = right * cos + down * sin, down * cos - right * sin
    place = torch.stack([along, across], dim=-1) / boxes[..., 2:4]
    ratio = torch.log(others[..., 2:4].clamp(min=1) / boxes[..., 2:4])
    turned = torch.remainder(turned + torch.pi / 2, torch.pi) - torch.pi / 2
    return torch.cat([place, ratio, turned[..., None]], dim=-1)


def rotated_features(features: Tensor, boxes: Tensor) -> Tensor:
    """Sample features inside rotated boxes, along each box's own axes (RRoI pooling, section 3.5).

    Args:
        features: (N, D, H, W) of a picture at any stride.
        boxes: (N, R, C, 5) from the middles of the cells of the same picture at stride 16.

    Returns:
        (N, D * rows * columns of `GRID`, R, C), interpolated at the middles of the parts of each box; what lies
        outside of the picture is that of its border.
    """
    count, rows, cols = boxes.shape[:3]
    across, along = (
        (torch.arange(parts, device=boxes.device) + 0.5) / parts - 0.5 for parts in GRID
    )
    x, y, length, height, angle = (side[..., None, None] for side in boxes.unbind(-1))
    right, down = along[None, :] * length, across[:, None] * height
    cos, sin = torch.cos(angle), torch.sin(angle)
    col = torch.arange(cols, device=boxes.device)[:, None, None] + 0.5
    row = torch.arange(rows, device=boxes.device)[:, None, None, None] + 0.5
    # From -1 to 1 over the edges of the picture.
    at_x = 2 * (x + right * cos - down * sin + STRIDE * col) / (STRIDE * cols) - 1
    at_y = 2 * (y + right * sin + down * cos + STRIDE * row) / (STRIDE * rows) - 1
    places = torch.stack([at_x, at_y], dim=-1).reshape(count, -1, GRID[1], 2)
    found = F.grid_sample(
        features, places.to(features.dtype), padding_mode="border", align_corners=False
    )
    found = found.reshape(count, features.shape[1], rows, cols, GRID[0] * GRID[1])
    return found.permute(0, 1, 4, 2, 3).reshape(count, -1, rows, cols)


NETWORKS: dict[str, type[nn.Module]] = {"small": RRPNNet}
"""Those that `detection.METHODS` names."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn logits into probabilities; offsets and proposals stay."""
    anchors, anchor_offsets, proposals, score, offsets = outputs
    return torch.sigmoid(anchors), anchor_offsets, proposals, torch.sigmoid(score), offsets


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    beta: float = 1 / 9,
    overlap: float = 0.5,
) -> dict[str, Tensor]:
    """Return the losses of both stages (section 3.3), of equal weight.

    Args:
        maps: of the network, by name.
        targets: of `detection.rrpn.RRPN`.
        negatives: background for each anchor or proposal of text, the worst ones (hard negative mining).
        beta: where smooth-L1 turns from square to straight.
        overlap: skew IoU with its text from which the proposal of a cell beside a line is one of text.
    """
    labels, boxes, proposals = targets["labels"], targets["boxes"], maps["proposals"]
    row = (labels == 1).nonzero(as_tuple=True)
    anchors = torch.from_numpy(anchor_boxes()).to(boxes.device)[row[3]]
    true = offsets_between(anchors, boxes[row[:3]])
    text, known = _of_text(proposals, targets, overlap)
    label = torch.where(known, text.to(labels.dtype), -1)
    again = offsets_between(proposals[text], boxes[text])
    least = 64 * len(labels)
    return {
        "anchors": mined_entropy(maps["anchors"], labels, negatives, least),
        "anchor_offsets": _distance(maps["anchor_offsets"][row], true, beta),
        "score": mined_entropy(maps["score"], label, negatives, least),
        "offsets": _distance(maps["offsets"][text], again, beta),
    }


def _of_text(proposals: Tensor, targets: dict[str, Tensor], least: float) -> tuple[Tensor, Tensor]:
    """Tell which proposals (N, R, C, 5) are of text, and of which that is known, both (N, R, C).

    Those of cells on a line are, however they fit: at first none would, and nothing would be learned of text. Those of
    cells beside a line are where they overlap its text by an IoU, and else count neither way.
    """
    near, on = targets["near"], (targets["labels"] == 1).any(dim=3)
    quads = [
        corners(rectangles(each[near].detach().cpu().numpy()))
        for each in (proposals, targets["boxes"])
    ]
    text = on.clone()
    text[near] |= torch.from_numpy(quad_overlaps(*quads) >= least).to(near.device)
    return text, text | (targets["known"] & ~near)


def _distance(found: Tensor, true: Tensor, beta: float) -> Tensor:
    """Sum of smooth-L1 over the sides, mean over the boxes (K, 5)."""
    return F.smooth_l1_loss(found, true, reduction="sum", beta=beta) / max(len(true), 1)
