"""Mine hard examples: keep the lines that a recognizer does not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.edit_distance import edit_distance
from recognition.recognizer import Recognizer
from train.data.samples import LineSample


class HardLines:
    """Keeps the lines that a recognizer reads wrong and some of those that it reads right.

    Rendering and reading a line take a fraction of what a training step takes for it, and can run beside it. Lines of
    which most is read wrong are kept seldom: many of them nobody could read (Mindermann et al. 2022, "Prioritized
    Training on Points that are Learnable, Worth Learning, and Not Yet Learnt").

    Args:
        path: ONNX file of the recognizer; opened when the first line is read, so in the process that renders.
        right: share kept of lines that are read right.
        lost: edits for each character from which a line counts as lost.
        hopeless: share kept of lines that are lost.
    """

    def __init__(
        self, path: Path, right: float = 0.5, lost: float = 0.6, hopeless: float = 0.35
    ) -> None:
        self.path, self.right, self.lost, self.hopeless = path, right, lost, hopeless
        self._reader: Recognizer | None = None

    def __call__(self, samples: Sequence[LineSample], rng: np.random.Generator) -> list[LineSample]:
        """Return the samples that are kept, in their order."""
        if self._reader is None:
            self._reader = _open(self.path)
        # One by one: lines read together are taken to be of one page and of one script.
        return [
            sample
            for sample in samples
            if rng.random()
            < self._chance(sample.text.strip(), self._reader([sample.image])[0].text)
        ]

    def _chance(self, truth: str, reading: str) -> float:
        wrong = edit_distance(truth, reading) / max(len(truth), 1)
        if not wrong:
            return self.right
        return self.hopeless if wrong > self.lost else 1.0


def _open(path: Path) -> Recognizer:
    from ocr.onnx_runtime import load_onnx

    network, config = load_onnx(path, 1)
    return Recognizer(network, **config, decode="greedy")
