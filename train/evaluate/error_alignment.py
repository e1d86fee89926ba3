"""Align what was read with the truth: lines side by side, then characters.

Lines with quads belong together where one lies mostly inside the other; without quads the most
similar texts do. Either way the result is groups: one line read as one is the good case, and what is
left alone, or together with several others, is an error of finding lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.edit_distance import edit_distance
from train.data.samples import LabelledPage, Line
from train.evaluate.page_metrics import ReadLine, common_count, normalize

COVERED = 0.5
"""Share of a line's area inside another's from which the two belong together."""

SIMILAR = 0.5
"""Edits per character of the truth up to which a line without a quad counts as found."""

_CANDIDATES = 4  # lines whose texts are compared in full; the others share fewer characters


class LineGroup(NamedTuple):
    """Lines of the truth and lines read that belong together, each in the order of the text."""

    truth: tuple[Line, ...]
    read: tuple[ReadLine, ...]


class AlignmentStep(NamedTuple):
    """One step of an alignment: indices into both texts, or None where a side has nothing."""

    a: int | None
    b: int | None


def align(a: Sequence[str], b: Sequence[str]) -> list[AlignmentStep]:
    """Put two texts side by side with the fewest insertions, deletions and substitutions."""
    cost = np.zeros((len(a) + 1, len(b) + 1), np.int32)
    cost[:, 0] = np.arange(len(a) + 1)
    cost[0] = np.arange(len(b) + 1)
    numbers = {key: number for number, key in enumerate(dict.fromkeys([*a, *b]))}
    codes = np.array([numbers[key] for key in b], np.int64)
    columns = np.arange(len(b) + 1)
    for i, key in enumerate(a, 1):
        best = np.minimum(cost[i - 1, :-1] + (codes != numbers[key]), cost[i - 1, 1:] + 1)
        # Insertions run along the row: a running minimum of cost minus column.
        row = np.concatenate([cost[i, :1], best]) - columns
        cost[i] = np.minimum.accumulate(row) + columns
    steps: list[AlignmentStep] = []
    i, j = len(a), len(b)
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (a[i - 1] != b[j - 1]):
            i, j = i - 1, j - 1
            steps.append(AlignmentStep(i, j))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            steps.append(AlignmentStep(i, None))
        else:
            j -= 1
            steps.append(AlignmentStep(None, j))
    return steps[::-1]


def groups(page: LabelledPage, read: Sequence[ReadLine]) -> list[LineGroup]:
    """Put what was read on a page beside its truth; lines read under ignored quads are left out.

    Lines read where the truth has nothing come as groups without truth, unless the truth names only
    part of the text.
    """
    truth = [line for line in page.lines if not line.ignore and normalize(line.text)]
    if page.cropped:
        return [LineGroup(tuple(truth), tuple(read))] if truth or read else []
    if any(line.quad is None for line in truth) or any(line.box is None for line in read):
        found = _by_text(truth, read)
    else:
        ignored = [line.quad for line in page.lines if line.ignore and line.quad is not None]
        found = _by_place(truth, read, ignored)
    return [group for group in found if group.truth or not page.partial]


def _by_place(
    truth: Sequence[Line], read: Sequence[ReadLine], ignored: Sequence[ArrayLike]
) -> list[LineGroup]:
    true_quads = [np.asarray(line.quad, np.float32) for line in truth]
    read_quads = [np.asarray(line.box, np.float32) for line in read]
    parent = list(range(len(truth) + len(read)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, quad in enumerate(true_quads):
        for j, other in enumerate(read_quads):
            if max(_inside(quad, other), _inside(other, quad)) > COVERED:
                parent[root(len(truth) + j)] = root(i)
    members: dict[int, tuple[list[int], list[int]]] = {}
    for i in range(len(parent)):
        of_truth, of_read = members.setdefault(root(i), ([], []))
        (of_truth if i < len(truth) else of_read).append(i if i < len(truth) else i - len(truth))
    result = []
    for of_truth, of_read in members.values():
        if not of_truth and any(
            _inside(read_quads[j], quad) > COVERED for j in of_read for quad in ignored
        ):
            continue
        axis = (true_quads[of_truth[0]] if len(of_truth) == 1 else None) if of_truth else None
        result.append(
            LineGroup(
                tuple(truth[of_truth[k]] for k in _order([true_quads[i] for i in of_truth], axis)),
                tuple(read[of_read[k]] for k in _order([read_quads[j] for j in of_read], axis)),
            )
        )
    return result


def _order(quads: Sequence[NDArray[np.float32]], along: NDArray[np.float32] | None) -> list[int]:
    """Order in which quads are read: along one line's own direction, else rows from the top."""
    if len(quads) < 2:
        return list(range(len(quads)))
    middles = np.array([quad.mean(0) for quad in quads])
    if along is not None:
        right, down = along[1] - along[0], along[3] - along[0]
        direction = right if np.linalg.norm(right) >= np.linalg.norm(down) else down
        return [int(i) for i in np.argsort(middles @ direction, kind="stable")]
    height = float(np.median([np.linalg.norm(quad[3] - quad[0]) for quad in quads]))
    rows: list[list[int]] = []
    for i in np.argsort(middles[:, 1], kind="stable").tolist():
        if rows and middles[i, 1] - middles[rows[-1][0], 1] < 0.6 * height:
            rows[-1].append(i)
        else:
            rows.append([i])
    return [i for row in rows for i in sorted(row, key=lambda i: float(middles[i, 0]))]


