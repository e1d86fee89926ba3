"""Share what the detectors' networks have in PyTorch: the light trunk, folding for export, a plain callable."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from common.arrays import Floats, Network
from common.vgg16_torch import VGG16, fold

Activate = Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]
"""From a network's outputs in training, logits and offsets, to those that are decoded: probabilities and offsets."""


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


def small_trunk(widths: tuple[int, int, int, int], features: int) -> nn.Sequential:
    """Make the eight plain convolutions that the small detectors begin with, to stride 16.

    Plain ones are faster and quantize better than depthwise ones. After three of them the stride is 4, after five 8.

    Args:
        widths: channels at strides 2, 4, 8 and 16.
        features: channels of the last one.
    """
    first, second, third, fourth = widths
    return nn.Sequential(
        ConvBlock(3, first, stride=2),
        ConvBlock(first, second, stride=2),
        ConvBlock(second, second),
        ConvBlock(second, third, stride=2),
        ConvBlock(third, third),
        ConvBlock(third, fourth, stride=2),
        ConvBlock(fourth, fourth),
        ConvBlock(fourth, features),
    )


class Widths(NamedTuple):
    """Channels of the layers that the small detectors share.

    Attributes:
        stages: Of the four stages, each of which halves the picture.
        context: Of the context at stride 16.
        neck: Of the neck at strides 16 and 8.
        fine: Of the neck at stride 4, where each costs four times as much.
    """

    stages: tuple[int, int, int, int] = (32, 64, 128, 256)
    context: int = 128
    neck: int = 64
    fine: int = 32


SMALL = Widths()


class SmallPyramid(nn.Module):
    """The trunk and context of the small CTPN, and a neck that adds their maps from the coarsest to the finest.

    Lin et al. 2017, "Feature Pyramid Networks". `--init-trunk weights/ctpn-small.onnx` fills trunk and context.

    Args:
        widths: channels.
        to_stride: 4, or 8 for a neck that ends there.
    """

    def __init__(self, widths: Widths = SMALL, *, to_stride: int = 4) -> None:
        super().__init__()
        stages, features, neck, _ = widths
        fine = widths.fine if to_stride == 4 else 0
        self.trunk = small_trunk(stages, features)
        self.context1 = ConvBlock(features, features, dilation=2)
        self.context2 = ConvBlock(features, features, dilation=4)
        self.from16 = nn.Conv2d(features, neck, 1)
        self.from8 = nn.Conv2d(stages[2], neck, 1)
        # In this order: a run that is resumed finds its parameters by their numbers.
        self.from4 = nn.Conv2d(stages[1], fine, 1) if fine else None
        self.join8 = ConvBlock(neck, neck)
        self.narrow = nn.Conv2d(neck, fine, 1) if fine else None
        self.join4 = ConvBlock(fine, fine) if fine else None

    def levels(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 3, H, W), H and W multiples of 16, to maps of stride 4 and 8 and the context of stride 16."""
        return self.coarser_levels(self.trunk[0](images))

    def coarser_levels(self, at2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map what the first convolution sees, (N, stages[0], H / 2, W / 2), to what `levels` returns."""
        at4 = self.trunk[1:3](at2)
        at8 = self.trunk[3:5](at4)
        x = self.trunk[5:](at8)
        x = x + self.context1(x)
        return at4, at8, x + self.context2(x)

    def join(self, at4: Tensor, at8: Tensor, at16: Tensor) -> Tensor:
        """Map `levels` to (N, fine, H / 4, W / 4), or to (N, neck, H / 8, W / 8) where the neck ends there."""
        return self.finer(at4, self.coarser(at8, at16))

    def coarser(self, at8: Tensor, at16: Tensor) -> Tensor:
        """Map what `levels` returns of strides 8 and 16 to (N, neck, H / 8, W / 8)."""
        x: Tensor = self.join8(self.from8(at8) + F.interpolate(self.from16(at16), scale_factor=2.0))
        return x

    def finer(self, at4: Tensor, x: Tensor) -> Tensor:
        """Map what `levels` returns of stride 4 and what `coarser` does to what `join` does."""
        if self.from4 is None or self.narrow is None or self.join4 is None:
            return x
        finer = F.interpolate(self.narrow(x), scale_factor=2.0)
        out: Tensor = self.join4(self.from4(at4) + finer)
        return out

    def neck(self, images: Tensor) -> Tensor:
        """Map (N, 3, H, W), H and W multiples of 16, to what `join` returns."""
        return self.join(*self.levels(images))


def initialize(network: nn.Module) -> None:
    """Set the weights of all convolutions for ReLU (He et al. 2015), their biases to zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def initialize_heads(score: nn.Conv2d, *others: nn.Conv2d) -> None:
    """Set the weights of the last layers small, and the bias of the score so that text is rare.

    Few anchors or cells are of text: starting at 2 % avoids a first thousand steps of saying no.
    """
    for head in (score, *others):
        nn.init.normal_(head.weight, std=0.01)
    assert score.bias is not None
    nn.init.constant_(score.bias, -4.0)


def hardest(background: Tensor, count: int, negatives: float, least: int) -> Tensor:
    """Return the greatest losses of background (hard negative mining).

    Args:
        background: (K,) losses.
        count: of the positives.
        negatives: for each positive.
        least: pictures without text still teach what is no text.
    """
    return background.topk(min(len(background), max(int(negatives * count), least))).values


def mined_entropy(logits: Tensor, labels: Tensor, negatives: float, least: int) -> Tensor:
    """Return the mean cross-entropy over labels of 1 and the worst `negatives` times as many, or `least`, of 0.

    What is labelled -1 does not count.
    """
    each = F.binary_cross_entropy_with_logits(logits, (labels == 1).float(), reduction="none")
    text, others = each[labels == 1], each[labels == 0]
    worst = hardest(others, len(text), negatives, least)
    return (text.sum() + worst.sum()) / max(len(text) + len(worst), 1)


def log_overlap(found: Tensor, true: Tensor) -> Tensor:
    """Return the negative logarithms (K,) of the IoU of rectangles around the same point in one frame.

    Args:
        found: (K, 4) distances to the sides, those next to each other in turn.
        true: likewise.
    """

    def area(sides: Tensor) -> Tensor:
        return (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])

    shared = area(torch.minimum(found, true))
    union = area(found) + area(true) - shared
    return -torch.log((shared + 1) / (union + 1))


class Deployed(nn.Module):
    """The network as it is exported: batch norm folded, probabilities instead of logits.

    Args:
        network: trained weights; left as they are.
        activate: of its method.
    """

    def __init__(self, network: nn.Module, activate: Activate) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).float().cpu().eval()
        self.activate = activate
        if isinstance(getattr(self.network, "trunk", None), VGG16):
            self.network.trunk = fold(self.network.trunk)
        for module in self.network.modules():
            if isinstance(module, ConvBlock) and isinstance(module.norm, nn.BatchNorm2d):
                module.conv = fuse_conv_bn_eval(module.conv, module.norm)
                module.norm = nn.Identity()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to the method's outputs."""
        return self.activate(self.network(images))


def as_network(model: nn.Module, activate: Activate) -> Network:
    """Wrap a network as the plain callable that `Detector` takes; weights are shared, not copied."""

    @torch.inference_mode()
    def network(images: Floats) -> tuple[Floats, ...]:
        training = model.training
        model.eval()
        device = next(model.parameters()).device
        answers = model(torch.from_numpy(np.ascontiguousarray(images)).to(device))
        model.train(training)
        return tuple(answer.float().cpu().numpy() for answer in activate(answers))

    return network
