"""Figures by source, by group of sources and over all, and which pictures they are of."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from train.data.readers.jsonl import WORD_CROPS, LabelledPage, read_pages, select_pages
from train.evaluate.line_metrics import LineCounts
from train.evaluate.page_metrics import Counts

GROUPS: dict[str, frozenset[str]] = {
    "zh documents, screens": frozenset({"pdf_pages_zh", "game_ui_zh"}),
    "zh scenes, posters": frozenset({"hand_zh", "aicup_street", "mtwi2018_key"}),
    "zh hard photos, old books": frozenset({"mdpbench_demo", "taigi_hanji"}),
    "en documents": frozenset({"funsd", "scribe_en_docs", "unlv_en_pages"}),
    "en receipts": frozenset({"sroie"}),
    "en scenes": frozenset({"icdar2015_e2e"}),
    "en words": WORD_CROPS,
    "line crops": frozenset({"taigi_hanji_lines", "uw3_lines", "misc_lines_zh"}),
}


ALL = "ALL"


COLUMNS = ("bagR", "bagF1", "CER", "exact", "1-NED", "space", "hmean", "angle", "left")


@dataclass
class Group:
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
    """Rows by source, by group of sources and over all, in the order in which they are printed."""

    def __init__(self) -> None:
        self._sources: dict[str, Group] = {}
        self._groups: dict[str, Group] = {}

    def add_page(
        self,
        page: LabelledPage,
        counts: Counts,
        seconds: float | None = None,
        line_counts: LineCounts | None = None,
    ) -> None:
        """Add what was read on one page; without `seconds` its time is unknown."""
        for group in self._rows(page.source):
            group.counts += counts
            if line_counts is not None:
                group.line_counts += line_counts
            if seconds is not None:
                group.seconds.append(seconds)

    def add_turns(self, source: str, right: int, turns: int, left: int = 0) -> None:
        """Add how many turns of a page of `source` were told right, and how many of a sparse one were left open."""
        for group in self._rows(source):
            group.turns += turns
            group.turns_right += right
            group.turns_left += left

    def figures(self) -> dict[str, dict[str, float | None]]:
        """Return name to row: sources by name, then the groups that have pages, then all."""
        order = [name for name in (*GROUPS, ALL) if name in self._groups]
        rows = {name: self._sources[name] for name in sorted(self._sources)}
        return {
            name: group.figures()
            for name, group in (rows | {n: self._groups[n] for n in order}).items()
        }

    def _rows(self, source: str) -> Iterator[Group]:
        yield self._sources.setdefault(source, Group())
        for name, members in GROUPS.items():
            if source in members:
                yield self._groups.setdefault(name, Group())
        yield self._groups.setdefault(ALL, Group())


def format_table(figures: dict[str, dict[str, float | None]], title: str = "") -> str:
    """Lay out rows of `ScoreSheet.figures` as text."""
    lines = [
        f"{'source':26s} {'pages':>5s} {'lines':>6s}"
        + "".join(f" {c:>6s}" for c in COLUMNS)
        + f" {'ms':>7s}"
    ]
    if title:
        lines[0] += f"   {title}"
    for name, row in figures.items():
        cells = "".join(f" {_number(row.get(c), '6.3f')}" for c in COLUMNS)
        lines.append(
            f"{name:26s} {row['pages']:5.0f} {row['lines']:6.0f}{cells}"
            f" {_number(row['ms'], '7.0f')}"
        )
    return "\n".join(lines)


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


def selected(args: argparse.Namespace) -> list[LabelledPage]:
    """Return the pictures the command line asks for.

    Raises:
        SystemExit: there are none, no such folder, or none is named.
    """
    if args.data is None:
        raise SystemExit("which pictures? name a folder with labels.jsonl in it")
    sources = [name for name in args.source.split(",") if name]
    try:
        pages = list(
            select_pages(
                read_pages(args.data), limit=args.limit, sources=sources, cropped=args.lines
            )
        )
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from error
    if not pages:
        raise SystemExit(f"no pictures in {args.data} for this choice: see --source and --lines")
    return pages
