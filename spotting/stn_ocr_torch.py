"""Define STN-OCR in PyTorch: pictures to regions, regions sampled, each read by the small CRNN.

Bartz et al. 2017. Reading starts from the small CRNN (`--init-reader weights/crnn-small.onnx`) and may stay as it is:
its gradients then tell the localizer where there is something to read.
"""

from __future__ import annotations

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recognition.network_torch import SmallCRNN, conv_block
from recognition.preprocess import HEIGHT
from spotting.stn_ocr import COLUMNS, REGIONS, SIDE

HEADS = ("localizer",)
"""Parts of the names of layers that int8 leaves in float."""

MIN_LOG = -2.5
"""Logarithm of a region's half side, at least: smaller ones would show a spot of one color, which teaches nothing."""

TRUNK, HEAD = ("regions",), ("log_probs",)
"""Names of what `trunk` and `head` give."""

LEAST_SPREAD = 0.05
"""Of a region's grey, in the localizer's units: about what `recognition.preprocess` has."""


class Localizer(nn.Module):
    """From pictures (N, 3, SIDE, SIDE) to regions (N, REGIONS, 4), see `spotting.stn_ocr.boxes`.

    Convolutions, whose view of the whole picture is told to a recurrent layer once for each region, as in the paper.
    At first the regions are the picture's quarters from top to bottom.

    Args:
        widths: channels, each at half the size of the one before.
        hidden: of the view, and units of the recurrent layer.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 48, 64, 64), hidden: int = 128) -> None:
        super().__init__()
        ends = zip((3, *widths[:-1]), widths, strict=True)
        self.convs = nn.Sequential(*(conv_block(a, b, (2, 2)) for a, b in ends))
        cells = SIDE // 2 ** len(widths)
        self.view = nn.Linear(widths[-1] * cells * cells, hidden)
        self.steps = nn.LSTM(hidden, hidden, batch_first=True)
        self.last = nn.Linear(hidden, 4)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        middles = (2 * torch.arange(REGIONS) + 1.0) / REGIONS - 1
        start = torch.stack(
            [
                torch.zeros(REGIONS),
                middles,
                torch.full((REGIONS,), math.log(0.9)),
                torch.full((REGIONS,), math.log(1.2 / REGIONS)),
            ],
            dim=1,
        )
        self.register_buffer("start", start, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the regions."""
        x = torch.relu(self.view(self.convs(images).flatten(1)))
        steps = self.steps(x[:, None].expand(-1, REGIONS, -1))[0]
        told = self.last(steps) + self.start
        middle = told[..., :2].clamp(-1, 1)
        return torch.cat([middle, torch.exp(told[..., 2:].clamp(MIN_LOG, 0))], dim=-1)


class STNOCRNet(nn.Module):
    """The localizer and the small CRNN.

    Args:
        classes: with the blank.
        reader: arguments of `SmallCRNN`.
        localizer: arguments of `Localizer`.
    """

    def __init__(
        self,
        classes: int,
        reader: dict[str, int] | None = None,
        localizer: dict[str, int] | None = None,
    ) -> None:
        super().__init__()
        self.localizer = Localizer(**(localizer or {}))
        self.reader = SmallCRNN(classes, **(reader or {}))

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 3, SIDE, SIDE) to the lines of all regions (N * REGIONS, 1, HEIGHT, COLUMNS)."""
        return sample(images, self.localizer(images))


def sample(images: Tensor, regions: Tensor) -> Tensor:
    """Sample regions (N, R, 4) of pictures (N, 3, H, W) as grey lines (N * R, 1, HEIGHT, COLUMNS) of one contrast."""
    count, parts = regions.shape[:2]
    u, v = (
        (2 * torch.arange(side, device=images.device) + 1.0) / side - 1
        for side in (COLUMNS, HEIGHT)
    )
    x = regions[:, :, 0:1] + regions[:, :, 2:3] * u
    y = regions[:, :, 1:2] + regions[:, :, 3:4] * v
    shape = (count, parts, HEIGHT, COLUMNS)
    grid = torch.stack(
        [x[:, :, None].expand(shape), y[:, :, :, None].expand(shape)], dim=-1
    ).reshape(count, parts * HEIGHT, COLUMNS, 2)
    grey = images.mean(dim=1, keepdim=True)
    lines = F.grid_sample(grey, grid, padding_mode="border", align_corners=False)
    lines = lines.reshape(count * parts, 1, HEIGHT, COLUMNS)
    lines = lines - lines.mean(dim=(2, 3), keepdim=True)
    spread = lines.square().mean(dim=(2, 3), keepdim=True)
    return lines / (spread + LEAST_SPREAD**2).sqrt()


class Reading(nn.Module):
    """The recognizer as it is deployed."""

    def __init__(self, reader: SmallCRNN) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to log-probabilities (N, T, C)."""
        return torch.log_softmax(self.reader(lines).float(), 2)


NETWORK = STNOCRNet
"""Of both networks, made for a number of classes."""


def trunk(network: STNOCRNet) -> nn.Module:
    """Return the localizer as it is exported."""
    return copy.deepcopy(network.localizer)


def head(network: STNOCRNet) -> nn.Module:
    """Return the recognizer as it is exported."""
    return Reading(network.reader)
