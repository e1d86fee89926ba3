"""Make the pages of the accuracy test: each kind the renderer draws, small print, and skewed pages.

    python -m train.synth.accuracy_pages test/data/accuracy

writes one JPEG of at most `MOST_BYTES` a page, and `labels.jsonl` in the form that `train.evaluate`
reads, with the group as its source. With the same fonts the pages are the same.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image as Pillow
from tqdm import tqdm

from common.arrays import Image, Quads
from train.data.samples import PageSample
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.effects import geometric
from train.synth.generate import record
from train.synth.page import PageRenderer
from train.synth.typesetting.fonts import FontLibrary

SEED = 31
MOST_BYTES = 32_000
QUALITIES = (80, 65, 50)
"""Of JPEG: the first at which the picture is small enough."""

LONG_SIDE = 1100
MOST_IGNORED = 0.2
"""Share of a page's lines that may be cut or too small to count."""

SMALL_PRINT = 11.0
"""Height in pixels of the smaller lines of small print."""


class PageGroup(NamedTuple):
    """Pages of a group: so many of a kind of the renderer's, with at least so many lines."""

    kind: str
    count: int
    lines: int = 3
    change: Callable[[Image, Quads, Generator], tuple[Image, Quads]] | None = None


def skewed(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Turn a page by 8 to 20 degrees to either side, on a grey ground, all of it kept."""
    side = 1 if rng.random() < 0.5 else -1
    degrees = side * float(rng.uniform(8, 20))
    height, width = image.shape[:2]
    turn = np.deg2rad(degrees)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    size = round(width * abs(sin) + height * cos), round(width * cos + height * abs(sin))
    middle = np.array([size[1] / 2 - (cos * width - sin * height) / 2,
                       size[0] / 2 - (sin * width + cos * height) / 2])  # fmt: skip
    matrix = np.array([[cos, -sin, middle[0]], [sin, cos, middle[1]], [0, 0, 1]])
    return geometric.warp(image, quads, matrix, size, fill=(210, 208, 204))


def reduced(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Scale a page down until its smaller lines are `SMALL_PRINT` pixels high."""
    scale = min(1.0, SMALL_PRINT / geometric.text_height(quads))
    size = round(image.shape[0] * scale), round(image.shape[1] * scale)
    return geometric.warp(image, quads, np.diag([scale, scale, 1.0]), size)


GROUPS = {
    "document": PageGroup("document", 3),
    "scan": PageGroup("scan", 2),
    "form": PageGroup("form", 2),
    "receipt": PageGroup("receipt", 3),
    "table": PageGroup("table", 3),
    "screen": PageGroup("screen", 3),
    "game": PageGroup("game", 2),
    "poster": PageGroup("poster", 2),
    "sign": PageGroup("street", 3, lines=2),
    "columns": PageGroup("columns", 3),
    "small": PageGroup("document", 2, lines=6, change=reduced),
    "slanted": PageGroup("scan", 2, lines=6, change=skewed),
}


def encoded(image: Image) -> bytes | None:
    """Encode a picture as JPEG, at the first quality at which it is small enough; None at none."""
    for quality in QUALITIES:
        stream = io.BytesIO()
        Pillow.fromarray(image).save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= MOST_BYTES:
            return stream.getvalue()
    return None


def wanted(page: PageSample, group: PageGroup) -> bool:
    """Whether a page has lines enough, nearly all of which count, and is not too large."""
    ignored = sum(line.ignore for line in page.lines)
    counted = len(page.lines) - ignored
    large = max(page.image.shape[:2]) > LONG_SIDE
    return not large and counted >= group.lines and ignored <= MOST_IGNORED * len(page.lines)


def changed(page: PageSample, group: PageGroup, rng: Generator) -> PageSample:
    """Change a page as its group asks, and its quads with it."""
    if group.change is None:
        return page
    image, quads = group.change(page.image, np.array([line.quad for line in page.lines]), rng)
    lines = [replace(line, quad=quad) for line, quad in zip(page.lines, quads, strict=True)]
    return PageSample(image, tuple(lines))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m train.synth.accuracy_pages", description=__doc__.splitlines()[0]
    )
    parser.add_argument("out", type=Path, help="folder, made if it is missing")
    out = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    pages = PageRenderer(FontLibrary.load(None), Corpus.load(None), Backgrounds.load(None))
    records = []
    for number, (name, group) in enumerate(tqdm(GROUPS.items(), unit="group", disable=None)):
        made = 0
        for index in itertools.count(1000 * number):
            page = pages.page(SEED, index, kind=group.kind)
            if not wanted(page, group):
                continue
            page = changed(page, group, np.random.default_rng([SEED, index]))
            content = encoded(page.image)
            if content is None:
                continue
            made += 1
            file = f"{name}-{made}.jpg"
            (out / file).write_bytes(content)
            records.append(record(file, page, name))
            if made == group.count:
                break
    lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in records)
    (out / "labels.jsonl").write_text(lines, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
