"""Define the DMPNet network and its losses in PyTorch: pictures to quads from turned priors at strides 8 to 64.

Liu and Jin 2017 on the trunk of the small CTPN, whose weights it starts from
(`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from detection.dmpnet import DMPNet
from detection.priors_torch import HEADS, PriorNet, activate, prior_losses

__all__ = ["HEADS", "NETWORKS", "DMPNetwork", "activate", "losses", "smooth_ln"]

OFFSETS_WEIGHT = 3.0
"""Offsets are shares of a prior here, and small; the methods that divide them by variances need less."""


class DMPNetwork(PriorNet):
    """A head that sees three rows of three cells."""

    method: ClassVar[type[DMPNet]] = DMPNet
    kernel: ClassVar[tuple[int, int]] = (3, 3)


NETWORKS: dict[str, type[nn.Module]] = {"small": DMPNetwork}
"""Those that `detection.METHODS` names."""


def smooth_ln(found: Tensor, true: Tensor) -> Tensor:
    """Sum of (|d| + 1) ln(|d| + 1) - |d| over differences d, whose slope grows ever more slowly (section 3.4)."""
    apart = (found - true).abs()
    return ((apart + 1) * torch.log1p(apart) - apart).sum()


def losses(maps: dict[str, Tensor], targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the losses of text and offsets (section 3.4), weighted; see `prior_losses`."""
    return prior_losses(maps, targets, smooth_ln, OFFSETS_WEIGHT)
