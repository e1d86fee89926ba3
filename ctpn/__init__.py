"""Detect text lines with a Connectionist Text Proposal Network (Tian et al. 2016)."""

from ctpn.detector import Detector
from ctpn.method import CTPN as Method  # noqa: N811 - what `detection.METHODS` calls every method

__all__ = ["Detector", "Method"]
