"""Define FOTS in PyTorch: EAST's network, lines sampled from its features, the small CRNN behind them.

Liu et al. 2018. Finding starts from the small CTPN or from EAST (`--init-trunk weights/ctpn-small.onnx`), reading from
the small CRNN (`--init-reader weights/crnn-small.onnx`), whose features on the same line cut out of the picture are
targets besides.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detection import east_torch
from detection.east_torch import EASTNet
from detection.network_torch import SMALL, Deployed, Widths
from recognition.network_torch import SmallCRNN, conv_block
from spotting.fots import FEATURES, FOTS
from spotting.roi_rotate import OUTSIDE

HEADS = east_torch.HEADS
"""Parts of the names of layers that int8 leaves in float."""

TRUNK, HEAD = tuple(FOTS.outputs), ("log_probs",)
"""Names of what `trunk` and `head` give."""

LEAST_SPREAD = 0.1
"""Of features along a line: what is flatter is mostly noise, which must not be blown up to look like text."""


class Lines(NamedTuple):
    """Lines of a batch of pictures.

    Attributes:
        places: (R, ROWS, W / 2, 2) their grids, see `spotting.roi_rotate.places`.
        picture: (R,) int64, ascending: the picture that each is on.
    """

    places: Tensor
    picture: Tensor


class RoiCRNN(SmallCRNN):
    """The small CRNN from its second convolution on, which sees features sampled on a line in place of its pixels.

    Args:
        classes: with the blank (index 0).
        more: arguments of `SmallCRNN`.
    """

    def __init__(self, classes: int, **more: int) -> None:
        super().__init__(classes, **more)
        second = self.stem[1]
        width = second[0].in_channels
        first = nn.Sequential(conv_block(sum(FEATURES.values()), width), conv_block(width, width))
        self.stem = nn.Sequential(first, second)

    def start_from(self, other: SmallCRNN) -> None:
        """Take the weights of all layers that the other one has, too."""
        state = self.state_dict()
        known = {k: v for k, v in other.state_dict().items() if not k.startswith("stem.0.")}
        self.load_state_dict({**state, **known})

    def sampled(self, near: Tensor, wide: Tensor, places: Tensor) -> Tensor:
        """Return the features of lines of one picture (N, C, ROWS, W / 2), each line's of one contrast.

        Args:
            near: (1, C, H / 2, W / 2) of the picture.
            wide: (1, C, H / 4, W / 4) of the picture.
            places: (N, ROWS, W / 2, 2).
        """
        inside = (places[:, None, :, :, 0] > OUTSIDE / 2 - 0.1).to(near.dtype)
        found = [normalized(roi_rotate(one, places), inside) for one in (near, wide)]
        return torch.cat(found, dim=1)


class FOTSNet(EASTNet):
    """EAST's network, and what reads the lines from the features of its first two stages.

    `--init-trunk` takes the weights of EAST as well as those of the small CTPN.

    Args:
        classes: with the blank.
        widths: channels of the shared layers.
        hidden: recurrent units of EAST's network.
        reader: arguments of `SmallCRNN`.
    """

    from_trunk: ClassVar[tuple[str, ...]] = (
        *EASTNet.from_trunk, "from", "join", "narrow.", "score.", "distances.", "angle.",
    )  # fmt: skip

    def __init__(
        self,
        classes: int,
        widths: Widths = SMALL,
        hidden: int = 64,
        reader: dict[str, int] | None = None,
    ) -> None:
        super().__init__(widths, hidden)
        self.reader = RoiCRNN(classes, **(reader or {}))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to EAST's three maps and the features, channels last; see `FOTS.outputs`."""
        near = self.trunk[0](images)
        at4, at8, at16 = self.coarser_levels(near)
        x = self.join(at4, at8, self.along_rows(at16))
        maps = self.score(x)[:, 0], self.distances(x).permute(0, 2, 3, 1), self.angle(x)[:, 0]
        return *maps, near.permute(0, 2, 3, 1), at4.permute(0, 2, 3, 1)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features alone, as `forward` does: a quarter of its arithmetic."""
        near = self.trunk[0](images)
        return near.permute(0, 2, 3, 1), self.trunk[1:3](near).permute(0, 2, 3, 1)

    @property
    def finds(self) -> bool:
        """Whether any layer that only finding needs is trained."""
        return any(p.requires_grad for p in self.score.parameters())

    def sample(self, near: Tensor, wide: Tensor, lines: Lines) -> Tensor:
        """Return the features (R, C, ROWS, W / 2) of lines on pictures, whose features are as `forward` gives them."""
        parts = [
            self.reader.sampled(
                near[number][None].permute(0, 3, 1, 2),
                wide[number][None].permute(0, 3, 1, 2),
                lines.places[lines.picture == number],
            )
            for number in lines.picture.unique_consecutive().tolist()
        ]
        return torch.cat(parts)


def roi_rotate(features: Tensor, places: Tensor) -> Tensor:
    """Sample features (1, C, H, W) of one picture on the grids (N, R, S, 2) of its lines: (N, C, R, S).

    Between cells they are interpolated; beyond the picture they are those of its border.
    """
    count, rows, columns = places.shape[0], places.shape[1], places.shape[2]
    grid = places.reshape(1, count * rows, columns, 2).to(features.dtype)
    found = F.grid_sample(features, grid, padding_mode="border", align_corners=False)
    found = found.reshape(features.shape[1], count, rows, columns)
    return found.permute(1, 0, 2, 3)


def normalized(x: Tensor, inside: Tensor) -> Tensor:
    """Bring each line (N, C, R, S) to a mean of 0 for each channel and a spread of 1 for all; 0 where `inside` is."""
    inside = inside.to(x.dtype)
    count = inside.sum((2, 3), keepdim=True).clamp(min=1.0)
    x = (x - (x * inside).sum((2, 3), keepdim=True) / count) * inside
    variance = x.square().sum((1, 2, 3), keepdim=True) / (count * x.shape[1])
    return x / (variance + LEAST_SPREAD**2).sqrt()


class Head(nn.Module):
    """The second network as it is deployed."""

    def __init__(self, reader: RoiCRNN) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, places: Tensor, near: Tensor, wide: Tensor) -> Tensor:
        """Map grids (N, ROWS, W / 2, 2) and the features of a picture to log-probabilities (N, W / 4, classes)."""
        reader = self.reader
        features = reader.features(reader.sampled(near, wide, places))
        return torch.log_softmax(reader.classify(features).float(), 2)


NETWORK = FOTSNet
"""Of both networks, made for a number of classes."""


def activate(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn EAST's outputs into what is decoded; features stay."""
    return *east_torch.activate(outputs[:3]), *outputs[3:]


def trunk(network: FOTSNet) -> nn.Module:
    """Return the first network as it is exported."""
    whole = Deployed(network, activate)
    del whole.network.reader
    return whole


def head(network: FOTSNet) -> nn.Module:
    """Return the second network as it is exported."""
    return Head(network.reader)
