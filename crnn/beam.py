"""CTC prefix beam search (Hannun et al. 2014) where the network is unsure, with a language model.

A prefix is worth the probability of all its alignments, times what the language model says of it to
the power of `Weights.language`, times `Weights.length` for each character. Most steps of a line have one
class that is as good as certain: they take no search, and once all prefixes end alike the best is kept
alone, because nothing that follows can tell them apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from crnn.ctc import BLANK, Run, align, collapse
from crnn.language_model import RAREST, Hashes, LanguageModel, extended, fold

_WORD = re.compile(r"[!-~]+")
_ODD = re.compile(r"[a-z][A-Z]|\w[@/\\_]\w")


class Weights(NamedTuple):
    """How the parts of a prefix's worth are weighed, and what is searched at all.

    Attributes:
        language: weight of the language model's log-probability; 0 leaves it out.
        length: natural logarithm by which each character is worth more: it makes up for the language
            model, to which every further character is a loss.
        rarest: characters less probable than this to the language model are as rare as this. It bounds
            what a rare one costs, which is else cheaper to leave out.
        width: prefixes kept at each step.
        classes: classes tried at each step.
        floor: classes less probable than this are not tried.
        sure: from this probability of one class on, a step is not searched.
    """

    language: float = 0.2
    length: float = 0.6
    rarest: float = RAREST
    width: int = 3
    classes: int = 4
    floor: float = 0.003
    sure: float = 0.95


class _Prefix:
    """A text as its last class after a shorter one; equal texts are the same object."""

    __slots__ = ("back_offs", "children", "hashes", "label", "language", "length", "parent")

    def __init__(self, parent: _Prefix | None, label: int) -> None:
        self.parent = parent
        self.label = label
        self.length: int = parent.length + 1 if parent else 0
        self.children: dict[int, _Prefix] = {}
        self.language = 0.0
        # Of the language model, None until it has seen the prefix: (order - 1,) each.
        self.hashes: Hashes | None = None
        self.back_offs: Floats | None = None

    def child(self, label: int) -> _Prefix:
        if label not in self.children:
            self.children[label] = _Prefix(self, label)
        return self.children[label]

    def last(self, count: int) -> tuple[int, ...]:
        """The last classes, at most `count`, in the order of the text."""
        labels: list[int] = []
        prefix = self
        while prefix.parent is not None and len(labels) < count:
            labels.append(prefix.label)
            prefix = prefix.parent
        return tuple(reversed(labels))


_Beams = dict[_Prefix, tuple[float, float]]
"""Prefix to the probability of its alignments that end in a blank, and of those that do not."""


class BeamSearch:
    """Finds the text worth most.

    Args:
        characters: in class order, without the blank.
        model: None searches by the network's probabilities alone.
        weights: of the parts.
    """

    def __init__(
        self, characters: Sequence[str], model: LanguageModel | None, weights: Weights | None = None
    ) -> None:
        self.weights = weights or Weights()
        self._characters = ["", *characters]
        self._floor = math.log(self.weights.floor)
        self._letters = fold(characters)
        self._model = model if self.weights.language else None

    def __call__(self, log_probs: Floats) -> list[Run]:
        """Decode one line.

        Args:
            log_probs: (T, C), class 0 is the blank. T = 0 gives an empty list.

        Returns:
            The characters with their places: those of the best alignment of the text.
        """
        if not len(log_probs):
            return []
        best = log_probs.argmax(1)
        greedy = collapse(best, log_probs[np.arange(len(best)), best])
        sure = is_sure(log_probs, best, self.weights.sure)
        if not sure.all():
            for first, stop in codes([self._characters[run.label] for run in greedy]):
                sure[greedy[first].start : greedy[stop - 1].stop] = True
        if sure.all():
            return greedy
        labels = self.search(log_probs, best, sure)
        if labels == tuple(run.label for run in greedy):
            return greedy
        return collapse(*align(log_probs, labels))

    def search(
        self, log_probs: Floats, best: NDArray[np.int64], sure: NDArray[np.bool_]
    ) -> tuple[int, ...]:
        """Return the classes of the text worth most; `best` (T,) alone is tried at `sure` (T,) steps."""
        beams: _Beams = {_Prefix(None, BLANK): (1.0, 0.0)}
        order = self._model.order if self._model else 1
        tried = self._tried(log_probs, sure)
        quiet = 0
        # A certain step after one of the same class changes nothing.
        news = np.flatnonzero(
            ~sure | ~np.append(False, sure[:-1]) | (np.diff(best, prepend=-1) != 0)
        )
        for step in news.tolist():
            if step in tried:
                quiet = 0
                beams = _advance(beams, tried[step])
                self._weigh(beams)
                beams = self._best(beams, self.weights.width)
                continue
            label = int(best[step])
            beams = _advance(beams, ((label, 1.0),))
            quiet += label != BLANK
            if len(beams) > 1 and quiet >= order - 1 and self._end_alike(beams):
                self._weigh(beams)
                beams = self._best(beams, 1)
        self._weigh(beams)
        (prefix,) = self._best(beams, 1)
        return prefix.last(prefix.length)

    def _end_alike(self, beams: _Beams) -> bool:
        """Whether nothing that follows can tell the prefixes apart."""
        order = self._model.order if self._model else 1
        return len({prefix.last(max(order - 1, 1)) for prefix in beams}) == 1

    def _tried(
        self, log_probs: Floats, sure: NDArray[np.bool_]
    ) -> dict[int, tuple[tuple[int, float], ...]]:
        """The classes tried at each unsure step, with their probabilities."""
        result: dict[int, tuple[tuple[int, float], ...]] = {}
        for step in np.flatnonzero(~sure).tolist():
            row = log_probs[step]
            # Under a list of allowed characters even the best may be improbable.
            labels = np.flatnonzero(row >= min(self._floor, float(row.max())))
            if len(labels) > self.weights.classes:
                labels = labels[np.argsort(-row[labels], kind="stable")[: self.weights.classes]]
            result[step] = tuple(zip(labels.tolist(), np.exp(row[labels]).tolist(), strict=True))
        return result

    def _weigh(self, beams: _Beams) -> None:
        """Have the language model score the prefixes that it has not seen, all at once."""
        if self._model is None:
            return
        context = self._model.order - 1
        newest: dict[_Prefix, None] = {}
        for beam in beams:
            chain: list[_Prefix] = []
            prefix = beam
            while prefix.hashes is None and prefix.parent and len(chain) <= 2 * context:
                chain.append(prefix)
                prefix = prefix.parent
            if prefix.hashes is None:
                # It was alone for long: only its last characters matter to what comes now.
                prefix.hashes = np.zeros(context, np.uint64)
                prefix.back_offs = np.zeros(context, np.float32)
            newest.update(dict.fromkeys(chain))
        if newest:
            self._score(sorted(newest, key=lambda prefix: prefix.length), self._model)

    def _score(self, prefixes: list[_Prefix], model: LanguageModel) -> None:
        """Score prefixes, parents before children; those that are not among them have been."""
        context = model.order - 1
        letters = self._letters.pick([prefix.label - 1 for prefix in prefixes])
        hashes = np.zeros((len(prefixes), model.order), np.uint64)
        lengths = [prefix.length for prefix in prefixes]
        starts = [i for i, length in enumerate(lengths) if not i or length != lengths[i - 1]]
        for start, stop in zip(starts, [*starts[1:], len(prefixes)], strict=True):
            before = [prefix.parent.hashes for prefix in prefixes[start:stop] if prefix.parent]
            hashes[start:stop] = extended(np.array(before, np.uint64), letters.codes[start:stop])
            for i in range(start, stop):
                prefixes[i].hashes = hashes[i, :context]
        found = model.look_up(hashes)
        for prefix, back_offs in zip(prefixes, found.back_offs[:, :context], strict=True):
            prefix.back_offs = back_offs
        known = [prefix.parent.back_offs for prefix in prefixes if prefix.parent]
        scores = model.weigh(found, np.array(known, np.float32), letters.costs)
        for prefix, score in zip(prefixes, scores.tolist(), strict=True):
            if prefix.parent is not None:
                prefix.language = prefix.parent.language + max(score, self.weights.rarest)

    def _best(self, beams: _Beams, count: int) -> _Beams:
        """The prefixes worth most, with probabilities scaled to stay in the range of floats."""
        if len(beams) > count:
            kept = sorted(beams, key=lambda prefix: -self._worth(prefix, beams[prefix]))[:count]
            beams = {prefix: beams[prefix] for prefix in kept}
        scale = 1 / max(blank + label for blank, label in beams.values())
        return {p: (blank * scale, label * scale) for p, (blank, label) in beams.items()}

    def _worth(self, prefix: _Prefix, alignments: tuple[float, float]) -> float:
        probability = sum(alignments)
        if not probability:
            return -math.inf
        weights = self.weights
        language = weights.language * prefix.language if self._model else 0.0
        bonus = weights.length * prefix.length if self._model else 0.0
        return math.log(probability) + language + bonus


def _advance(beams: _Beams, tried: Sequence[tuple[int, float]]) -> _Beams:
    """One step: prefixes stay on a blank or a repeat of their last class, and grow on the others."""
    after: _Beams = {}
    for prefix, (blank, label) in beams.items():
        for tried_label, p in tried:
            if tried_label == BLANK:
                kept = after.get(prefix, (0.0, 0.0))
                after[prefix] = (kept[0] + (blank + label) * p, kept[1])
                continue
            grows = blank + label
            if tried_label == prefix.label:
                kept = after.get(prefix, (0.0, 0.0))
                after[prefix] = (kept[0], kept[1] + label * p)
                grows = blank  # only a blank divides repeated characters
            if grows:
                child = prefix.child(tried_label)
                kept = after.get(child, (0.0, 0.0))
                after[child] = (kept[0], kept[1] + grows * p)
    return {prefix: p for prefix, p in after.items() if p[0] or p[1]} or beams


def codes(text: Sequence[str]) -> list[tuple[int, int]]:
    """From where to where a text has numbers, names of products and addresses, which no language model knows.

    Args:
        text: character by character.

    Returns:
        (first, stop) of the words of ASCII characters that have a digit, a capital after a small letter, or a
        slash, an underline or an at sign inside.
    """
    joined = "".join(text)
    return [
        match.span()
        for match in _WORD.finditer(joined)
        if any(c.isdigit() for c in match[0]) or _ODD.search(match[0])
    ]


def is_sure(log_probs: Floats, best: NDArray[np.int64], threshold: float) -> NDArray[np.bool_]:
    """Say at which steps (T,) the best class alone need be tried.

    These are steps of one probable class, and those between two such steps where it is open only
    when the one character ends and the next begins, which changes nothing in the text.
    """
    steps = np.arange(len(best))
    limit = math.log(threshold)
    sure: NDArray[np.bool_] = log_probs[steps, best] >= limit
    left = np.concatenate([[BLANK], best[:-1]])
    right = np.concatenate([best[1:], [BLANK]])
    beside = np.concatenate([[True], sure[:-1]]) & np.concatenate([sure[1:], [True]])
    # The same class on both sides: whether it stands there once or twice is no matter of timing.
    open_ = np.flatnonzero(~sure & beside & ((left != right) | (left == BLANK)))
    if len(open_):
        labels = np.stack([np.full(len(open_), BLANK), left[open_], right[open_]])
        rows = np.exp(log_probs[open_, labels])
        rows[1] *= labels[1] != BLANK
        rows[2] *= labels[2] != BLANK
        among = (best[open_] == labels).any(0)
        sure[open_] = among & (rows.sum(0) >= threshold)
    return sure
