"""Text line detection with a Connectionist Text Proposal Network (Tian et al. 2016)."""

from ctpn.detector import Detector

__all__ = ["Detector"]
