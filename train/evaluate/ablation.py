"""Measure what each step of reading contributes: read the pages with one step left out at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ocr
from ocr.reader import NEEDED, Reader
from train.evaluate.scores import ALL, format_row
from train.loop.run import write_json

Figures = dict[str, dict[str, float | None]]
"""Source, group or `ALL` to its row, as `ScoreSheet.figures` gives them."""

WHOLE = "all steps"
"""Name of the row with nothing left out."""

SINGLE_LINE_STEPS = ("vote", "retry", "vertical", "rules")
"""Steps that do something on pictures of one line."""


def ablate(
    reader: ocr.Reader,
    evaluate: Callable[[Reader], Figures],
    *,
    single_lines: bool = False,
    known: Mapping[str, Figures] = MappingProxyType({}),
) -> Iterator[tuple[str, Figures]]:
    """Evaluate a reader, then with each of its steps left out in turn.

    Args:
        reader: with all the steps that are to be measured.
        evaluate: reads the pages and returns the figures.
        single_lines: the pictures are of one line each, where most steps do nothing.
        known: figures by name that need not be measured again.

    Yields:
        The name of what was left out, `WHOLE` first, and the figures, as soon as they are measured.
    """
    yield WHOLE, known[WHOLE] if WHOLE in known else evaluate(reader)
    missing = [name for name in ocr.STEPS if name not in reader.steps]
    for name in reader.steps:
        if name in NEEDED or (name in SINGLE_LINE_STEPS[:1] and not single_lines):
            continue
        if single_lines and name not in SINGLE_LINE_STEPS:
            continue
        if name in known:
            yield name, known[name]
            continue
        left = Reader(*reader.models, settings=reader.settings, without=(*missing, name))
        yield name, evaluate(left)


def format_ablation(name: str, figures: Figures) -> str:
    """Lay out the figures over all pages as a row of the table of `scores.format_table`."""
    return format_row(name if name == WHOLE else f"without {name}", figures[ALL])


class AblationFile:
    """Rows of an ablation in a JSON file, from which an interrupted one goes on.

    Args:
        path: of the file; None keeps nothing.
        conditions: what the figures depend on.

    Raises:
        ValueError: the file holds something else, or rows that were measured under other conditions.
    """

    def __init__(self, path: Path | None, conditions: Mapping[str, Any]) -> None:
        self._path = path
        self._conditions = json.loads(json.dumps(conditions, default=str))
        self.rows: dict[str, Figures] = {}
        if path is None or not path.exists():
            return
        try:
            found = json.loads(path.read_text(encoding="utf8"))
            before, self.rows = found["conditions"], dict(found["rows"])
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is not the file of an ablation; name another") from error
        differ = [k for k, v in self._conditions.items() if before.get(k) != v]
        if differ:
            told = ", ".join(f"{k} {before.get(k)!r}, now {self._conditions[k]!r}" for k in differ)
            raise ValueError(f"{path} was measured with {told}; name another file or remove it")

    def add(self, name: str, figures: Figures) -> None:
        """Keep a row."""
        self.rows[name] = figures
        if self._path is not None:
            write_json(self._path, {"conditions": self._conditions, "rows": self.rows})
