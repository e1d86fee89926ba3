"""The CTPN networks in PyTorch: pictures in, logits and offsets for every anchor out.

Tian et al. 2016, section 3. `small` replaces the VGG-16 trunk by eight plain 3x3 convolutions,
which are faster and quantize better than depthwise ones, and widens the vertical view by two
dilated convolutions, because 119 pixels do not show both edges of large lettering.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from common.arrays import Floats, Network
from common.recurrent_torch import bidirectional
from common.vgg16_torch import VGG16, WIDTHS, fold
from ctpn.anchors import ANCHOR_HEIGHTS

ANCHORS = len(ANCHOR_HEIGHTS)


class ConvBlock(nn.Module):
    """3x3 convolution with padding, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False
        )
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, outputs, H / stride, W / stride)."""
        return torch.relu(self.norm(self.conv(x)))


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
        first, second, third, fourth = widths
        self.trunk = nn.Sequential(
            ConvBlock(3, first, stride=2),
            ConvBlock(first, second, stride=2),
            ConvBlock(second, second),
            ConvBlock(second, third, stride=2),
            ConvBlock(third, third),
            ConvBlock(third, fourth, stride=2),
            ConvBlock(fourth, fourth),
            ConvBlock(fourth, features),
        )
        self.context1 = ConvBlock(features, features, dilation=2)
        self.context2 = ConvBlock(features, features, dilation=4)
        self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Conv2d(features + 2 * hidden, features, 1)
        self.score = nn.Conv2d(features, ANCHORS, 1)
        self.delta = nn.Conv2d(features, 2 * ANCHORS, 1)
        self.side = nn.Conv2d(features, ANCHORS, 1)
        self._initialize()

    def _initialize(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for head in (self.score, self.delta, self.side):
            nn.init.normal_(head.weight, std=0.01)
        # Text is rare among anchors: starting at 2 % avoids a first thousand steps of saying no.
        nn.init.constant_(self.score.bias, -4.0)

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


ARCHITECTURES: dict[str, type[nn.Module]] = {"small": CTPN, "reference": VGG16CTPN}
"""What `--arch` chooses."""


class Deployed(nn.Module):
    """The network as it is exported: batch norm folded, probabilities instead of logits.

    Args:
        network: trained weights; left as they are.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).float().cpu().eval()
        if isinstance(self.network, VGG16CTPN):
            self.network.trunk = fold(self.network.trunk)
        for module in self.network.modules():
            if isinstance(module, ConvBlock) and isinstance(module.norm, nn.BatchNorm2d):
                module.conv = fuse_conv_bn_eval(module.conv, module.norm)
                module.norm = nn.Identity()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `CTPN.forward`, with probabilities (N, R, C, K) first."""
        logits, deltas, sides = self.network(images)
        return torch.sigmoid(logits), deltas, sides


def as_network(model: nn.Module) -> Network:
    """Wrap a CTPN as the plain callable that `Detector` takes; weights are shared, not copied."""

    @torch.inference_mode()
    def network(images: Floats) -> tuple[Floats, ...]:
        training = model.training
        model.eval()
        device = next(model.parameters()).device
        logits, deltas, sides = model(torch.from_numpy(np.ascontiguousarray(images)).to(device))
        model.train(training)
        answers = (torch.sigmoid(logits), deltas, sides)
        return tuple(answer.float().cpu().numpy() for answer in answers)

    return network


def load(path: Path, arch: str = "small") -> Network:
    """Read weights (safetensors with these layer names) as a callable on the CPU."""
    model = ARCHITECTURES[arch]()
    model.load_state_dict(load_file(path))
    return as_network(model.eval())
