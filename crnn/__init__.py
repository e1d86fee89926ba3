"""Recognize a cropped line of text (CRNN, Shi et al. 2015)."""

from recognition.recognizer import Recognizer

__all__ = ["Recognizer"]
