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


START = math.log(0.3)
"""Logarithm of a region's half sides, at first."""


class Localizer(nn.Module):
    """From pictures (N, 3, SIDE, SIDE) to regions (N, REGIONS, 4), see `spotting.stn_ocr.boxes`.

    A recurrent layer looks at the features once for each region, as in the paper; where it looks (additive attention,
    Bahdanau et al. 2015) is where the region is, but for what the features there add. The paper has the whole view
    told to layers that know no place, which has to be learned for each place anew.

    Args:
        widths: channels, each at half the size of the one before.
        hidden: units of the recurrent layer.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 48, 64, 64), hidden: int = 96) -> None:
        super().__init__()
        ends = zip((3, *widths[:-1]), widths, strict=True)
        self.convs = nn.ModuleList(conv_block(a, b, (2, 2)) for a, b in ends)
        self.wide = conv_block(widths[-1], widths[-1], (1, 1))
        self.beside = nn.ModuleList(nn.Conv2d(a, widths[-1], 1) for a in widths[-3:-1])
        self.keys = nn.Conv2d(widths[-1] + 2, hidden, 1)
        self.query = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1)
        self.steps = nn.GRUCell(hidden + 2, hidden)
        self.last = nn.Linear(2 * hidden, 4)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        cells = SIDE // 2 ** (len(widths) - 2)
        middles = (2 * torch.arange(cells) + 1.0) / cells - 1
        down, right = torch.meshgrid(middles, middles, indexing="ij")
        self.register_buffer("places", torch.stack([right, down]), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the regions."""
        maps, x = [], images
        for conv in self.convs:
            x = conv(x)
            maps.append(x)
        x = self.wide(x)
        for beside, finer in zip(list(self.beside)[::-1], (maps[-2], maps[-3]), strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest") + beside(finer)
        places = (
            torch.zeros_like(x[:, :2]) + self.places
        )  # as many as there are pictures, also once exported
        keys = self.keys(torch.cat([torch.relu(x), places], dim=1)).flatten(2).transpose(1, 2)
        places = places.flatten(2).transpose(1, 2)
        state = torch.zeros_like(keys[:, 0])
        seen = torch.cat([keys.mean(dim=1), torch.zeros_like(places[:, 0]) - 1], dim=1)
        regions = []
        for _ in range(REGIONS):
            state = self.steps(seen, state)
            looks = self.score(torch.tanh(keys + self.query(state)[:, None]))
            looks = torch.softmax(looks, dim=1)
            there, middle = (looks * keys).sum(dim=1), (looks * places).sum(dim=1)
            seen = torch.cat([there, middle], dim=1)
            told = self.last(torch.cat([there, state], dim=1))
            regions.append(torch.cat([middle + told[:, :2], told[:, 2:] + START], dim=1))
        told = torch.stack(regions, dim=1)
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
