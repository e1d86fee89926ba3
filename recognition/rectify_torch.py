"""Straighten a line before it is read: a spatial transformer (Jaderberg et al. 2015) for any width, in PyTorch.

A small network looks at a thumbnail of the line and says how to warp it (`recognition.rectification`); the line is
sampled anew at its own width. Lines of a batch are padded with zeros on the right: the width of each is found from
these, so that what becomes of a line does not depend on those beside it. New, the network says 0, and every line stays
as it is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recognition.network_torch import conv_block
from recognition.preprocess import HEIGHT
from recognition.rectification import Warp

THUMBNAIL = (16, 64)
"""Rows and columns that the small network sees of a line."""

_FINE = (32, 256)
"""Rows and columns that are sampled for it; means of them make the thumbnail."""


class Localizer(nn.Module):
    """From thumbnails (N, 1, 16, 64) to parameters (N, count), each from -1 to 1; all 0 at first.

    Three convolutions and two linear layers where RARE has four and two, on a sixth of its pixels.

    Args:
        count: parameters.
        widths: channels of the convolutions, each of which halves the picture.
        hidden: units between.
    """

    def __init__(
        self, count: int, widths: tuple[int, int, int] = (16, 32, 64), hidden: int = 64
    ) -> None:
        super().__init__()
        a, b, c = widths
        self.convs = nn.Sequential(
            conv_block(1, a, (2, 2)), conv_block(a, b, (2, 2)), conv_block(b, c, (2, 2))
        )  # (N, c, 2, 8)
        self.hidden = nn.Linear(c * (THUMBNAIL[0] // 8) * (THUMBNAIL[1] // 8), hidden)
        self.last = nn.Linear(hidden, count)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, thumbnails: Tensor) -> Tensor:
        """Return the parameters."""
        x = torch.relu(self.hidden(self.convs(thumbnails).flatten(1)))
        return torch.tanh(self.last(x))


class Rectifier(nn.Module):
    """Warp lines (N, 1, 32, W) as a small network says.

    Args:
        warp: what its parameters stand for.
    """

    def __init__(self, warp: Warp) -> None:
        super().__init__()
        self.count = len(warp.fields)
        self.localizer = Localizer(2 * self.count)
        # Neither is learned nor stored.
        fields = torch.from_numpy(warp.fields).float()
        self.shape = (fields.shape[1], fields.shape[2])
        self.register_buffer("fields", fields.flatten(1), persistent=False)
        self.register_buffer(
            "bounds", torch.from_numpy(warp.bounds.T.copy()).float(), persistent=False
        )

    def forward(self, lines: Tensor) -> Tensor:
        """Return the lines rectified, in the same shape and padded as before."""
        lines = lines.float()
        widths = text_widths(lines)
        # Not `unflatten`: the exporter wants to know how many axes there are.
        moves = self.localizer(thumbnails(lines, widths)).float().reshape(-1, 2, self.count)
        return warp_lines(lines, widths, self.displacements(moves * self.bounds))

    def displacements(self, moves: Tensor) -> Tensor:
        """Map what each parameter moves along x and y, (N, 2, K) half heights, to the mesh, (N, 2, ROWS, COLUMNS)."""
        return (moves @ self.fields).reshape(-1, 2, self.shape[0], self.shape[1])


def text_widths(lines: Tensor) -> Tensor:
    """Return how many columns of each line (N, 1, 32, W) there are before its padding, (N,) float, 1 or more."""
    inked = (lines.abs().amax((1, 2)) > 0).to(lines.dtype)
    number = torch.arange(lines.shape[3], device=lines.device) + 1.0
    return (inked * number).amax(1).clamp(min=1.0)


def thumbnails(lines: Tensor, widths: Tensor) -> Tensor:
    """Shrink each line (N, 1, 32, W), whatever its width (N,), to (N, 1, 16, 64)."""
    v = _middles(_FINE[0], lines.device)[None, :, None].expand(lines.shape[0], _FINE[0], _FINE[1])
    u = _middles(_FINE[1], lines.device)[None, None]
    x = (u + 1) * (widths / lines.shape[3])[:, None, None] - 1
    grid = torch.stack([x.expand_as(v), v], 3)
    fine = F.grid_sample(lines, grid, "bilinear", "border", False)
    return F.avg_pool2d(fine, (_FINE[0] // THUMBNAIL[0], _FINE[1] // THUMBNAIL[1]))


def warp_lines(lines: Tensor, widths: Tensor, displacements: Tensor) -> Tensor:
    """Sample every pixel of a line where the mesh says.

    Args:
        lines: (N, 1, 32, W).
        widths: (N,) columns before the padding, which stays zero.
        displacements: (N, 2, ROWS, COLUMNS), dx and dy in half heights, from corner to corner of the line.
    """
    count, columns = lines.shape[0], lines.shape[3]
    middles = _middles(columns, lines.device)  # of the padded line, from -1 to 1
    share = widths[:, None] / columns
    u = (middles[None] + 1) / share - 1  # (N, W), more than 1 in the padding
    v = _middles(HEIGHT, lines.device)
    places = torch.stack(
        [
            u[:, None].expand(count, HEIGHT, columns),
            v[None, :, None].expand(count, HEIGHT, columns),
        ],
        3,
    )
    moved = F.grid_sample(displacements, places, "bilinear", "border", True)  # (N, 2, 32, W)
    x = middles[None, None] + moved[:, 0] * (HEIGHT / columns)
    y = v[None, :, None] + moved[:, 1]
    warped = F.grid_sample(lines, torch.stack([x, y], 3), "bilinear", "border", False)
    inside = (u < 1).to(lines.dtype)
    return warped * inside[:, None, None]


def _middles(count: int, device: torch.device) -> Tensor:
    """Return the middles of so many equal parts of what reaches from -1 to 1."""
    return (2 * torch.arange(count, device=device) + 1.0) / count - 1
