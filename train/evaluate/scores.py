"""Add up figures by source, by language and kind, and over all; choose the pictures they are of."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from train.data.readers.jsonl import read_pages, select_pages
from train.data.samples import LabelledPage
from train.evaluate.line_metrics import LineCounts
from train.evaluate.page_metrics import Counts

ALL = "ALL"


COLUMNS = ("bagR", "bagF1", "CER", "exact", "1-NED", "space", "hmean", "angle", "left")


@dataclass
class GroupSums:
    """The sums of one row of the table."""

    counts: Counts = field(default_factory=Counts)
    line_counts: LineCounts = field(default_factory=LineCounts)
    seconds: list[float] = field(default_factory=list)
    turns: int = 0
    turns_right: int = 0
    turns_left: int = 0

    def figures(self) -> dict[str, float | None]:
        """Return the row: counts, figures, angle and ms; None where nothing was measured."""
        return {
            "pages": self.counts.pages,
            "lines": self.counts.lines,
            **self.counts.figures(),
            **self.line_counts.figures(),
            "angle": self.turns_right / self.turns if self.turns else None,
            "left": self.turns_left / self.turns if self.turns else None,
            "ms": statistics.median(self.seconds) * 1e3 if self.seconds else None,
        }


class ScoreSheet:
    """Rows by source, by language and kind, and over all, in the order in which they are printed."""

    def __init__(self) -> None:
        self._sources: dict[str, GroupSums] = {}
        self._kinds: dict[str, GroupSums] = {}
        self._all = GroupSums()

    def add_page(
        self,
        page: LabelledPage,
        counts: Counts,
        seconds: float | None = None,
        line_counts: LineCounts | None = None,
    ) -> None:
        """Add what was read on one page; without `seconds` its time is unknown."""
        for group in self._rows(page):
            group.counts += counts
            if line_counts is not None:
                group.line_counts += line_counts
            if seconds is not None:
                group.seconds.append(seconds)

    def add_turns(self, page: LabelledPage, right: int, turns: int, left: int = 0) -> None:
        """Add how many turns of a page were told right, and how many of a sparse one were left open."""
        for group in self._rows(page):
            group.turns += turns
            group.turns_right += right
            group.turns_left += left

    def figures(self) -> dict[str, dict[str, float | None]]:
        """Return name to row: sources by name, then languages and kinds by name, then all."""
        rows = [
            (name, table[name]) for table in (self._sources, self._kinds) for name in sorted(table)
        ]
        if rows:
            rows.append((ALL, self._all))
        return {name: group.figures() for name, group in rows}

    def _rows(self, page: LabelledPage) -> Iterator[GroupSums]:
        yield self._sources.setdefault(page.source, GroupSums())
        kind = f"{page.lang or 'any'}: {page.kind}"
        if page.kind:
            yield self._kinds.setdefault(kind, GroupSums())
        yield self._all


def format_table(figures: dict[str, dict[str, float | None]], title: str = "") -> str:
    """Lay out rows of `ScoreSheet.figures` as text."""
    return "\n".join([format_head(title), *(format_row(*row) for row in figures.items())])


def format_head(title: str = "") -> str:
    """Lay out the names of the columns."""
    names = "".join(f" {c:>6s}" for c in COLUMNS)
    head = f"{'source':26s} {'pages':>5s} {'lines':>6s}{names} {'ms':>7s}"
    return f"{head}   {title}" if title else head


def format_row(name: str, row: dict[str, float | None]) -> str:
    """Lay out one row, in the columns of `format_head`."""
    cells = "".join(f" {_number(row.get(c), '6.3f')}" for c in COLUMNS)
    return f"{name:26s} {row['pages']:5.0f} {row['lines']:6.0f}{cells} {_number(row['ms'], '7.0f')}"


def _number(value: float | None, form: str) -> str:
    return "-".rjust(int(form.split(".")[0])) if value is None else format(value, form)


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which pictures; `selected` reads them."""
    parser.add_argument(
        "data", type=Path, nargs="?", help="folder with labels.jsonl beside the pictures"
    )
    parser.add_argument("--limit", type=int, help="pages of each source")
    parser.add_argument("--source", default="", help="comma-separated sources instead of all")
    parser.add_argument(
        "--lines", action="store_true", help="the pictures of single lines, not the pages"
    )
    parser.add_argument("--json", type=Path, help="the table as JSON")


def selected(
    data: Path | None, limit: int | None, source: str, *, lines: bool
) -> list[LabelledPage]:
    """Return the pictures the command line asks for.

    Args:
        data: folder with `labels.jsonl`.
        limit: pages of each source; None takes all.
        source: names of sources with commas between them; empty takes all.
        lines: pictures of single lines, instead of pages.

    Raises:
        SystemExit: there are none, no such folder, or none is named.
    """
    if data is None:
        raise SystemExit("which pictures? name a folder with labels.jsonl in it")
    sources = [name for name in source.split(",") if name]
    try:
        pages = list(select_pages(read_pages(data), limit=limit, sources=sources, cropped=lines))
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from error
    if not pages:
        raise SystemExit(f"no pictures in {data} for this choice: see --source and --lines")
    return pages
