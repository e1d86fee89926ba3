"""Wrap a CTPN network as a detector."""

from __future__ import annotations

from typing import Any

from common.arrays import Network
from ctpn.method import CTPN
from detection import detector
from detection.detector import split_config


class Detector(detector.Detector):
    """Find the lines of text in an upright picture with a CTPN network.

    Args:
        network: (1, 3, H, W) float32 with H and W multiples of 16 to probabilities (1, R, C, 10),
            vertical offsets (1, R, C, 10, 2) and side offsets (1, R, C, 10).
        config: fields of `ctpn.method.CTPN` and of `detection.scales.ScaleSettings`, arguments of
            `detection.detector.Detector`.
    """

    def __init__(self, network: Network, **config: Any) -> None:  # noqa: ANN401
        method, rest = split_config(CTPN, config)
        super().__init__(network, method, **rest)
