"""Mix labelled lines of any sets with rendered ones (replay), so that fine-tuning does not forget.

A network that sees nothing but a few hundred lines of one kind soon reads nothing else. So each batch holds both:
lines of the sets, each cut anew as loosely as a detector does, and rendered lines as in the first training (replay).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from common.quads import VERTICAL_RATIO, crop, quad_size
from common.wording import counted
from recognition.charset import Charset, normalize
from recognition.preprocess import STRIDE, width_at_height
from train.batches.line_crops import jittered
from train.batches.lines import LineBatches
from train.data.readers import read
from train.data.readers.report import Report
from train.data.samples import MIN_CROP_HEIGHT, Line, LineSample, PageSample
from train.loop.run import log
from train.synth.line.degrade import compress
from train.transfer.interpolate import ALPHA

SYNTH = "synth"
"""The name of the part that is rendered."""
KEPT_HEIGHT = 64.0
"""Pixels of a line's height that are kept in memory: twice what the recognizer looks at; some 20 KB a line."""
_MARGIN = 0.6  # of a line's short side, kept around it: a detector's box is seldom looser


@dataclass(frozen=True)
class MixturePart:
    """A folder of labels, or `SYNTH`, and its share of the lines."""

    name: str
    weight: float


def parse_parts(text: str) -> tuple[MixturePart, ...]:
    """Return the parts of "mine:0.7,synth:0.3"; shares are of their sum.

    Raises:
        argparse.ArgumentTypeError: anything else, a folder that is not there, or no folder at all.
    """
    parts = []
    for piece in text.split(","):
        name, _, share = piece.rpartition(":")
        try:
            weight = float(share)
        except ValueError:
            weight = 0.0
        if not name or not 0 < weight < float("inf"):
            raise argparse.ArgumentTypeError(
                f"{piece!r} is no part of a mixture; expected FOLDER:SHARE, as in mine:0.7,{SYNTH}:0.3"
            )
        if name != SYNTH and not Path(name).exists():
            raise argparse.ArgumentTypeError(f"{name} does not exist: give a folder of labels")
        parts.append(MixturePart(name, weight))
    names = [part.name for part in parts]
    if len(set(names)) < len(names) or set(names) == {SYNTH}:
        raise argparse.ArgumentTypeError(
            f"{text!r} must name one folder or more, none of them twice"
        )
    total = sum(part.weight for part in parts)
    return tuple(MixturePart(part.name, part.weight / total) for part in parts)


def add_mixture(parser: argparse.ArgumentParser) -> None:
    """Add the options of fine-tuning."""
    parser.add_argument(
        "--data",
        type=parse_parts,
        metavar="FOLDER:SHARE,…",
        help=f"labelled sets in any format to train on, and {SYNTH} for rendered lines: mine:0.7,{SYNTH}:0.3",
    )
    parser.add_argument(
        "--alpha",
        type=float,
        default=ALPHA,
        help="weight of the tuned weights in finetuned.safetensors; the rest is --init (default: %(default)s)",
    )
    parser.add_argument(
        "--new-data", type=Path, help="lines like those of --data, not trained on, for the report"
    )
    parser.add_argument(
        "--new-sources", default="", help="comma-separated sources of --eval-data that --data is of"
    )


class LabelledLines:
    """The lines of one set, kept in memory, to be cut out anew each time.

    Args:
        samples: pages and pictures of lines.
        charset: lines with characters outside it are left out.
        widths: classes of width of a batch, rising.
    """

    def __init__(
        self,
        samples: Iterable[PageSample | LineSample],
        charset: Charset,
        widths: Sequence[int],
    ) -> None:
        self._widths = tuple(widths)
        self.left_out: Counter[str] = Counter()
        self._lines: list[PageSample] = []
        classes: list[int] = []
        for sample in samples:
            for patch in _patches(sample):
                line = patch.lines[0]
                width = width_at_height(*_upright_size(line))
                reason = _fault(line.text, width, charset)
                if reason:
                    self.left_out[reason] += 1
                    continue
                self._lines.append(patch)
                classes.append(self._class_of(width))
        self._classes = np.array(classes, np.int64)

    @classmethod
    def load(cls, folder: Path, charset: Charset, widths: Sequence[int]) -> LabelledLines:
        """Read a set in any format and log what was left out.

        Raises:
            ValueError: no usable line is left.
        """
        report = Report()
        lines = cls(read("auto", folder, report), charset, widths)
        log.info("%s: %s", folder, report.summary())
        usable = counted(len(lines), "line")
        log.info("%s: %s to train on; left out: %s", folder, usable, dict(lines.left_out))
        if not len(lines):
            raise ValueError(
                f"{folder} has no line to train on ({report.summary()}; {dict(lines.left_out)}); "
                "see what `python -m train.data check` says of it"
            )
        return lines

    def __len__(self) -> int:
        """Lines kept."""
        return len(self._lines)

    def width(self, rng: Generator) -> int:
        """Draw a line and return its class of width."""
        return self._widths[int(rng.choice(self._classes))]

    def draw(self, rng: Generator, width: int) -> LineSample | None:
        """Draw a line of a class of width, or a narrower one if there is none, and cut it out.

        Returns:
            The line in grey, (H, W) uint8; None where all are wider.
        """
        wanted = self._widths.index(width)
        fitting = np.flatnonzero(self._classes == wanted)
        if not len(fitting):
            fitting = np.flatnonzero(self._classes < wanted)
        if not len(fitting):
            return None
        patch = self._lines[int(rng.choice(fitting))]
        line = patch.lines[0]
        picture = crop(patch.image, jittered(line.quad, rng, float(rng.uniform(0, 1))))
        return LineSample(_varied(picture, rng), line.text, place=patch.place)

    def _class_of(self, width: int) -> int:
        """Number of the narrowest class that holds a width; wider lines are squeezed into the last."""
        return next(
            (i for i, most in enumerate(self._widths) if width <= 1.2 * most), len(self._widths) - 1
        )


