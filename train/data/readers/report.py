"""Count what a reader yielded and note what it left out, with the place of each loss."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAX_KEPT = 10_000
"""Skips kept with their place: of a set of millions whose pictures are gone, a sample says enough."""


@dataclass(frozen=True)
class Skip:
    """One record that was left out.

    `place` is file:line, file:record number or file:key, `reason` one line. Before a colon, `reason` names
    the kind of trouble in the same words every time ("no picture: a/b.jpg").
    """

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass
class Report:
    """Filled by a reader while it is iterated; complete when the iterator is exhausted.

    `read` is the number of samples given out. A page whose single line is broken is given out without that
    line as text (or with its place marked as ignored) and the line is in `skipped`. `lost` counts every skip;
    `skipped` holds the first `MAX_KEPT` of them.
    """

    read: int = 0
    lost: int = 0
    skipped: list[Skip] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def skip(self, place: str, reason: str) -> None:
        """Note one record left out."""
        reason = " ".join(reason.split())
        self.lost += 1
        self.kinds[reason.partition(":")[0]] += 1
        if len(self.skipped) < MAX_KEPT:
            self.skipped.append(Skip(place, reason))

    def summary(self) -> str:
        """One line: how many were read, how many left out, the kinds of trouble and the first place."""
        if not self.lost:
            return f"{self.read} read, none left out"
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common(5))
        more = ", …" if len(self.kinds) > 5 else ""
        return f"{self.read} read, {self.lost} left out ({kinds}{more}); first: {self.skipped[0]}"
