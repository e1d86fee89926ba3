"""Read a folder of labelled pictures with the project's own models and print how well that went.

    python -m train.evaluate DATA            pages: text, boxes, angle, time
    python -m train.evaluate DATA --lines    the pictures of single lines instead
    python -m train.evaluate DATA --turns    the angle alone, over the four turns of each page
    python -m train.evaluate DATA --upright  without these turns
    python -m train.evaluate DATA --upright --aslant 20    every page turned clockwise by 20 degrees
    python -m train.evaluate DATA --errors FOLDER    and FOLDER/index.html: every miss by its cause

Per source, per group and in all: bagR and bagF1 (recall and F1 of the page's multiset of
characters), CER of the page in reading order, exact (share of lines read exactly), 1-NED (lines
paired by boxes, ICDAR 2019), space (F1 of the spaces between Latin words), hmean (boxes one to one
at IoU 0.5), angle (share of the four turns of each page told right), left (share of turns
left open, on pages of under three words) and ms (median per page, models loaded, decoding
included). A dash: the truth cannot say.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

import ocr
from common.arrays import Image
from common.image import load, rotate_ccw
from crnn.recognizer import SEARCHES
from ocr.models import build, decoding
from ocr.orientation import KNOWN
from ocr.slant import AS_IT_IS, placed, turned
from train.data.readers.jsonl import WORD_CROPS, LabelledPage, read_pages, select_pages
from train.errors_html import ErrorPages
from train.metrics import Counts, ReadLine, count_page
from train.metrics_lines import LineCounts, count_lines
from train.run import write_json

_LOG = logging.getLogger(__name__)

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
Classify = Callable[[Image], tuple[int, float]]
COLUMNS = ("bagR", "bagF1", "CER", "exact", "1-NED", "space", "hmean", "angle", "left")
TURNS = (0, 90, 180, 270)
SPARSE = 3
"""Words below which a page's turn may be left open."""


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


def judge_turns(classify: Classify, image: Image) -> tuple[int, int]:
    """Turn an upright picture all four ways: how many of the turns are told right, how many others are left alone."""
    answers = [(t, *classify(rotate_ccw(image, -t % 360))) for t in TURNS]
    right = [degrees == turn for turn, degrees, _ in answers]
    left = [score < KNOWN for _, _, score in answers]
    return sum(right), sum(b and not a for a, b in zip(right, left, strict=True))


def is_sparse(page: LabelledPage) -> bool:
    """Whether a page has so few words that its turn may be left open."""
    return sum(len(line.text.split()) for line in page.lines if not line.ignore) < SPARSE


def read_page(
    reader: ocr.Reader, page: LabelledPage, aslant: float = 0.0
) -> tuple[list[ReadLine], float]:
    """Read one picture; one that cannot be read counts as read empty, and is logged.

    Args:
        reader: reads it.
        page: the picture.
        aslant: degrees by which it is turned clockwise before.

    Returns:
        The lines in reading order, where they are on the picture as labelled, and the seconds from decoding to result.
    """
    start = time.perf_counter()
    back = AS_IT_IS
    try:
        picture: Path | Image = page.path
        if aslant:
            picture, back = turned(load(page.path), -aslant)
        result = reader.read(picture, single_line=page.cropped)
    except ocr.InputError as error:
        _LOG.warning("counted as empty: %s", error)
        return [], time.perf_counter() - start
    seconds = time.perf_counter() - start
    return [ReadLine(x.text, placed(np.array(x.box), back)) for x in result.lines], seconds


def evaluate(
    pages: Sequence[LabelledPage],
    *,
    reader: ocr.Reader | None,
    classify: Classify | None,
    errors: ErrorPages | None = None,
    aslant: float = 0.0,
) -> ScoreSheet:
    """Read every page, tell the angle of its four turns, or both; cropped lines have no turns.

    Args:
        pages: The pages.
        reader: None leaves the pages unread.
        classify: None leaves the turns untold.
        errors: collects why lines were missed; None does not ask.
        aslant: degrees by which pages are turned clockwise before they are read.
    """
    sheet = ScoreSheet()
    for page in tqdm(pages, unit="page", disable=None):
        if reader is not None:
            lines, seconds = read_page(reader, page, aslant)
            sheet.add_page(page, count_page(page, lines), seconds, count_lines(page, lines))
            if errors is not None:
                errors.add(page, lines)
        else:
            sheet.add_page(page, Counts(pages=1))
        if classify is not None and not page.cropped:
            try:
                right, left = judge_turns(classify, load(page.path))
            except ocr.InputError as error:
                _LOG.warning("angle not measured: %s", error)
                continue
            sheet.add_turns(page.source, right, len(TURNS), left * is_sparse(page))
    return sheet


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which pictures; `selected` reads them."""
    parser.add_argument("data", type=Path, help="folder with labels.jsonl beside the pictures")
    parser.add_argument("--limit", type=int, help="pages of each source")
    parser.add_argument("--source", default="", help="comma-separated sources instead of all")
    parser.add_argument(
        "--lines", action="store_true", help="the pictures of single lines, not the pages"
    )
    parser.add_argument("--json", type=Path, help="the table as JSON")


def selected(args: argparse.Namespace) -> list[LabelledPage]:
    """Return the pictures the command line asks for.

    Raises:
        SystemExit: there are none, or no such folder.
    """
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train.evaluate", description=(__doc__ or "").split("\n\n")[0]
    )
    add_selection(parser)
    parser.add_argument("--models", default="small", help="set of models (default: %(default)s)")
    for model in ("angle", "detector", "recognizer"):
        parser.add_argument(f"--{model}", metavar="NAME", help=f"another {model} model")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--turns", action="store_true", help="only the angle over four turns of each page"
    )
    which.add_argument(
        "--upright", action="store_true", help="no turns: large models take long for them"
    )
    parser.add_argument(
        "--aslant", type=float, default=0.0, metavar="DEGREES", help="turn pages clockwise before"
    )
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument(
        "--errors", type=Path, metavar="FOLDER", help="every miss by its cause, as HTML; no turns"
    )
    parser.add_argument("--decode", choices=SEARCHES)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    args = _parser().parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s")
    pages = selected(args)
    reader = ocr.load(
        args.models,
        angle=args.angle,
        detector=args.detector,
        recognizer=args.recognizer,
        device=args.device,
        threads=args.threads,
        decode=args.decode,
    )
    errors = None
    if args.errors and not args.turns:
        recognizer = build(
            args.recognizer or args.models,
            "recognizer",
            device=args.device,
            threads=args.threads,
            options=decoding(args.decode),
        )
        errors = ErrorPages(args.errors, recognizer)
    untold = args.lines or args.errors or args.upright
    figures = evaluate(
        pages,
        reader=None if args.turns else reader,
        classify=None if untold else reader.orientation,
        errors=errors,
        aslant=args.aslant,
    ).figures()
    print(format_table(figures, f"{args.models} on {args.data.name}"))
    if args.json:
        write_json(args.json, figures)
    if errors is not None:
        print(f"misses by cause: {errors.write()}")


if __name__ == "__main__":
    main()
