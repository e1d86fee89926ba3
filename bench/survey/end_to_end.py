"""Count the lines of pages that were found and read right.

As the literature counts end to end: a line is right where it is found at an IoU of 0.5, one to one, and its text is
that of the truth, in the form in which texts are compared here (`train.evaluate.page_metrics.normalize`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from bench.detector_scores import ALL, RECALL
from common.arrays import Image
from common.image import load
from train.data.samples import LabelledPage
from train.evaluate.box_metrics import BoxCounts
from train.evaluate.line_metrics import LineCounts, count_lines
from train.evaluate.page_metrics import ReadLine, comparable, match_pairs

Read = Callable[[Image], list[ReadLine]]
"""Finds and reads the lines of a picture (H, W, 3); of those that it cannot read the text is empty."""

PARTIAL = f", {RECALL}"
"""Ends the names of groups whose truth names part of the text."""


@dataclass
class Counts:
    """What is added up over the pages of a group."""

    found: BoxCounts = field(default_factory=BoxCounts)
    right: BoxCounts = field(default_factory=BoxCounts)
    lines: LineCounts = field(default_factory=LineCounts)

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.found + other.found, self.right + other.right, self.lines + other.lines)

    def figures(self, *, partial: bool = False) -> dict[str, float | None]:
        """Return counts and shares; where the truth names part of the text (`partial`), recall alone."""
        row = {"lines": self.right.n_true, "recall": self.right.recall}
        if partial:
            return row | dict.fromkeys(("precision", "hmean", "found", "1-NED"))
        return row | {
            "precision": self.right.precision,
            "hmean": self.right.hmean,
            "found": self.found.hmean,
            "1-NED": self.lines.figures()["1-NED"],
        }


def count(page: LabelledPage, lines: Sequence[ReadLine]) -> Counts:
    """Compare what was found and read on a page with its truth, whose lines of unknown place do not count."""
    known = [line for line in page.lines if line.quad is not None]
    quads, ignore = [line.quad for line in known], [line.ignore for line in known]
    forms = [comparable(line.text, alnum=page.alnum) for line in known]
    read = [line for line in lines if line.text]
    return Counts(
        _pairs(quads, ignore, lines, lambda i, j: True),
        _pairs(
            quads,
            ignore,
            read,
            lambda i, j: forms[i] == comparable(read[j].text, alnum=page.alnum),
        ),
        count_lines(page, read),
    )  # fmt: skip


def _pairs(
    quads: Sequence[Any],
    ignore: Sequence[bool],
    lines: Sequence[ReadLine],
    right: Callable[[int, int], bool],
) -> BoxCounts:
    """Match lines one to one, and count those pairs as hits that are right."""
    matched = match_pairs([line.box for line in lines if line.box is not None], quads, ignore)
    hits = sum(not ignore[i] and right(i, j) for i, j in matched)
    n_pred = len(lines) - sum(ignore[i] for i, _ in matched)
    return BoxCounts(hits, hits, len(quads) - sum(ignore), n_pred)


def counted(
    read: Read, pages: Sequence[LabelledPage], seconds: list[float], name: str
) -> dict[str, Counts]:
    """Read pages whose truth has lines and their places, and count by source and over all.

    Args:
        read: the system; it sees the first page once before, untimed.
        pages: others, of words among them, are passed over.
        seconds: CPU seconds of each page are added, all threads together, without decoding of its file.
        name: of the system, for the progress.
    """
    groups: dict[str, Counts] = defaultdict(Counts)
    known = [p for p in pages if not p.word_level and any(line.quad is not None for line in p.lines)]  # fmt: skip
    for page in tqdm(known, desc=name, unit="page", disable=None):
        image = load(page.path)
        if not seconds:
            read(image)
        start = time.process_time()
        lines = read(image)
        seconds.append(time.process_time() - start)
        counts = count(page, lines)
        groups[page.source + PARTIAL * page.partial] += counts
        if not page.partial:
            groups[ALL] += counts
    return groups
