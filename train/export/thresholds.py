"""Fit a detector's thresholds on rendered pages, and write them into its file.

    python -m train.export.thresholds db weights/db.onnx --out fitted --corpus CORPUS --backgrounds PHOTOGRAPHS

What probability text has depends on how long a network learned and on how its worst mistakes were weighted (three of
background for one of text: Liu et al. 2016, section 2.2), so that .5 is not where it is as likely right as wrong.
Those settings that the method names are chosen from a grid by the mean of the H-mean at an IoU of .5 and of .7: first
one value for all, then each in turn. `bench.detectors` shows what that does on real pages.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.arrays import Floats, Network
from detection import METHODS
from detection.detector import Detector
from detection.method import DetectionMethod
from ocr.onnx_runtime import load_onnx
from train.detector_torch import EvaluationPage, rendered_pages
from train.evaluate.page_metrics import BoxCounts, match_boxes
from train.export.models import CALIBRATION_SEED, add_rendering, new_file, page_renderer
from train.export.onnx_file import reconfigure

GRID = tuple(round(0.05 * step, 2) for step in range(2, 16))
"""Probabilities that are tried."""

LEAST = (0.5, 0.7)
"""IoU from which a line is found."""

ROUNDS = 3
"""Each setting is chosen again so many times at most."""

Worth = Callable[[Mapping[str, float]], float]
"""How well lines are found with settings, from 0 to 1."""


@dataclass
class Remembering:
    """A network that remembers its answers: thresholds change what is made of them, and hardly what it sees."""

    network: Network
    answers: dict[bytes, Sequence[Floats]] = field(default_factory=dict)

    def __call__(self, image: Floats) -> Sequence[Floats]:
        """Return the network's maps of a picture."""
        key = hashlib.sha256(np.ascontiguousarray(image)).digest()
        if key not in self.answers:
            self.answers[key] = self.network(image)
        return self.answers[key]


def worth_on(network: Network, method: DetectionMethod, pages: Sequence[EvaluationPage]) -> Worth:
    """Return what tells how well lines of pages are found with other settings of a method."""
    known = Remembering(network)

    def worth(settings: Mapping[str, float]) -> float:
        detector = Detector(known, replace(method, **settings))
        counts = [BoxCounts() for _ in LEAST]
        for page in pages:
            quads = list(detector(page.image)[0])
            for number, least in enumerate(LEAST):
                counts[number] += match_boxes(quads, list(page.quads), list(page.ignore), least)
        return sum(one.hmean for one in counts) / len(counts)

    return worth


def fit(names: Sequence[str], start: Mapping[str, float], worth: Worth) -> dict[str, float]:
    """Choose settings of some names from the grid; what is no better leaves them as they are.

    Args:
        names: of the settings, those that decide first before those that decide on what is left.
        start: what they are.
        worth: of settings.
    """
    best, most = dict(start), worth(start)
    alike = [dict.fromkeys(names, value) for value in GRID]
    for _ in range(ROUNDS):
        before = most
        turns = [alike] if alike else []
        turns += [[{name: value} for value in GRID] for name in names]
        alike = []
        for turn in turns:
            for change in turn:
                found = worth({**best, **change})
                if found > most:
                    best, most = {**best, **change}, found
        if most == before:
            break
    return best


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("method", choices=[name for name in METHODS if name != "ctpn"])
    parser.add_argument("weights", type=Path, help="its ONNX file")
    parser.add_argument("--out", type=Path, required=True, help="folder to write it to")
    parser.add_argument("--pages", type=int, default=24, help="to render")
    add_rendering(parser)
    args = parser.parse_args(argv)
    out = new_file(parser, args.weights, args.out)
    network, _ = load_onnx(args.weights, 1)
    method = importlib.import_module(METHODS[args.method].package).Method()
    pages = rendered_pages(page_renderer(args), CALIBRATION_SEED, args.pages)
    worth = worth_on(network, method, pages)
    start = {name: float(getattr(method, name)) for name in method.fitted}
    with tqdm(unit="try", disable=None) as progress:

        def watched(settings: Mapping[str, float]) -> float:
            progress.update()
            return worth(settings)

        fitted = fit(method.fitted, start, watched)
    reconfigure(args.weights, out, fitted)
    print(f"{out}: {worth(start):.3f} with {start}, {worth(fitted):.3f} with {fitted}")


if __name__ == "__main__":
    main()
