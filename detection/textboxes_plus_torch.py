"""Define the TextBoxes++ network and its losses in PyTorch: pictures to quads from priors at strides 8 to 64.

Liao et al. 2018 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from detection.priors_torch import HEADS, PriorNet, activate, prior_losses, smooth_l1
from detection.textboxes_plus import TextBoxesPlus

__all__ = ["HEADS", "NETWORKS", "TextBoxesPlusNet", "activate", "losses"]


class TextBoxesPlusNet(PriorNet):
    """A head that sees three rows of five cells, wider than high as lines are (section 3.2)."""

    method: ClassVar[type[TextBoxesPlus]] = TextBoxesPlus
    kernel: ClassVar[tuple[int, int]] = (3, 5)


NETWORKS: dict[str, type[nn.Module]] = {"small": TextBoxesPlusNet}
"""Those that `detection.METHODS` names."""


def losses(maps: dict[str, Tensor], targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the losses of text and, by a fifth, of offsets (section 3.4); see `prior_losses`."""
    return prior_losses(maps, targets, smooth_l1, 0.2)
