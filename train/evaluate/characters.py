"""Score the boxes of single characters on rendered lines, where the true ones are known.

    python -m train.evaluate.characters --count 500

Per script and in all: characters of lines read without a mistake, IoU of their extents along the line (mean, and share
below one half), and the distance of the middles in line heights. Truth is a character's advance, as fonts have it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.characters import WIDE_FROM
from common.quads import boxes_to_quads
from common.roles import Reading
from ocr.line.characters import place
from ocr.models import build
from train.data.samples import LineSample
from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.typesetting.fonts import FontLibrary

LINE_WIDTH = 512
"""Columns, at the recognizer's height, that a line fills at most."""

BATCH = 64


@dataclass(frozen=True)
class CharacterScores:
    """Of n characters: IoU, and distance of the middles in line heights, (n,) each; whether they are wide ones."""

    iou: NDArray[np.float64]
    distance: NDArray[np.float64]
    wide: NDArray[np.bool_]

    def figures(self) -> dict[str, tuple[int, float, float, float]]:
        """Return characters, mean IoU, share of IoU below 0.5 and mean distance, for wide ones, others and all."""
        rows = {"Han": self.wide, "Latin": ~self.wide, "ALL": np.ones_like(self.wide)}
        return {
            name: (
                int(rows.sum()),
                float(self.iou[rows].mean()),
                float((self.iou[rows] < 0.5).mean()),
                float(self.distance[rows].mean()),
            )
            for name, rows in rows.items()
            if rows.any()
        }


def score(
    samples: Iterable[LineSample], read: Callable[[Sequence[NDArray[np.uint8]]], list[Reading]]
) -> CharacterScores:
    """Read lines and compare the places of their characters; lines with a mistake are left out."""
    iou: list[float] = []
    distance: list[float] = []
    wide: list[bool] = []
    batch: list[LineSample] = []
    for sample in (*samples, None):
        if sample is not None:
            batch.append(sample)
        if len(batch) < BATCH and sample is not None:
            continue
        for each, reading in zip(batch, read([s.image for s in batch]), strict=True):
            if reading.text == each.text and reading.text:
                found_iou, found_distance = _compare(each, reading)
                iou += found_iou.tolist()
                distance += found_distance.tolist()
                wide += [c >= WIDE_FROM for c in each.text]
        batch = []
    return CharacterScores(np.array(iou), np.array(distance), np.array(wide, bool))


def _compare(
    sample: LineSample, reading: Reading
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    height, width = sample.image.shape[:2]
    (quad,) = boxes_to_quads(np.array([[0, 0, width, height]], np.float32))
    found = np.array([(c.start, c.stop) for c in place(reading, quad, 0.0)]) * width
    true = sample.centers[:, None] + sample.widths[:, None] * np.array([-0.5, 0.5])
    low, high = np.maximum(found[:, 0], true[:, 0]), np.minimum(found[:, 1], true[:, 1])
    union = np.maximum(found[:, 1], true[:, 1]) - np.minimum(found[:, 0], true[:, 0])
    iou = np.clip(high - low, 0, None) / np.maximum(union, 1e-6)
    return iou, np.abs(found.mean(axis=1) - sample.centers) / height


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m train.evaluate.characters", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=500, help="lines")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--corpus", type=Path, help="folder of texts")
    parser.add_argument("--backgrounds", type=Path, help="folder of photographs")
    parser.add_argument("--recognizer", default="small")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args(arguments)
    renderer = LineRenderer(FontLibrary.load(), Corpus.load(args.corpus), args.backgrounds)
    samples = (renderer.line(args.seed, i, LINE_WIDTH) for i in range(args.count))
    recognizer = build(args.recognizer, "recognizer", threads=args.threads)
    scores = score(samples, recognizer)
    print(f"{'':6s} {'characters':>10s} {'mean IoU':>9s} {'below 0.5':>9s} {'middle':>7s}")
    for name, (count, iou, below, distance) in scores.figures().items():
        print(f"{name:6s} {count:10d} {iou:9.3f} {below:9.3f} {distance:7.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
