"""Compare what was read on a page with its truth.

Text is compared after NFKC, lower case, without white space, and with quotes, dashes, brackets and stops unified and
leaders cut to four dots, unless another form is given (`train.evaluate.text_metrics`). Counts of pages are added first
and divided last, so that every character of a set weighs the same. Boxes are matched one to one at an IoU of 0.5, or
by a protocol of `train.evaluate.box_metrics`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.edit_distance import edit_distance
from train.data.samples import LabelledPage
from train.evaluate.box_metrics import BoxCounts

_UNIFIED = {
    '"': "“”„「」",
    "'": "‘’`",
    "-": "—–―－",
    "...": "…",
    ".": "。·•",
    ",": "、",
    "[": "【〔",
    "]": "】〕",
    "<": "《〈",
    ">": "》〉",
    "Y": "¥￥",
    "x": "×",
    ":": "∶",
}
_TABLE = str.maketrans({char: unified for unified, chars in _UNIFIED.items() for char in chars})
_LEADER = re.compile(r"\.{4,}")
MATCH_IOU = 0.5

Form: TypeAlias = Callable[[str], str]
"""Brings a text into the form in which texts are compared."""

Match: TypeAlias = Callable[[Sequence[ArrayLike], Sequence[ArrayLike], Sequence[bool]], BoxCounts]
"""Matches boxes found with the true ones, of which some are ignored."""


class ReadLine(NamedTuple):
    """One line as an engine gives it; `box` holds four corners, or is None."""

    text: str
    box: ArrayLike | None = None


def normalize(text: str) -> str:
    """Bring `text` into the form in which texts are compared.

    Signs are unified before and after NFKC: it takes some of them apart and makes others. Four stops or more in a
    row, the leader of a table of contents, are as good as four: nobody reads a leader for its number of dots.
    """
    text = unicodedata.normalize("NFKC", text.translate(_TABLE)).translate(_TABLE)
    return _LEADER.sub("....", "".join(text.lower().split()))


def comparable(text: str, *, alnum: bool, form: Form = normalize) -> str:
    """Bring `text` into `form`; where the truth asks for it (`alnum`), letters and digits alone are left."""
    text = form(text)
    return "".join(filter(str.isalnum, text)) if alnum else text


def common_count(a: Iterable[str], b: Iterable[str]) -> int:
    """Count what two multisets share: the characters of two texts, or the lines of two pages."""
    return (Counter(a) & Counter(b)).total()


def hull_iou(quad_a: ArrayLike, quad_b: ArrayLike) -> float:
    """Return the intersection over union of two quads' convex hulls; 0 when either is flat."""
    a, b = _hull(quad_a), _hull(quad_b)
    area_a, area_b = cv2.contourArea(a), cv2.contourArea(b)
    if area_a <= 0 or area_b <= 0:
        return 0.0
    inter, _ = cv2.intersectConvexConvex(a, b)
    return float(inter / (area_a + area_b - inter + 1e-6))


def match_boxes(
    pred_quads: Sequence[ArrayLike],
    true_quads: Sequence[ArrayLike],
    ignore: Sequence[bool],
    least: float = MATCH_IOU,
) -> BoxCounts:
    """Match boxes one to one, best overlap first.

    A box that matches an ignored quad counts neither way.

    Args:
        pred_quads: quads found, each (4, 2).
        true_quads: quads of the truth, the ignored ones among them.
        ignore: which of `true_quads` are ignored.
        least: IoU from which two match.
    """
    n_true = sum(not flag for flag in ignore)
    pairs = match_pairs(pred_quads, true_quads, ignore, least)
    ignored = sum(ignore[i] for i, _ in pairs)
    tp = len(pairs) - ignored
    return BoxCounts(tp, tp, n_true, len(pred_quads) - ignored)


def match_pairs(
    pred_quads: Sequence[ArrayLike],
    true_quads: Sequence[ArrayLike],
    ignore: Sequence[bool],
    least: float = MATCH_IOU,
) -> list[tuple[int, int]]:
    """List (true index, found index) of what `match_boxes` matches, best overlap first.

    Args:
        pred_quads: quads found, each (4, 2).
        true_quads: quads of the truth, the ignored ones among them.
        ignore: which of `true_quads` are ignored; they are matched at `MATCH_IOU` whatever the others need.
        least: IoU of the others.
    """
    used_true: set[int] = set()
    used_pred: set[int] = set()
    matched = []
    for overlap, i, j in sorted(overlapping(pred_quads, true_quads), reverse=True):
        if i in used_true or j in used_pred or not (overlap >= least or ignore[i]):
            continue
        used_true.add(i)
        used_pred.add(j)
        matched.append((i, j))
    return matched


