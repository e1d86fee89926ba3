"""Accuracy: thirty rendered pages of every kind are read as well as bounds say, and each step of reading helps.

The pages were made by `python -m train.synth.accuracy_pages test/data/accuracy`: documents, scans, forms,
receipts, tables, screens, games, posters, signs, columns, small print and pages turned by 8 to 20 degrees.
They are rendered, as the models' training pages are, so the bounds say nothing of how well real pages are
read; they tell when a change makes reading worse. `python -m train.evaluate test/data/accuracy [--ablate]`
prints the same figures.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest

import ocr
from ocr.reader import Reader
from ocr.sheet import Models
from train.data.readers.jsonl import read_pages
from train.evaluate.ablation import WHOLE, ablate
from train.evaluate.page_metrics import Counts, ReadLine, count_page

pytestmark = pytest.mark.slow

PAGES = Path(__file__).resolve().parents[1] / "data" / "accuracy"
ALL = "ALL"


class Bound(NamedTuple):
    """Most of the character error rate in reading order, least of characters' F1 and boxes' H-mean.

    On posters and among signs any order of lines is as good as the renderer's, so the rate is high there, and F1
    is what counts.
    """

    cer: float
    f1: float
    hmean: float


# Measured with the shipped models, less what a few characters or a line of a group weigh.
BOUNDS = {
    "document": Bound(0.28, 0.97, 0.85),
    "scan": Bound(0.06, 0.98, 0.95),
    "form": Bound(0.06, 0.95, 0.79),
    "receipt": Bound(0.04, 0.98, 0.93),
    "table": Bound(0.03, 0.98, 0.90),
    "screen": Bound(0.20, 0.98, 0.95),
    "game": Bound(0.05, 0.96, 0.95),
    "poster": Bound(0.40, 0.93, 0.94),
    "sign": Bound(0.60, 0.82, 0.94),
    "columns": Bound(0.36, 0.85, 0.78),
    "small": Bound(0.20, 0.88, 0.91),
    "slanted": Bound(0.49, 0.86, 0.97),
    ALL: Bound(0.20, 0.94, 0.94),
}

SLACK = 0.003
"""How much worse all pages together may be read with a step than without it."""

Figures = dict[str, dict[str, float | None]]


class Remembered:
    """A model that is asked the same thing once: leaving out a step changes few of the questions."""

    def __init__(self, model: Any) -> None:
        self._model, self._answers = model, dict[bytes, Any]()

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._ask("", self._model, *args, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._ask, name, getattr(self._model, name))

    def _ask(self, name: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        digest = hashlib.sha256(name.encode())
        for value in (*args, *sorted(options.items())):
            for part in value if isinstance(value, (list, tuple)) else [value]:
                array = np.ascontiguousarray(part)
                digest.update(f"{array.shape}{array.dtype}".encode() + array.tobytes())
        key = digest.digest()
        if key not in self._answers:
            self._answers[key] = function(*args, **options)
        return self._answers[key]


def evaluate(reader: Reader) -> Figures:
    sums: dict[str, Counts] = defaultdict(Counts)
    for page in read_pages(PAGES):
        lines = [ReadLine(line.text, line.box) for line in reader.read(page.path).lines]
        for group in (page.source.removeprefix("rendered_"), ALL):
            sums[group] += count_page(page, lines)
    return {group: counts.figures() for group, counts in sums.items()}


@pytest.fixture(scope="module")
def results(shipped_reader: ocr.Reader) -> dict[str, Figures]:
    """Figures by group, of all steps and without each."""
    asked = Models(*(None if m is None else Remembered(m) for m in shipped_reader.models))
    reader = Reader(*asked, settings=shipped_reader.settings)
    return dict(ablate(cast(ocr.Reader, reader), evaluate))


@pytest.mark.parametrize("group", BOUNDS)
def test_pages_are_read_within_their_bounds(group: str, results: dict[str, Figures]) -> None:
    found, bound = results[WHOLE][group], BOUNDS[group]
    assert found["CER"] <= bound.cer
    assert found["bagF1"] >= bound.f1
    assert found["hmean"] >= bound.hmean


def test_every_group_has_its_bounds(results: dict[str, Figures]) -> None:
    assert results[WHOLE].keys() == BOUNDS.keys()
    assert sum(1 for _ in read_pages(PAGES)) == 30


@pytest.mark.parametrize(
    "step", [step for step in ocr.STEPS if step not in ("detect", "recognize")]
)
def test_no_step_makes_reading_worse(step: str, results: dict[str, Figures]) -> None:
    if step not in results:
        pytest.skip("does nothing on pages")
    whole, without = results[WHOLE][ALL], results[step][ALL]
    assert whole["CER"] <= without["CER"] + SLACK
    assert whole["hmean"] >= without["hmean"] - SLACK