class Mixture:
    """Batch i of a seed: lines of several sets and rendered ones, of one width class.

    Args:
        replay: renders and collates; its recipe and seed are used.
        sets: labelled lines.
        weights: share of each set in the lines of a batch; rendered ones are the rest.
    """

    def __init__(
        self, replay: LineBatches, sets: Sequence[LabelledLines], weights: Sequence[float]
    ) -> None:
        rest = max(0.0, 1 - sum(weights))
        # Pages are rendered for the few lines of them that a batch has room for.
        pages = max(1, round(replay.recipe.pages * rest))
        recipe = replace(replay.recipe, pages=pages)
        page = replay.page if rest > 0 else None
        self._replay = LineBatches(replay.renderer, replay.charset, recipe, replay.seed, page)
        self._sets = tuple(sets)
        self._weights = np.array([*weights, rest]) / (sum(weights) + rest)

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return a batch as `LineBatches` does."""
        samples, width = self.samples(index)
        return self._replay.collate(samples, width)

    def samples(self, index: int) -> tuple[list[LineSample], int]:
        """Return the lines of a batch and its class of width.

        Where no line of a set fits into the width, a rendered one takes its place.
        """
        replay, recipe = self._replay, self._replay.recipe
        rng = np.random.default_rng([replay.seed, index])
        first, pool = int(rng.choice(len(self._weights), p=self._weights)), []
        if replay.page is not None and rng.random() < recipe.page_share:
            width, pool = replay.page_lines(replay.page, index, rng)
        if not pool:
            is_set = first < len(self._sets)
            shares = np.array(recipe.shares) / sum(recipe.shares)
            width = (
                self._sets[first].width(rng) if is_set else int(rng.choice(recipe.widths, p=shares))
            )
        count = recipe.columns // width
        sources = rng.choice(len(self._weights), count, p=self._weights)
        samples = []
        for number, source in enumerate(sources):
            sample = self._sets[source].draw(rng, width) if source < len(self._sets) else None
            if sample is None:
                sample = (
                    pool.pop()
                    if pool
                    else replay.renderer.line(replay.seed, index * 1000 + number, width)
                )
            samples.append(sample)
        return samples, width


def mixed(parts: Sequence[MixturePart], replay: LineBatches) -> Mixture:
    """Read the sets of `--data` and mix them with rendered lines."""
    named = [part for part in parts if part.name != SYNTH]
    sets = [
        LabelledLines.load(Path(part.name), replay.charset, replay.recipe.widths) for part in named
    ]
    return Mixture(replay, sets, [part.weight for part in named])


def _patches(sample: PageSample | LineSample) -> Iterable[PageSample]:
    """Cut every readable line with a margin out of its page: a small grey page of one line."""
    if isinstance(sample, LineSample):
        height, width = sample.image.shape[:2]
        whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        sample = PageSample(sample.image, (Line(whole, sample.text),), sample.place)
    for line in sample.lines:
        if line.ignore or not line.text.strip() or min(quad_size(line.quad)) < MIN_CROP_HEIGHT:
            continue
        yield _patch(sample, line)


def _patch(page: PageSample, line: Line) -> PageSample:
    height, width = page.image.shape[:2]
    short = min(quad_size(line.quad))
    low = np.clip(np.floor(line.quad.min(axis=0) - _MARGIN * short), 0, [width - 1, height - 1])
    high = np.clip(np.ceil(line.quad.max(axis=0) + _MARGIN * short), low + 1, [width, height])
    (x0, y0), (x1, y1) = low.astype(int), high.astype(int)
    piece = np.ascontiguousarray(page.image[y0:y1, x0:x1])
    grey = cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY) if piece.ndim == 3 else piece
    scale = min(1.0, KEPT_HEIGHT / short)
    size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if scale < 1 else grey.copy()
    exact = np.array(size) / (high - low)
    quad = ((line.quad - low) * exact).astype(np.float32)
    text = normalize(line.text).strip()
    return PageSample(np.asarray(small, np.uint8), (Line(quad, text),), page.place)


def _upright_size(line: Line) -> tuple[int, int]:
    """(height, width) of the line's crop, which turns columns on their side."""
    height, width = quad_size(line.quad)
    is_column = height >= VERTICAL_RATIO * width
    return (round(width), round(height)) if is_column else (round(height), round(width))


def _fault(text: str, width: int, charset: Charset) -> str:
    """What keeps a line from being trained on, or nothing."""
    if not text:
        return "no text"
    if charset.missing(text):
        return "characters outside the charset"
    if len(text) > -(-width // STRIDE):
        return "more characters than the network has time steps"
    return ""


def _varied(picture: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """Change contrast, brightness and sharpness a little: the picture has its own faults already."""
    values = picture.astype(np.float32)
    if rng.random() < 0.5:
        middle = float(values.mean())
        values = (values - middle) * float(rng.uniform(0.6, 1.3)) + middle + rng.uniform(-25, 25)
    if rng.random() < 0.25:
        values = cv2.GaussianBlur(values, (0, 0), float(rng.uniform(0.3, 0.8)))
    if rng.random() < 0.2:
        values = values + rng.normal(0, rng.uniform(1, 6), values.shape).astype(np.float32)
    return compress(rng, np.asarray(values, np.float32))
