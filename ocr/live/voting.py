"""Vote on the readings of one line: the text that most of them support, character by character.

Readings are aligned one after the other to what has been voted for so far, as ROVER does with outputs of speech
recognizers (Fiscus 1997, section 2), so that a letter lost in one frame is made up for by the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_NONE = ""


@dataclass
class _Slot:
    """Weights of what may stand at a place; no character has the empty text."""

    votes: dict[str, float] = field(default_factory=dict)

    def add(self, character: str, weight: float) -> None:
        self.votes[character] = self.votes.get(character, 0.0) + weight

    def best(self) -> str:
        return max(self.votes, key=lambda character: self.votes[character])


class LineVote:
    """Merges readings of one line. Its size is bounded by the number of readings that are added."""

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._weight = 0.0
        self.texts: list[str] = []

    def add(self, text: str, scores: Sequence[float], weight: float = 1.0) -> None:
        """Count a reading.

        Args:
            text: What was read.
            scores: Of its characters, from 0 to 1.
            weight: What the whole reading counts.
        """
        pairs = list(zip(text, scores, strict=True))
        doubt = sum(scores) / len(scores) if scores else 0.0
        for slot, pair in self._aligned(text, pairs):
            if pair is None:
                # That nothing stands there is as sure as the reading is.
                slot.add(_NONE, weight * doubt)
            else:
                slot.add(pair[0], weight * pair[1])
        self._weight += weight
        self.texts.append(text)

    def _aligned(
        self, text: str, pairs: list[tuple[str, float]]
    ) -> list[tuple[_Slot, tuple[str, float] | None]]:
        """Slots with the characters that fall to them; new ones are made for what was not there."""
        steps = alignment([slot.best() for slot in self._slots], text)
        slots: list[_Slot] = []
        found: list[tuple[_Slot, tuple[str, float] | None]] = []
        for old, new in steps:
            # Readings so far saw nothing where there is no slot yet.
            unseen = {_NONE: self._weight * 0.5} if self._weight else {}
            slot = _Slot(unseen) if old is None else self._slots[old]
            slots.append(slot)
            found.append((slot, None if new is None else pairs[new]))
        self._slots = slots
        return found

    def result(self) -> tuple[str, float]:
        """The text, and how sure it is on the mean of its characters, from 0 to 1."""
        text, total = "", 0.0
        for slot in self._slots:
            best = slot.best()
            if best != _NONE:
                text += best
                total += min(1.0, slot.votes[best] / max(self._weight, 1e-9))
        stripped = text.strip()
        return stripped, total / len(text) if text else 0.0


def alignment(old: Sequence[str], new: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pair places of two texts by the fewest edits (Wagner and Fischer 1974); None stands for no partner."""
    rows, columns = len(old) + 1, len(new) + 1
    cost = [[0] * columns for _ in range(rows)]
    for i in range(rows):
        cost[i][0] = i
    cost[0] = list(range(columns))
    for i in range(1, rows):
        above, here = cost[i - 1], cost[i]
        for j in range(1, columns):
            other = above[j - 1] + (old[i - 1] != new[j - 1])
            here[j] = min(other, above[j] + 1, here[j - 1] + 1)
    i, j = rows - 1, columns - 1
    steps: list[tuple[int | None, int | None]] = []
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (old[i - 1] != new[j - 1]):
            i, j = i - 1, j - 1
            steps.append((i, j))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            steps.append((i, None))
        else:
            j -= 1
            steps.append((None, j))
    return steps[::-1]


def similarity(one: str, other: str) -> float:
    """Share of two texts that is the same, from 0 to 1, by the fewest edits."""
    longest = max(len(one), len(other))
    if not longest:
        return 1.0
    edits = sum(
        i is None or j is None or one[i] != other[j] for i, j in alignment(list(one), list(other))
    )
    return 1 - edits / longest