def _by_text(truth: Sequence[Line], read: Sequence[ReadLine]) -> list[LineGroup]:
    """Each line of the truth with the line it is found in at the fewest edits; several may share one."""
    texts = [normalize(line.text) for line in read]
    shared: dict[int, list[Line]] = {}
    alone = []
    # Whole lines first, so that a short line does not take its place inside a long one.
    free = list(range(len(read)))
    for line in sorted(truth, key=lambda line: -len(normalize(line.text))):
        text = normalize(line.text)
        same = next((j for j in free if texts[j] == text), None)
        if same is None:
            near = sorted(range(len(read)), key=lambda j: -common_count(text, texts[j]))
            costs = [(_edits_within(text, texts[j]), j) for j in near[:_CANDIDATES]]
            edits, same = min(costs, default=(len(text), None))
            if edits > SIMILAR * len(text):
                same = None
        if same is None:
            alone.append(LineGroup((line,), ()))
            continue
        shared.setdefault(same, []).append(line)
        if same in free:
            free.remove(same)
    found = [
        LineGroup(tuple(sorted(lines, key=lambda t: _position(t.text, texts[j]))), (read[j],))
        for j, lines in shared.items()
    ]
    return [*found, *alone, *(LineGroup((), (read[j],)) for j in free)]


def _edits_within(text: str, longer: str) -> int:
    """Edits that turn `text` into the best matching part of a longer text (Sellers 1980)."""
    if len(longer) <= len(text) + 2:
        return edit_distance(text, longer)
    row: NDArray[Any] = np.zeros(len(longer) + 1, np.int32)
    codes = np.array([ord(char) for char in longer])
    columns = np.arange(len(longer) + 1)
    for i, char in enumerate(text, 1):
        best = np.minimum(row[:-1] + (codes != ord(char)), row[1:] + 1)
        row = np.minimum.accumulate(np.concatenate([[i], best]) - columns) + columns
    return int(row.min())


def _position(text: str, longer: str) -> float:
    """Where in a longer text the characters of `text` stand, on average."""
    clean = normalize(text)
    places = [longer.find(char) for char in clean if char in longer]
    return longer.find(clean) if clean in longer else sum(places) / max(len(places), 1)


def _inside(quad: ArrayLike, other: ArrayLike) -> float:
    """Share of a quad's area that lies inside another."""
    a, b = np.asarray(quad, np.float32), np.asarray(other, np.float32)
    if (a.max(0) <= b.min(0)).any() or (b.max(0) <= a.min(0)).any():
        return 0.0
    hull = cv2.convexHull(a)[:, 0]
    area = float(cv2.contourArea(hull))
    return (
        float(cv2.intersectConvexConvex(hull, cv2.convexHull(b)[:, 0])[0]) / area if area else 0.0
    )
