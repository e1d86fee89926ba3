"""Show what every detector found on rendered pages of the tests, side by side in one picture a page."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from bench.detector_pictures import draw
from common.arrays import Floats, Image
from common.files import replace_when_written
from common.image import load
from train.data.readers.jsonl import read_pages
from train.data.samples import LabelledPage

DATA = Path(__file__).resolve().parents[2] / "test" / "data" / "accuracy"
SHOWN = {"sign": "sign-2", "columns": "columns-3", "slanted": "slanted-2", "small": "small-2"}
"""Name of the picture to the page that it shows, of those that `train.synth.accuracy_pages` renders."""

COLUMNS, PANEL, MOST_BYTES = 4, 300, 90_000
"""Panels in a row, pixels of a panel's long side, bytes of a picture."""

QUALITIES = (80, 65, 50)
SIDES = (1.0, 0.85, 0.7, 0.55)
"""Qualities of JPEG, and shares of a picture's sides: the first of both at which it is small enough, or the last."""


def shown_pages() -> dict[str, LabelledPage]:
    """Return the pages by the names of their pictures."""
    pages = {page.path.stem: page for page in read_pages(DATA)}
    return {name: pages[stem] for name, stem in SHOWN.items()}


def montage(page: LabelledPage, found: Mapping[str, Sequence[Floats]]) -> Image:
    """Draw the truth, then what each detector found, in rows of `COLUMNS` panels (H, W, 3)."""
    drawn = draw(load(page.path), page, found, PANEL)
    panels = np.split(drawn, len(found) + 1, axis=1)
    panels += [np.full_like(panels[0], 255)] * (-len(panels) % COLUMNS)
    rows = [np.concatenate(panels[i : i + COLUMNS], 1) for i in range(0, len(panels), COLUMNS)]
    return np.concatenate(rows, 0)


def write_jpeg(path: Path, image: Image) -> None:
    """Write a picture of at most `MOST_BYTES`, if need be at a lower quality, then smaller."""
    whole = Pillow.fromarray(image)
    for side, quality in itertools.product(SIDES, QUALITIES):
        size = round(whole.width * side), round(whole.height * side)
        stream = io.BytesIO()
        whole.resize(size, Pillow.Resampling.LANCZOS).save(
            stream, "JPEG", quality=quality, optimize=True
        )
        if stream.tell() <= MOST_BYTES:
            break
    with replace_when_written(path) as partial:
        partial.write_bytes(stream.getvalue())
