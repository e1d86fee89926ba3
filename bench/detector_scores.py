"""Score what detectors found, by source and kind of page, by aspect ratio, direction and height of the text."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detector_runs import DetectorRun
from common.arrays import Floats
from common.quads import is_column, quad_size
from detection.quads import COLUMN_DEGREES
from train.data.samples import LabelledPage
from train.evaluate.box_metrics import BoxCounts, deteval
from train.evaluate.page_metrics import match_pairs

LEAST = {"0.5": 0.5, "0.7": 0.7}
"""Name to the IoU from which a line is found."""

RATIOS = (3, 8, 20)
HEIGHTS = (12, 24, 48, 96)
"""Pixels of the picture as labelled."""

LEVEL_DEGREES = 10.0
"""A line is level up to this slope, vertical from `COLUMN_DEGREES` off upright, slanted between."""

WORDS = "words, DetEval"
RECALL = "recall alone"

ALL = "all"

Scores = dict[str, dict[str, BoxCounts]]
"""Group to protocol (a key of `LEAST`, or DetEval) to counts."""


def groups_of(quad: Floats) -> Iterator[str]:
    """Yield the groups that a line (4, 2), from its text's top left, belongs to."""
    height, width = quad_size(quad)
    column = is_column(height, width)
    short, long = sorted((max(height, 1.0), max(width, 1.0)))
    along = quad[3] - quad[0] if column else quad[1] - quad[0]
    slope = abs(math.degrees(math.atan2(along[1], along[0])))
    slope = min(slope, 180 - slope)
    direction = "slanted"
    if slope <= LEVEL_DEGREES:
        direction = "level"
    elif slope >= 90 - COLUMN_DEGREES:
        direction = "vertical"
    yield f"ratio {_bin(long / short, RATIOS, least=1)}"
    yield f"direction {direction}"
    yield f"height {_bin(short, HEIGHTS)}"


def _bin(value: float, edges: Sequence[int], least: int = 0) -> str:
    below = [least, *edges]
    place = int(np.searchsorted(edges, value, side="right"))
    return f">{edges[-1]}" if place == len(edges) else f"{below[place]}-{edges[place]}"


def all_groups() -> Iterator[str]:
    """Yield the groups of lines in the order in which they are printed."""
    for name, edges, least in (("ratio", RATIOS, 1), ("height", HEIGHTS, 0)):
        for value in (*(edge - 0.5 for edge in edges), edges[-1] + 1):
            yield f"{name} {_bin(value, edges, least)}"
        if name == "ratio":
            yield from (f"direction {one}" for one in ("level", "slanted", "vertical"))


def score(pages: Iterable[LabelledPage], run: DetectorRun) -> Scores:
    """Compare what was found on all pages with their truth.

    Pages whose truth is words are matched by DetEval, where a line may cover several words; where the truth names
    part of the text, recall alone counts. Both are in rows of their own. A line found for a true one is in the true
    one's groups, any other in its own.
    """
    scores: Scores = defaultdict(lambda: defaultdict(BoxCounts))
    for page, found in zip(pages, run.found, strict=True):
        lines = [line for line in page.lines if line.quad is not None]
        if not lines:
            continue
        true, ignore = [line.quad for line in lines], [line.ignore for line in lines]
        quads = [] if found is None else list(found.quads)
        rows = [f"source {page.source}", f"kind {page.kind}"]
        if page.word_level or page.partial:
            suffix = f", {WORDS}" * page.word_level + f", {RECALL}" * page.partial
            _add_whole(scores, rows[0] + suffix, page, (quads, true, ignore))
            continue
        for name, least in LEAST.items():
            pairs = match_pairs(quads, true, ignore, least)
            for group, counts in _counts(true, quads, ignore, pairs):
                for row in (group,) if group != ALL else (ALL, *rows):
                    scores[row][name] += counts
    return scores


def _add_whole(scores: Scores, row: str, page: LabelledPage, boxes: tuple[Any, Any, Any]) -> None:
    """Add a page whose lines are in no group."""
    found, true, ignore = boxes
    if page.word_level:
        scores[row]["DetEval"] += deteval(found, true, ignore)
        return
    n_true = len(true) - sum(ignore)
    for name, least in LEAST.items():
        pairs = match_pairs(found, true, ignore, least)
        hits = sum(not ignore[i] for i, _ in pairs)
        scores[row][name] += BoxCounts(hits, hits, n_true, hits)


def _counts(
    true: Sequence[NDArray[np.float32] | None],
    found: Sequence[Floats],
    ignore: Sequence[bool],
    pairs: Sequence[tuple[int, int]],
) -> Iterator[tuple[str, BoxCounts]]:
    """Yield group and counts of every line, true or found."""
    right, wrong = BoxCounts(1, 1, 1, 1), BoxCounts(0, 0, 0, 1)
    hit, used = {i for i, _ in pairs}, {j for _, j in pairs}
    for i, quad in enumerate(true):
        if quad is not None and not ignore[i]:
            counts = right if i in hit else BoxCounts(0, 0, 1, 0)
            yield from ((group, counts) for group in (ALL, *groups_of(quad)))
    for j, quad in enumerate(found):
        if j not in used:
            yield from ((group, wrong) for group in (ALL, *groups_of(quad)))


def ordered(names: Iterable[str]) -> list[str]:
    """Sort groups: all, by the lines' own measures, kinds, sources, those with another protocol last."""
    known = [ALL, *all_groups()]
    rest = sorted(set(names) - set(known), key=lambda name: (", " in name, name))
    return [name for name in known if name in set(names)] + rest


def figures(scores: Scores, run: DetectorRun) -> dict[str, Any]:
    """Return what a detector reached and cost, as JSON."""
    found = [one for one in run.found if one is not None]
    return {
        "parameters": run.parameters,
        "ms": 1e3 * statistics.median(one.seconds for one in found) if found else None,
        "cpu_ms": 1e3 * statistics.median(one.cpu_seconds for one in found) if found else None,
        "peak_mib": run.peak_mib,
        "load_s": run.load_s,
        "failed": len(run.found) - len(found),
        "rows": {
            # The least overlap first, which tables show: a group may have met the other one first.
            row: {
                protocol: _figures(row, counts) for protocol, counts in sorted(scores[row].items())
            }
            for row in ordered(scores)
        },
    }


def _figures(row: str, counts: BoxCounts) -> dict[str, float | None]:
    """Return None for what the truth of a row cannot say."""
    partial, empty = row.endswith(RECALL), not counts.n_true
    return {
        "lines": counts.n_true,
        "recall": None if empty else counts.recall,
        "precision": None if partial else counts.precision,
        "hmean": None if partial or empty else counts.hmean,
    }
