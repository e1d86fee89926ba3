"""VGG-16 networks that begin as the small ones: their layers inside the larger ones, the rest from chance.

The published networks begin with a VGG-16 that has seen a million photographs. Ours begin with what the small
detector and the small angle model know (after Chen et al. 2016, "Net2Net"): both lie side by side in the first
channels of one trunk, a convolution of stride 2 becoming one of stride 1 before a pooling, and layers that a small
network does not have pass through what they get. Channels that neither fills start from chance; nothing of the
two reads them yet, all may learn to. What is lost at first: a pooling takes the largest of four values and not the
first (their mean is brought back), the dilated convolutions of the small detector, and the maximum in the
head of the small angle model.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from angle.model_torch import AngleNet, VGG16Angle
from common.vgg16_torch import LAYERS, VGG16
from ctpn.model_torch import CTPN, VGG16CTPN
from detection.network_torch import ConvBlock

DETECTOR = {"1_1": 0, "2_1": 1, "3_1": 2, "3_2": 3, "4_1": 4, "4_2": 5, "5_1": 6, "5_2": 7}
"""Layer of the trunk to convolution of the small detector's trunk."""

ANGLE = {"1_1": 0, "2_1": 1, "2_2": 2, "3_1": 3, "3_2": 4, "4_1": 5, "4_2": 6, "5_1": 7}
"""Likewise of the small angle model."""

OPEN = 4.0
"""Bias of an LSTM's gate that is open, and with a minus one that is closed."""

Room = dict[str, tuple[int, int]]
"""Layer of the trunk to its first channel that a small network fills, and the one after the last."""


def grow(detector: CTPN, angle: AngleNet, images: Tensor) -> tuple[VGG16CTPN, VGG16Angle]:
    """Return the two networks of the papers, without batch norm, on one trunk that both share.

    Args:
        detector: trained weights; left as they are.
        angle: likewise.
        images: (N, 3, H, W) as the detector gets them, to bring back the means behind poolings.
    """
    grown, turns = VGG16CTPN(normalized=False), VGG16Angle(normalized=False)
    turns.trunk = grown.trunk
    found, pieces = _folded_detector(detector), _folded_angle(angle)
    with torch.no_grad():
        # Grey is all three colors alike: a third of the weight on each.
        pieces[0].weight.data = pieces[0].weight.expand(-1, 3, -1, -1) / 3
        room = _plant(grown.trunk, found, DETECTOR, {})
        behind = _plant(grown.trunk, pieces, ANGLE, room)
        _keep_means(grown.trunk, images)
        _plant_heads(grown, detector)
        first, last = behind["5_3"]
        turns.head.weight.zero_()
        turns.head.weight[:, first:last] = angle.head.weight[:, : last - first]
        turns.head.bias.copy_(angle.head.bias)
    return grown, turns


def _folded_detector(network: CTPN) -> list[nn.Conv2d]:
    blocks = [
        block for block in copy.deepcopy(network).eval().trunk if isinstance(block, ConvBlock)
    ]
    return [fuse_conv_bn_eval(block.conv, block.norm) for block in blocks]


def _folded_angle(network: AngleNet) -> list[nn.Conv2d]:
    layers = list(copy.deepcopy(network).eval().features)
    return [fuse_conv_bn_eval(layers[i], layers[i + 1]) for i in range(0, len(layers), 3)]


def _plant(trunk: VGG16, convs: list[nn.Conv2d], plan: dict[str, int], taken: Room) -> Room:
    """Lay a small network's convolutions behind the channels that are taken; return where it lies."""
    room: Room = {}
    before, width = (0, 3), 3
    for name in (name for names in LAYERS for name in names):
        conv = getattr(trunk, f"conv{name}")
        source = convs[plan[name]] if name in plan else None
        width = source.out_channels if source is not None else width
        first = taken[name][1] if name in taken else 0
        conv.weight[first : first + width] = 0
        if source is None:  # passes on what it gets
            for i in range(width):
                conv.weight[first + i, before[0] + i, 1, 1] = 1
        else:
            conv.weight[first : first + width, before[0] : before[1]] = source.weight
            conv.bias[first : first + width] = source.bias
        before = room[name] = (first, first + width)
    return room


