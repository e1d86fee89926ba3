"""Define the TextBoxes network and its losses in PyTorch: pictures to boxes from priors at strides 8 to 64.

Liao et al. 2017 on the trunk of the small CTPN, whose weights it starts from (`--init-trunk weights/ctpn-small.onnx`).
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from detection.priors_torch import HEADS, PriorNet, activate, prior_losses, smooth_l1
from detection.textboxes import TextBoxes

__all__ = ["HEADS", "NETWORKS", "TextBoxesNet", "activate", "losses"]


class TextBoxesNet(PriorNet):
    """A head that sees a row of five cells, as wide as words are (section 3.1)."""

    method: ClassVar[type[TextBoxes]] = TextBoxes
    kernel: ClassVar[tuple[int, int]] = (1, 5)


NETWORKS: dict[str, type[nn.Module]] = {"small": TextBoxesNet}
"""Those that `detection.METHODS` names."""


def losses(maps: dict[str, Tensor], targets: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the losses of text and offsets (section 3.1), of equal weight; see `prior_losses`."""
    return prior_losses(maps, targets, smooth_l1, 1.0)
