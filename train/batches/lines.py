"""Make batches of rendered lines; cut real lines from labelled pages to evaluate a recognizer on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common import image as pictures
from common.arrays import Image
from common.quads import crop
from recognition.charset import Charset, normalize
from recognition.preprocess import HEIGHT, STRIDE, UPSCALE_BELOW_HEIGHT, to_input, width_at_height
from train.batches.bent import bend
from train.batches.line_crops import line_crops
from train.data.readers.jsonl import read_pages
from train.data.samples import LineSample, PageSample
from train.loop.recipes import CrnnRecipe
from train.synth.line.render import LineRenderer

IGNORE = -1
# A step this far (in widths of the character) from a character's middle may still say it; nothing
# is asked of it.
_NEAR = 0.32


class LineBatches:
    """Batch i of a seed: lines of one width class, with labels and what each time step should say.

    Args:
        renderer: renders lines by themselves, which is fast.
        charset: numbers the characters.
        recipe: sizes and shares.
        seed: of everything drawn here.
        page: from a number to a rendered page, whose lines are cut out as a detector would; slower, and closer to
            what a reader meets. None leaves such batches out.
    """

    def __init__(
        self,
        renderer: LineRenderer,
        charset: Charset,
        recipe: CrnnRecipe,
        seed: int,
        page: Callable[[int], PageSample] | None = None,
    ) -> None:
        self.renderer, self.charset, self.recipe, self.seed = renderer, charset, recipe, seed
        self.page = page

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return `lines` (N, 1, 32, W) float32, `labels` (N, L), `lengths`, `steps` (N,), `aligned` (N, T)."""
        rng = np.random.default_rng([self.seed, index])
        width = int(rng.choice(self.recipe.widths, p=self.recipe.shares))
        samples: list[LineSample] = []
        if self.page is not None and rng.random() < self.recipe.page_share:
            width, samples = self.page_lines(self.page, index, rng)
        if not samples:
            count = self.recipe.columns // width
            samples = self.rendered(index * 1000, count, width)
        return self.collate(samples, width)

    def rendered(self, first: int, count: int, width: int) -> list[LineSample]:
        """Render so many lines of a width class; those with characters that are not in the charset are left out."""
        lines = (self.renderer.line(self.seed, first + i, width) for i in range(count))
        readable = [line for line in lines if self.is_readable(line.text)]
        rng = np.random.default_rng([self.seed, first])
        return [bend(s, rng) if rng.random() < self.recipe.bent else s for s in readable]

    def is_readable(self, text: str) -> bool:
        """Whether the recognizer can say a text."""
        return is_readable(text, self.charset)

    def page_lines(
        self, page: Callable[[int], PageSample], index: int, rng: np.random.Generator
    ) -> tuple[int, list[LineSample]]:
        """Cut the lines out of a few pages; return the width class that has most of them, and those."""
        classes: dict[int, list[LineSample]] = {width: [] for width in self.recipe.widths}
        for i in range(self.recipe.pages):
            for sample in line_crops(page(index * self.recipe.pages + i), rng):
                wide = width_at_height(*sample.image.shape[:2])
                width = next((w for w in self.recipe.widths if wide <= 1.2 * w), None)
                if width is not None and self.is_readable(sample.text):
                    classes[width].append(sample)
        width = max(classes, key=lambda w: w * len(classes[w]))
        return width, classes[width][: self.recipe.columns // width]

    def collate(self, samples: list[LineSample], width: int) -> dict[str, NDArray[np.generic]]:
        """Bring samples to the input height; those wider than `width` by more than a fifth are squeezed."""
        # One shape per width class: every new shape costs the convolution library a new plan.
        return self.stacked(samples, int(width * 1.2) // (4 * STRIDE) * (4 * STRIDE))

    def stacked(self, samples: list[LineSample], columns: int) -> dict[str, NDArray[np.generic]]:
        """Bring samples to the input height and into one width, to which wider ones are squeezed."""
        return stack_lines(samples, columns, self.charset)


def is_readable(text: str, charset: Charset) -> bool:
    """Whether a recognizer of these characters can say a text."""
    return bool(text) and normalize(text) == text and not charset.missing(text)


def stack_lines(
    samples: Sequence[LineSample], columns: int, charset: Charset
) -> dict[str, NDArray[np.generic]]:
    """Return what `LineBatches` does, of lines brought to one width, to which wider ones are squeezed."""
    widths = [width_at_height(*s.image.shape[:2], columns) for s in samples]
    longest = max((len(s.text) for s in samples), default=1)
    lines = np.zeros((len(samples), 1, HEIGHT, columns), np.float32)
    labels = np.zeros((len(samples), longest), np.int64)
    aligned = np.full((len(samples), columns // STRIDE), IGNORE, np.int64)
    for i, (sample, w) in enumerate(zip(samples, widths, strict=True)):
        lines[i, 0, :, :w] = to_input(sample.image, w)
        labels[i, : len(sample.text)] = charset.encode(sample.text)
        aligned[i] = align(sample, w, columns // STRIDE)
    lengths = np.array([len(s.text) for s in samples], np.int64)
    steps = np.array([-(-w // STRIDE) for w in widths], np.int64)
    return {
        "lines": lines,
        "labels": labels,
        "lengths": lengths,
        "steps": steps,
        "aligned": aligned,
    }


def align(sample: LineSample, width: int, steps: int) -> NDArray[np.int64]:
    """Say for each of `steps` time steps which character stands there.

    Returns:
        (steps,) int64: j + 1 under the middle of character j, 0 (blank) between characters and
        beyond the ends, IGNORE beside the middles. All IGNORE where the sample has no positions.
    """
    out = np.full(steps, IGNORE, np.int64)
    if len(sample.centers) != len(sample.text):
        return out
    scale = width / sample.image.shape[1] / STRIDE
    centers, reach = sample.centers * scale - 0.5, sample.widths * scale * _NEAR
    distance = np.abs(np.arange(steps)[:, None] - centers[None])
    out[(distance > reach[None]).all(1)] = 0
    middle = np.clip(np.rint(centers).astype(np.int64), 0, steps - 1)
    # Narrow neighbours may share a step; the one that stands closer has it.
    for j in np.argsort(-np.abs(np.rint(centers) - centers), kind="stable"):
        out[middle[j]] = j + 1
    _part_neighbours(out, sample.text, middle)
    return out


def _part_neighbours(aligned: NDArray[np.int64], text: str, middle: NDArray[np.int64]) -> None:
    """Ask for a blank between equal neighbours, which are else read as one, and for nothing where there is no room.

    At a step of four pixels the middles of two l or i are a step or two apart. Of neighbours that share a step, and of
    equal ones beside each other, CTC alone says where they are told.

    Args:
        aligned: (T,) what `align` asks of each step; changed.
        text: of the line.
        middle: (n,) step of the middle of each character.
    """
    for j in range(len(text) - 1):
        first, second = int(middle[j]), int(middle[j + 1])
        equal, between = text[j] == text[j + 1], aligned[first + 1 : second]
        if second <= first or (equal and second == first + 1):
            around = aligned[max(first - 1, 0) : second + 2]
            around[(around == 0) | (around == j + 1) | (around == j + 2)] = IGNORE
        elif equal and not (between == 0).any():
            aligned[(first + second) // 2] = 0


def real_lines(folder: Path, per_source: int) -> list[tuple[str, Image, str]]:
    """Return (source, crop, truth) of labelled line quads and of pictures that are one line.

    At most `per_source` lines of each source, spread evenly over it. For judging alone.
    """
    found: list[tuple[str, Path, NDArray[np.float32] | None, str]] = []
    for page in read_pages(folder):
        for line in page.lines:
            if line.ignore or not line.text.strip():
                continue
            if line.quad is None and len(page.lines) > 1:
                continue
            found.append((page.source, page.path, line.quad, line.text))
    totals = Counter(source for source, *_ in found)
    seen: Counter[str] = Counter()
    out, loaded, image = [], None, None
    for source, path, quad, text in found:
        step = max(1, totals[source] // per_source)
        seen[source] += 1
        if seen[source] % step or seen[source] // step > per_source:
            continue
        if path != loaded:
            loaded, image = path, pictures.load(path)
        assert image is not None
        out.append(
            (source, image if quad is None else crop(image, quad, fine=UPSCALE_BELOW_HEIGHT), text)
        )
    return out