def _keep_means(trunk: VGG16, images: Tensor) -> None:
    """Scale the last layer before each pooling so that means behind it are those of every other value."""
    x = images
    for block, names in enumerate(LAYERS):
        if block:
            last = getattr(trunk, f"conv{LAYERS[block - 1][-1]}")
            every, largest = x[:, :, ::2, ::2].mean((0, 2, 3)), F.max_pool2d(x, 2).mean((0, 2, 3))
            share = torch.where(largest > 0, every / largest.clamp(min=1e-9), 1.0)
            last.weight.mul_(share[:, None, None, None])
            last.bias.mul_(share)
            x = F.max_pool2d(x * share[:, None, None], 2)
        for name in names:
            x = torch.relu(getattr(trunk, f"conv{name}")(x))


def _plant_heads(grown: VGG16CTPN, small: CTPN) -> None:
    """Lay what follows the small detector's trunk into the head of the large one."""
    width = small.fc.out_channels  # of context and of the layer before the answers
    grown.conv.weight[:width], grown.conv.bias[:width] = 0, 0
    for i in range(width):
        grown.conv.weight[i, i, 1, 1] = 1
    scale = _plant_lstm(grown.lstm, small.lstm, width)
    hidden, wide = small.lstm.hidden_size, grown.lstm.hidden_size
    spare = wide - hidden
    before = small.fc.weight[:, :, 0, 0]  # (width, width + 2 hidden): context, forward, backward
    after = torch.zeros(width, 2 * wide)
    for side in range(2):
        at = side * wide
        start = width + side * hidden
        after[:, at : at + hidden] = before[:, start : start + hidden]
        part = before[:, side * spare : (side + 1) * spare]
        after[:, at + hidden : at + hidden + part.shape[1]] = part / scale
    grown.fc.weight[:width] = after
    grown.fc.bias[:width] = small.fc.bias
    score, bias = small.score.weight[:, :, 0, 0], small.score.bias
    for number, sign in ((0, -0.5), (1, 0.5)):  # a logit is the difference of two scores
        grown.score.weight[number::2, :width] = sign * score
        grown.score.bias[number::2] = sign * bias
    for name in ("delta", "side"):
        getattr(grown, name).weight[:, :width] = getattr(small, name).weight[:, :, 0, 0]
        getattr(grown, name).bias.copy_(getattr(small, name).bias)


def _plant_lstm(grown: nn.LSTM, small: nn.LSTM, width: int, scale: float = 0.2) -> float:
    """Lay a small LSTM into the first units; the others pass their input on, made small, in one step each.

    The paper's linear layer reads the LSTM alone, the small one's also what the LSTM reads. A unit whose gates are
    open and that forgets at once hands on tanh(tanh(scale * x)).

    Returns:
        What x comes out multiplied by, where it is small.
    """
    hidden, wide = small.hidden_size, grown.hidden_size
    gate = torch.sigmoid(torch.tensor(OPEN)).item()
    for side, suffix in enumerate(("", "_reverse")):
        read, again = (getattr(grown, f"weight_{k}_l0{suffix}") for k in ("ih", "hh"))
        bias = getattr(grown, f"bias_ih_l0{suffix}")
        both = sum(getattr(small, f"bias_{k}_l0{suffix}") for k in ("ih", "hh"))
        for number, open_by in enumerate((OPEN, -OPEN, 0.0, OPEN)):  # input, forget, cell, output
            rows = slice(number * wide, number * wide + hidden)
            from_ = slice(number * hidden, (number + 1) * hidden)
            read[rows], again[rows] = 0, 0
            read[rows, :width] = getattr(small, f"weight_ih_l0{suffix}")[from_]
            again[rows, :hidden] = getattr(small, f"weight_hh_l0{suffix}")[from_]
            bias[rows] = both[from_]
            rest = slice(number * wide + hidden, (number + 1) * wide)
            read[rest], again[rest], bias[rest] = 0, 0, open_by
        for i in range(wide - hidden):
            channel = side * (wide - hidden) + i
            if channel < width:
                read[2 * wide + hidden + i, channel] = scale
    return scale * gate * gate
