"""Pair the lines read with those of the truth, and count 1-NED and spaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from train.data.samples import LabelledPage
from train.evaluate.page_metrics import (
    Form,
    ReadLine,
    comparable,
    matches_only_ignored,
    normalize,
    overlapping,
)
from train.evaluate.text_metrics import count_spaces, similarity


@dataclass
class LineCounts:
    """What is added up over the pages of a group; `figures` divides.

    Attributes:
        pairs: lines of the truth, and lines read that stand for none of them.
        similarity: sum over them of 1 - edit distance / length of the longer.
        right_spaces: spaces between Latin words that truth and reading share, over the lines that were found.
        true_spaces: those of the truth.
        read_spaces: those that were read.
    """

    pairs: int = 0
    similarity: float = 0.0
    right_spaces: int = 0
    true_spaces: int = 0
    read_spaces: int = 0

    def __add__(self, other: LineCounts) -> LineCounts:
        return LineCounts(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(LineCounts))
        )

    def figures(self) -> dict[str, float | None]:
        """Return `1-NED` and `space` (F1 of the spaces); None where the truth cannot say.

        1-NED is that of ICDAR 2019 end to end, text compared in the form that was counted in (letters
        and digits alone where the page asks for it).
        """
        spaces = self.true_spaces + self.read_spaces
        return {
            "1-NED": self.similarity / self.pairs if self.pairs else None,
            "space": 2 * self.right_spaces / spaces if spaces else None,
        }


def pair_lines(page: LabelledPage, read: Sequence[ReadLine]) -> list[tuple[str, str]]:
    """Pair lines of the truth with lines read, by boxes: one to one, best overlap first, IoU of 0.5 or more.

    A line that was missed is paired with "", and so is one that was made up; what stands on or under an ignored line is
    left out. A cropped picture is one pair, whatever pieces were read.

    Returns:
        (truth, reading) as they stand. Empty where the truth has words instead of lines, names only part of the text
        or has no boxes.
    """
    known = [line for line in page.lines if not line.ignore]
    if page.cropped:
        pair = (" ".join(line.text for line in known), " ".join(line.text for line in read))
        return [pair] if any(pair) else []
    placed = [line for line in page.lines if line.quad is not None]
    boxed = [line for line in read if line.box is not None]
    if page.word_level or page.partial or not placed or len(boxed) < len(read):
        return []
    quads, boxes = [line.quad for line in placed], [line.box for line in boxed]
    partner: dict[int, int] = {}
    for _, i, j in sorted(overlapping(boxes, quads), reverse=True):  # type: ignore[arg-type]
        if i not in partner and j not in partner.values():
            partner[i] = j
    pairs = [
        (line.text, boxed[partner[i]].text if i in partner else "")
        for i, line in enumerate(placed)
        if not line.ignore
    ]
    pairs += [(line.text, "") for line in known if line.quad is None]
    rest = set(range(len(boxed))) - set(partner.values())
    return pairs + [
        ("", boxed[j].text) for j in sorted(rest) if not matches_only_ignored(boxed[j], page)
    ]


def count_lines(page: LabelledPage, read: Sequence[ReadLine], form: Form = normalize) -> LineCounts:
    """Compare the lines read on one page, in any order, with those of its truth.

    Texts are compared in `form`; spaces after NFKC, lower case, quotes and dashes unified.
    """
    counts = LineCounts()
    for truth, reading in pair_lines(page, read):
        a, b = (comparable(text, alnum=page.alnum, form=form) for text in (truth, reading))
        if a or b:
            counts.pairs += 1
            counts.similarity += similarity(a, b)
        if a and b:
            right, true, seen = count_spaces(truth, reading)
            counts.right_spaces += right
            counts.true_spaces += true
            counts.read_spaces += seen
    return counts