@dataclass
class Counts:
    """What is added up over the pages of a group; `figures` divides."""

    pages: int = 0
    lines: int = 0
    exact: int = 0
    hits: int = 0  # characters of the truth found, over `chars`
    chars: int = 0
    full_hits: int = 0  # the same over the pages whose whole text is known, and what was read there
    full_chars: int = 0
    full_read: int = 0
    edits: int = 0  # over the pages whose order of lines is known
    edit_chars: int = 0
    boxes: BoxCounts = field(default_factory=BoxCounts)

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))

    def figures(self) -> dict[str, float | None]:
        """Return bagR, bagF1, CER, exact and hmean; None where the truth cannot say."""

        def ratio(a: float, b: float) -> float | None:
            return a / b if b else None

        return {
            "bagR": ratio(self.hits, self.chars),
            "bagF1": ratio(2 * self.full_hits, self.full_chars + self.full_read),
            "CER": ratio(self.edits, self.edit_chars),
            "exact": ratio(self.exact, self.lines),
            "hmean": self.boxes.hmean if self.boxes.n_true + self.boxes.n_pred else None,
        }


def count_page(
    page: LabelledPage,
    read: Sequence[ReadLine],
    *,
    form: Form = normalize,
    match: Match = match_boxes,
) -> Counts:
    """Compare what was read on one page, in reading order, with its truth.

    Args:
        page: the truth.
        read: what was read.
        form: in which texts are compared.
        match: the protocol for boxes.
    """
    shown = [line for line in read if not matches_only_ignored(line, page)]
    true_lines = (line.text for line in page.lines if not line.ignore)
    true_texts = _texts(true_lines, form, alnum=page.alnum)
    read_texts = _texts((line.text for line in shown), form, alnum=page.alnum)
    if page.cropped:  # one line, whatever an engine makes of it
        read_texts = ["".join(read_texts)]
    truth, seen = "".join(true_texts), "".join(read_texts)
    counts = Counts(pages=1, hits=common_count(truth, seen), chars=len(truth))
    if not page.partial:
        counts.full_hits, counts.full_chars, counts.full_read = counts.hits, len(truth), len(seen)
    if not page.word_level:
        counts.lines, counts.exact = len(true_texts), common_count(true_texts, read_texts)
    if not page.word_level and not page.partial:
        counts.edits, counts.edit_chars = edit_distance(truth, seen), len(truth)
        quads = [(line.quad, line.ignore) for line in page.lines if line.quad is not None]
        if quads and not page.cropped:
            boxes = [line.box for line in read if line.box is not None]
            counts.boxes = match(
                boxes, [quad for quad, _ in quads], [ignore for _, ignore in quads]
            )
    return counts


def _texts(texts: Iterable[str], form: Form, *, alnum: bool) -> list[str]:
    """Normalize lines and drop those of which nothing is left."""
    clean = (comparable(text, alnum=alnum, form=form) for text in texts)
    return [text for text in clean if text]


def matches_only_ignored(line: ReadLine, page: LabelledPage) -> bool:
    """Whether a line lies under an ignored quad and no other: it then counts neither way."""
    if line.box is None or page.partial:
        return False
    box = line.box
    quads = [(known.quad, known.ignore) for known in page.lines if known.quad is not None]
    if not any(ignore and _covers(quad, box) for quad, ignore in quads):
        return False
    return not any(not ignore and _covers(quad, box) for quad, ignore in quads)


def _covers(quad: ArrayLike, box: ArrayLike) -> bool:
    """Whether more than half of `box` lies inside `quad`."""
    hull = _hull(box)
    area = cv2.contourArea(hull)
    return area > 0 and cv2.intersectConvexConvex(hull, _hull(quad))[0] > 0.5 * area


def overlapping(
    pred_quads: Sequence[ArrayLike], true_quads: Sequence[ArrayLike]
) -> list[tuple[float, int, int]]:
    """List (iou, true index, found index) of the pairs at or above the threshold."""
    if not len(pred_quads) or not len(true_quads):
        return []
    pred, true = np.asarray(pred_quads, np.float32), np.asarray(true_quads, np.float32)
    low = np.maximum(true.min(1)[:, None], pred.min(1)[None])  # (true, pred, 2)
    high = np.minimum(true.max(1)[:, None], pred.max(1)[None])
    pairs = []
    for i, j in np.argwhere((high > low).all(-1)).tolist():
        overlap = hull_iou(true[i], pred[j])
        if overlap >= MATCH_IOU:
            pairs.append((overlap, i, j))
    return pairs


def _hull(quad: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(
        cv2.convexHull(np.asarray(quad, np.float32).reshape(-1, 1, 2))[:, 0], np.float32
    )
