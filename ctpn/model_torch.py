"""Define the CTPN networks and their losses in PyTorch: pictures to logits and offsets for every anchor.

Tian et al. 2016, section 3. `small` replaces the VGG-16 trunk by eight plain 3x3 convolutions and widens the vertical
view by two dilated ones, because 119 pixels do not show both edges of large lettering.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.recurrent_torch import bidirectional
from common.vgg16_torch import VGG16, WIDTHS
from ctpn.anchors import ANCHOR_HEIGHTS
from detection.network_torch import ConvBlock, hardest, initialize, initialize_heads, small_trunk

ANCHORS = len(ANCHOR_HEIGHTS)


class CTPN(nn.Module):
    """Trunk at stride 16, context, a recurrent layer along every row, and three heads.

    Args:
        widths: channels of the four stages, each of which halves the picture.
        features: channels of context and of the layer before the heads.
        hidden: recurrent units in each direction.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (32, 64, 128, 256),
        features: int = 128,
        hidden: int = 64,
    ) -> None:
        super().__init__()
        self.trunk = small_trunk(widths, features)
        self.context1 = ConvBlock(features, features, dilation=2)
        self.context2 = ConvBlock(features, features, dilation=4)
        self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Conv2d(features + 2 * hidden, features, 1)
        self.score = nn.Conv2d(features, ANCHORS, 1)
        self.delta = nn.Conv2d(features, 2 * ANCHORS, 1)
        self.side = nn.Conv2d(features, ANCHORS, 1)
        self._initialize()

    def _initialize(self) -> None:
        initialize(self)
        initialize_heads(self.score, self.delta, self.side)

    def context(self, images: Tensor) -> Tensor:
        """Return what the layer along the rows reads, (N, features, H / 16, W / 16), not negative."""
        x = self.trunk(images)
        x = x + self.context1(x)
        out: Tensor = x + self.context2(x)
        return out

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Answer for every anchor.

        Args:
            images: (N, 3, H, W), H and W multiples of 16.

        Returns:
            Logits (N, R, C, K), vertical offsets (N, R, C, K, 2) and side offsets (N, R, C, K).
        """
        x = self.context(images)
        channels, rows, cols = x.shape[1], x.shape[2], x.shape[3]
        lines = x.permute(0, 2, 3, 1).reshape(-1, cols, channels)  # (N * R, C, features)
        along = self.lstm(lines)[0]
        along = along.reshape(-1, rows, cols, along.shape[2]).permute(0, 3, 1, 2)
        x = torch.relu(self.fc(torch.cat([x, along], dim=1)))
        deltas = self.delta(x).permute(0, 2, 3, 1)
        return (
            self.score(x).permute(0, 2, 3, 1),
            deltas.reshape(-1, rows, cols, ANCHORS, 2),
            self.side(x).permute(0, 2, 3, 1),
        )


class VGG16CTPN(nn.Module):
    """The network of the paper (Tian et al. 2016, sections 3 and 3.4).

    VGG-16 to conv5_3, a 3x3 convolution of 512, a bidirectional LSTM of 128 along every row, a
    linear layer of 512 and three heads: 2 k scores, 2 k vertical coordinates and k side offsets.
    ReLU follows the convolution and the linear layer, as in the authors' release. The two scores of
    an anchor meet in a softmax in the paper; their difference as a logit says the same.

    Args:
        widths: channels of the trunk's five blocks.
        features: channels of the convolution after the trunk and of the linear layer.
        hidden: recurrent units in each direction.
        normalized: batch norm in the trunk.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int, int] = WIDTHS,
        features: int = 512,
        hidden: int = 128,
        *,
        normalized: bool = True,
    ) -> None:
        super().__init__()
        self.trunk = VGG16(widths, normalized=normalized)
        self.conv = nn.Conv2d(widths[-1], features, 3, padding=1)
        self.lstm = bidirectional(features, hidden)
        self.fc = nn.Linear(2 * hidden, features)
        self.score = nn.Linear(features, 2 * ANCHORS)
        self.delta = nn.Linear(features, 2 * ANCHORS)
        self.side = nn.Linear(features, ANCHORS)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.fc.weight, nonlinearity="relu")
        for head in (self.score, self.delta, self.side):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
        # Text is rare among anchors, as in `CTPN`; the even numbers are the scores of background.
        with torch.no_grad():
            self.score.bias[0::2] = 2.0
            self.score.bias[1::2] = -2.0

    def context(self, images: Tensor) -> Tensor:
        """Return what the layer along the rows reads, (N, features, H / 16, W / 16), not negative."""
        return torch.relu(self.conv(self.trunk(images)))

    def answers(self, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three answers, see `CTPN.forward`, from `context`."""
        x = context.permute(0, 2, 3, 1)
        rows, cols, channels = x.shape[1:]
        along = self.lstm(x.reshape(-1, cols, channels))[0]  # (N * R, C, 2 hidden)
        x = torch.relu(self.fc(along)).reshape(-1, rows, cols, self.fc.out_features)
        pairs = self.score(x).reshape(-1, rows, cols, ANCHORS, 2)
        deltas = self.delta(x).reshape(-1, rows, cols, ANCHORS, 2)
        return pairs[..., 1] - pairs[..., 0], deltas, self.side(x)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `CTPN.forward`."""
        return self.answers(self.context(images))


NETWORKS: dict[str, type[nn.Module]] = {"small": CTPN, "reference": VGG16CTPN}
"""Those that `detection.METHODS` names."""


HEADS = ("score", "delta", "side")
"""Layers that int8 leaves in float."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn the logits (N, R, C, K), which come first, into probabilities."""
    logits, deltas, sides = outputs
    return torch.sigmoid(logits), deltas, sides


def losses(
    maps: dict[str, Tensor],
    targets: dict[str, Tensor],
    *,
    negatives: float = 3.0,
    beta: float = 1 / 9,
    vertical_weight: float = 1.0,
    side_weight: float = 2.0,
) -> dict[str, Tensor]:
    """Return the losses of score, vertical offsets and side offsets (Tian et al. 2016, section 3.4), weighted.

    Args:
        maps: `scores` (logits), `deltas` and `sides`, see `CTPN.forward`.
        targets: of `ctpn.targets`.
        negatives: background anchors for each text anchor, the worst ones (hard negative mining).
        beta: where smooth-L1 turns from square to straight: 1 / sigma squared with sigma 3, as in the published
            systems.
        vertical_weight: of the vertical offsets.
        side_weight: of the side offsets.
    """
    text, at_end = targets["labels"] == 1, targets["side_mask"]
    # Sums over the two offsets and means over anchors; an empty sum is zero, an empty mean is not.
    vertical = F.smooth_l1_loss(
        maps["deltas"][text], targets["deltas"][text], reduction="sum", beta=beta
    )
    side = F.smooth_l1_loss(
        maps["sides"][at_end], targets["sides"][at_end], reduction="sum", beta=beta
    )
    return {
        "score": score_loss(maps["scores"], targets["labels"], negatives),
        "vertical": vertical_weight * (vertical / max(int(text.sum()), 1)),
        "side": side_weight * (side / max(int(at_end.sum()), 1)),
    }


def score_loss(logits: Tensor, labels: Tensor, negatives: float) -> Tensor:
    """Mean cross-entropy over the text anchors and the worst `negatives` times as many others."""
    cross_entropy = F.binary_cross_entropy_with_logits(
        logits, (labels == 1).float(), reduction="none"
    )
    text, background = cross_entropy[labels == 1], cross_entropy[labels == 0]
    worst = hardest(background, len(text), negatives, 16 * len(labels))
    return (text.sum() + worst.sum()) / max(len(text) + len(worst), 1)
