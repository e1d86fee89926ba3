"""A spatial transformer before the small CRNN, in PyTorch: STAR-Net (Liu et al. 2016) with an affine map.

The recognizer behind it is the small CRNN, whose weights it starts from. New, it reads exactly as that does.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from recognition.ctc_loss_torch import losses
from recognition.network_torch import SmallCRNN
from recognition.rectification import affine
from recognition.rectify_torch import Rectifier

__all__ = ["NETWORKS", "STNCRNN", "losses"]


class STNCRNN(SmallCRNN):
    """An affine map that a small network chooses for each line, then `SmallCRNN`.

    Args:
        classes: classes with the blank (index 0).
        more: arguments of `SmallCRNN`.
    """

    added = ("rectifier.",)
    """What weights of the small CRNN do not have."""

    def __init__(self, classes: int, **more: Any) -> None:
        super().__init__(classes, **more)
        self.rectifier = Rectifier(affine())

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to the classifier's input (N, T, 192), T = W / 4."""
        return self.encode(self.rectifier(lines))


NETWORKS = {"stn-crnn": STNCRNN}
"""Those that `recognition.METHODS` names."""
