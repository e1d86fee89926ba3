"""Initialize the VGG-16 networks from the small ones (Net2Net, Chen et al. 2016); random elsewhere.

The published networks start from a VGG-16 trained on a million photographs. Ours start from the small detector and the
small angle model: both are copied side by side into the first channels of one trunk. A convolution of stride 2
becomes one of stride 1 before a pooling; layers that a small network lacks are identities. Channels that
neither fills are random, and nothing copied reads them yet. What is lost at first: a pooling takes the largest of
four values and not the first (the mean is corrected), the dilated convolutions of the small detector, and the
maximum in the head of the small angle model.
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
"""Layer of the trunk to number of the convolution in the small detector's trunk."""

ANGLE = {"1_1": 0, "2_1": 1, "2_2": 2, "3_1": 3, "3_2": 4, "4_1": 5, "4_2": 6, "5_1": 7}
"""Likewise of the small angle model."""

GATE_BIAS = 4.0
"""Bias of an open gate of an LSTM; negated, of a closed one."""

ChannelRanges = dict[str, tuple[int, int]]
"""Layer of the trunk to the range of its channels (first, last + 1) that a small network fills."""


def widen(detector: CTPN, angle: AngleNet, images: Tensor) -> tuple[VGG16CTPN, VGG16Angle]:
    """Return the two networks of the papers, without batch norm, on one shared trunk.

    Args:
        detector: trained; not changed.
        angle: likewise.
        images: (N, 3, H, W) as the detector gets them, to correct the means after poolings.
    """
    large, turns = VGG16CTPN(normalized=False), VGG16Angle(normalized=False)
    turns.trunk = large.trunk
    found, turned = _folded_detector(detector), _folded_angle(angle)
    with torch.no_grad():
        # Grey means equal colors: a third of the weight on each.
        turned[0].weight.data = turned[0].weight.expand(-1, 3, -1, -1) / 3
        ranges = _copy_convolutions(large.trunk, found, DETECTOR, {})
        behind = _copy_convolutions(large.trunk, turned, ANGLE, ranges)
        _keep_means(large.trunk, images)
        _copy_heads(large, detector)
        first, last = behind["5_3"]
        turns.head.weight.zero_()
        turns.head.weight[:, first:last] = angle.head.weight[:, : last - first]
        turns.head.bias.copy_(angle.head.bias)
    return large, turns


def _folded_detector(network: CTPN) -> list[nn.Conv2d]:
    blocks = [
        block for block in copy.deepcopy(network).eval().trunk if isinstance(block, ConvBlock)
    ]
    return [fuse_conv_bn_eval(block.conv, block.norm) for block in blocks]


def _folded_angle(network: AngleNet) -> list[nn.Conv2d]:
    layers = list(copy.deepcopy(network).eval().features)
    return [fuse_conv_bn_eval(layers[i], layers[i + 1]) for i in range(0, len(layers), 3)]


def _copy_convolutions(
    trunk: VGG16, convs: list[nn.Conv2d], plan: dict[str, int], taken: ChannelRanges
) -> ChannelRanges:
    """Copy a small network's convolutions after the channels that are taken; return its channels."""
    ranges: ChannelRanges = {}
    before, width = (0, 3), 3
    for name in (name for names in LAYERS for name in names):
        conv = getattr(trunk, f"conv{name}")
        source = convs[plan[name]] if name in plan else None
        width = source.out_channels if source is not None else width
        first = taken[name][1] if name in taken else 0
        conv.weight[first : first + width] = 0
        if source is None:  # identity
            for i in range(width):
                conv.weight[first + i, before[0] + i, 1, 1] = 1
        else:
            conv.weight[first : first + width, before[0] : before[1]] = source.weight
            conv.bias[first : first + width] = source.bias
        before = ranges[name] = (first, first + width)
    return ranges


def _keep_means(trunk: VGG16, images: Tensor) -> None:
    """Scale the last layer before each pooling so that means after it are those of strided subsampling."""
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


def _copy_heads(large: VGG16CTPN, small: CTPN) -> None:
    """Copy what follows the small detector's trunk into the head of the large one."""
    width = small.fc.out_channels  # of context and of the layer before the outputs
    large.conv.weight[:width], large.conv.bias[:width] = 0, 0
    for i in range(width):
        large.conv.weight[i, i, 1, 1] = 1
    scale = _copy_lstm(large.lstm, small.lstm, width)
    hidden, wide = small.lstm.hidden_size, large.lstm.hidden_size
    spare = wide - hidden
    before = small.fc.weight[:, :, 0, 0]  # (width, width + 2 hidden): context, forward, backward
    after = torch.zeros(width, 2 * wide)
    for side in range(2):
        at = side * wide
        start = width + side * hidden
        after[:, at : at + hidden] = before[:, start : start + hidden]
        part = before[:, side * spare : (side + 1) * spare]
        after[:, at + hidden : at + hidden + part.shape[1]] = part / scale
    large.fc.weight[:width] = after
    large.fc.bias[:width] = small.fc.bias
    score, bias = small.score.weight[:, :, 0, 0], small.score.bias
    for number, sign in ((0, -0.5), (1, 0.5)):  # a logit is the difference of two scores
        large.score.weight[number::2, :width] = sign * score
        large.score.bias[number::2] = sign * bias
    for name in ("delta", "side"):
        getattr(large, name).weight[:, :width] = getattr(small, name).weight[:, :, 0, 0]
        getattr(large, name).bias.copy_(getattr(small, name).bias)


def _copy_lstm(large: nn.LSTM, small: nn.LSTM, width: int, scale: float = 0.2) -> float:
    """Copy a small LSTM into the first units; the other units pass their scaled input through.

    The paper's linear layer reads the LSTM alone, the small one's also the LSTM's input. A unit with open input and
    output gates and a closed forget gate outputs tanh(tanh(scale * x)).

    Returns:
        The factor between a small x and that output.
    """
    hidden, wide = small.hidden_size, large.hidden_size
    gate = torch.sigmoid(torch.tensor(GATE_BIAS)).item()
    for side, suffix in enumerate(("", "_reverse")):
        read, again = (getattr(large, f"weight_{k}_l0{suffix}") for k in ("ih", "hh"))
        bias = getattr(large, f"bias_ih_l0{suffix}")
        both = sum(getattr(small, f"bias_{k}_l0{suffix}") for k in ("ih", "hh"))
        for number, open_by in enumerate(
            (GATE_BIAS, -GATE_BIAS, 0.0, GATE_BIAS)
        ):  # input, forget, cell, output
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
