"""Measure what each step of reading is worth: read the pages with one step left out at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import ocr
from ocr.reader import NEEDED, Reader
from train.evaluate.scores import ALL, format_table

Figures = dict[str, dict[str, float | None]]
"""Source, group or `ALL` to its row, as `ScoreSheet.figures` gives them."""

WHOLE = "all steps"
"""Name of the row with nothing left out."""

SINGLE_LINE_STEPS = ("vote", "retry", "vertical", "rules")
"""Steps that do something on pictures of one line."""


def ablate(
    reader: ocr.Reader, evaluate: Callable[[Reader], Figures], *, single_lines: bool = False
) -> Iterator[tuple[str, Figures]]:
    """Evaluate a reader, then with each of its steps left out in turn.

    Args:
        reader: with all the steps that are to be measured.
        evaluate: reads the pages and returns the figures.
        single_lines: the pictures are of one line each, where most steps do nothing.

    Yields:
        The name of what was left out, `WHOLE` first, and the figures.
    """
    yield WHOLE, evaluate(reader)
    missing = [name for name in ocr.STEPS if name not in reader.steps]
    for name in reader.steps:
        if name in NEEDED or (name in SINGLE_LINE_STEPS[:1] and not single_lines):
            continue
        if single_lines and name not in SINGLE_LINE_STEPS:
            continue
        left = Reader(*reader.models, settings=reader.settings, without=(*missing, name))
        yield name, evaluate(left)


def format_ablation(results: Sequence[tuple[str, Figures]], title: str = "") -> str:
    """Lay out the figures over all pages, a row for each step that was left out."""
    rows = {name if name == WHOLE else f"without {name}": figures[ALL] for name, figures in results}
    return format_table(rows, title)
