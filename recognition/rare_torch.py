"""RARE (Shi et al. 2016) on the small CRNN, in PyTorch: a thin-plate spline straightens a line, attention reads it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from recognition.network_torch import SmallCRNN
from recognition.rectification import thin_plate
from recognition.rectify_torch import Rectifier
from recognition.tied_attention_torch import TiedDecoder, losses

__all__ = ["NETWORKS", "RARE", "losses"]


class RARE(SmallCRNN):
    """A spline that a small network chooses for each line, `SmallCRNN`, and a decoder of one gated recurrent unit.

    Either of two reads: attention, or CTC as in `SmallCRNN`.

    Args:
        classes: classes with the blank, or end (index 0).
        decoder: units of the decoder.
        more: arguments of `SmallCRNN`.
    """

    added = ("rectifier.", "attention.")
    """What weights of the small CRNN do not have."""

    def __init__(self, classes: int, decoder: int = 128, **more: Any) -> None:
        super().__init__(classes, **more)
        self.rectifier = Rectifier(thin_plate())
        self.attention = TiedDecoder(self.classify, decoder)

    def features(self, lines: Tensor) -> Tensor:
        """Map (N, 1, 32, W) to what attention looks at, (N, T, 192), T = W / 4."""
        return self.encode(self.rectifier(lines))


NETWORKS = {"rare": RARE}
"""Those that `recognition.METHODS` names."""
