"""Fit a recognizer's confidence on rendered lines (logistic regression), and write it into its file.

    python -m train.export.confidence weights/crnn-small.onnx --out fitted --corpus CORPUS --backgrounds PHOTOGRAPHS

The coefficients of `recognition.confidence` are fitted by maximum likelihood on two of three lines; the expected
calibration error on the third is printed. `train.evaluate.true_boxes` shows it on real lines.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from common.arrays import Floats, Image
from ocr.models import decoding
from ocr.onnx_runtime import load_onnx
from recognition.confidence import Confidence, features
from recognition.recognizer import Recognizer
from train.evaluate.calibration import expected_calibration_error
from train.evaluate.page_metrics import normalize
from train.export.models import CALIBRATION_SEED, add_rendering, new_file
from train.export.onnx_file import reconfigure
from train.loop.recipes import CrnnRecipe
from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.typesetting.fonts import FontLibrary

ROUNDS = 50
"""Of Newton's method; it converges in ten."""

PENALTY = 1e-3
"""Of the coefficients' squares: keeps them finite where every line is read rightly."""


class Answers(NamedTuple):
    """What was read: features (N, 3) and whether it was right (N,)."""

    features: Floats
    right: NDArray[np.bool_]


def fit(answers: Answers) -> Confidence:
    """Fit the coefficients by Newton's method.

    Raises:
        ValueError: all answers are right, or all wrong: nothing can be told from them.
    """
    right = answers.right.astype(np.float64)
    if right.min(initial=1) == right.max(initial=0):
        raise ValueError(
            f"found {len(right)} lines all alike, expected some read rightly and some not"
        )
    known = np.column_stack([answers.features, np.ones(len(right))]).astype(np.float64)
    weights = np.zeros(known.shape[1])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-known @ weights))
        slope = known.T @ (right - likely) - PENALTY * weights
        curve = (known * (likely * (1 - likely))[:, None]).T @ known
        weights += np.linalg.solve(curve + PENALTY * np.eye(len(weights)), slope)
    return Confidence(*(round(float(weight), 4) for weight in weights))


def read(reader: Recognizer, lines: Iterable[tuple[Image, str]]) -> Answers:
    """Read lines and compare them with their truth, as `train.evaluate` does; those read as nothing are left out."""
    seen, right = [], []
    for image, truth in lines:
        (reading,) = reader([image])
        if reading.text:
            seen.append(features(reading.text, reading.char_scores))
            right.append(normalize(reading.text) == normalize(truth))
    return Answers(np.array(seen, np.float32), np.array(right))


def error(confidence: Confidence, answers: Answers) -> float:
    """Return the expected calibration error of coefficients on lines that were read."""
    z = answers.features @ np.array(confidence[:3]) + confidence.constant
    return expected_calibration_error(1 / (1 + np.exp(-z)), answers.right)


def rendered(renderer: LineRenderer, count: int) -> Iterable[tuple[Image, str]]:
    """Yield rendered lines of all widths of the training."""
    recipe, rng = CrnnRecipe(), np.random.default_rng(CALIBRATION_SEED)
    for number in range(count):
        width = int(rng.choice(recipe.widths, p=recipe.shares))
        sample = renderer.line(CALIBRATION_SEED, number, width)
        yield sample.image, sample.text


def write(source: Path, out: Path, confidence: Confidence) -> None:
    """Write a recognizer's file with coefficients in its configuration."""
    reconfigure(source, out, {"confidence": list(confidence)})


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path, help="a recognizer's ONNX file")
    parser.add_argument("--out", type=Path, required=True, help="folder to write it to")
    parser.add_argument("--lines", type=int, default=1500, help="lines to render")
    add_rendering(parser)
    args = parser.parse_args(argv)
    out = new_file(parser, args.weights, args.out)
    network, config = load_onnx(args.weights, 1)
    reader = Recognizer(network, **config, **decoding(None))
    renderer = LineRenderer(
        FontLibrary.load(args.fonts), Corpus.load(args.corpus), args.backgrounds
    )
    answers = read(
        reader, tqdm(rendered(renderer, args.lines), total=args.lines, unit="line", disable=None)
    )
    third = np.arange(len(answers.right)) % 3 == 0
    fitted = fit(Answers(answers.features[~third], answers.right[~third]))
    rest = Answers(answers.features[third], answers.right[third])
    write(args.weights, out, fitted)
    print(
        f"{out}: {answers.right.mean():.3f} of {len(answers.right)} lines read exactly; "
        f"calibration error of the third left out: {error(fitted, rest):.3f}; {fitted}"
    )


if __name__ == "__main__":
    main()
