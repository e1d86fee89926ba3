"""Classify how far a page is turned: 0, 90, 180 or 270 degrees."""

from angle.classifier import Classifier
from angle.scene import Scene

__all__ = ["Classifier", "Scene"]
