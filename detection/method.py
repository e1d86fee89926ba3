"""Say what a detection method adds to the kit; `ctpn/method.py` and `detection/db.py` are two.

A method is a frozen dataclass of its thresholds, in numpy, with the parts below. Its network and losses are in a
`*_torch.py` beside it: `NETWORKS`, names of networks whose outputs are logits and offsets in the order of `outputs`;
`activate(outputs)`, probabilities for the logits; `losses(maps, targets)`, weighted, summed by the training and logged
by name; `HEADS`, parts of the names of the layers that int8 leaves in float. A method of two stages keeps its second
network itself and names the features that it samples among the outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Quads, Scores

Bools = NDArray[np.bool_]


class Lines(NamedTuple):
    """Lines of text in pixels of the network's input."""

    quads: Quads
    """(M, 4, 2) clockwise from the text's own top left."""
    scores: Scores
    """(M,) probabilities."""
    heights: Floats
    """(K,) pixels: heights of the text, one for some 16 pixels of its length; from them a scale is chosen."""


class Output(NamedTuple):
    """One map of the network: (N, H / stride, W / stride, *shape)."""

    shape: tuple[int, ...]
    """Of one cell; () for a single channel."""
    stride: int
    """Pixels of the network's input in a cell."""


class DetectionMethod(Protocol):
    """Turn lines into what the network should answer, and answers into lines."""

    stride: ClassVar[int]
    """What sides of the network's input are multiples of; a multiple of the stride of every output."""

    outputs: ClassVar[Mapping[str, Output]]
    """The network's maps by name, in the order of its outputs and of the ONNX file's."""

    max_degrees: ClassVar[float]
    """Slope up to which lines are found; above 45 pages are learned at every angle."""

    fitted: ClassVar[tuple[str, ...]]
    """Settings, least probabilities, that `train.export.thresholds` chooses, those that decide first first."""

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """Return what the losses compare the maps of one picture with, as arrays of fixed shapes.

        Args:
            quads: (L, 4, 2) lines in pixels of the network's input; they may reach outside.
            ignore: (L,) lines that are neither text nor background.
            size: (height, width) of the input, multiples of `stride`.
        """
        ...

    def maps_of(self, targets: Mapping[str, Any]) -> dict[str, Floats]:
        """Return the maps of a network that has learned its targets perfectly: `decode` gives the quads back."""
        ...

    def decode(self, maps: Mapping[str, Floats]) -> Lines:
        """Find the lines in the maps of one picture, each (H / stride, W / stride, *shape)."""
        ...


@runtime_checkable
class CharacterMethod(Protocol):
    """A method that learns from characters, too, where these are known."""

    def character_targets(
        self, quads: Quads, ignore: Bools, size: tuple[int, int], characters: Sequence[Quads | None]
    ) -> dict[str, Any]:
        """Return what `DetectionMethod.targets` does.

        Args:
            quads: (L, 4, 2), as there.
            ignore: (L,).
            size: (height, width).
            characters: for each line the quads of its characters (n, 4, 2), each beginning where the line does; None
                where they are not known.
        """
        ...
