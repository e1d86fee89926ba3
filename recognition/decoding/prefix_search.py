"""Find the best text of those that a few classes at each step of a line allow: the search of `beam`.

`PrefixSearch` defines it; where there was a compiler at setup, `prefix_search_cython.pyx` does the same faster, and a
test holds the two together.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from common.settings import StepSettings, setting
from recognition.ctc import BLANK
from recognition.decoding.language_model import (
    NATS,
    RAREST,
    UNKNOWN,
    Hashes,
    LanguageModel,
    Letters,
    extended,
)

SOURCE = "recognition/decoding/prefix_search_cython.pyx"
"""What is compiled."""


class Steps(NamedTuple):
    """What is tried at the steps of a line that change anything.

    Attributes:
        labels: (S, K) int64 classes, K the most of any step; what follows those of a step counts for nothing.
        chances: (S, K) float64, their probabilities; 1 where a step is beyond doubt.
        counts: (S,) int64, how many there are at each step, from 1.
        sure: (S,), whether a step is beyond doubt: it has one class.
    """

    labels: NDArray[np.int64]
    chances: NDArray[np.float64]
    counts: NDArray[np.int64]
    sure: NDArray[np.bool_]


Search = Callable[[Steps], tuple[int, ...]]
"""From steps to the classes of the best text."""


@dataclass(frozen=True)
class Weights(StepSettings):
    """Weigh the parts of a prefix's score, and say what is searched at all."""

    language: float = setting(
        0.2, "Weight of the language model's log-probability; 0 leaves it out", 0
    )
    length: float = setting(
        0.6, "Nats that each character gains: to the language model each further one is a loss"
    )
    rarest: float = setting(
        RAREST,
        "Log-probability that the language model holds no character below: a rare one is else left out",
    )
    width: int = setting(3, "Prefixes kept at each step; more cost time", 1)
    classes: int = setting(4, "Classes tried at each step; more cost time", 1)
    floor: float = setting(0.003, "Classes less probable than this are not tried", 1e-300, 1)
    sure: float = setting(0.95, "Probability of one class from which a step is not searched", 0)


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


class PrefixSearch:
    """Finds the best text, and defines which that is.

    Args:
        letters: of the characters in class order, without the blank.
        model: None searches by the network's probabilities alone.
        weights: of the parts.
    """

    def __init__(self, letters: Letters, model: LanguageModel | None, weights: Weights) -> None:
        self.weights = weights
        self._letters = letters
        self._model = model

    def __call__(self, steps: Steps) -> tuple[int, ...]:
        """Return the classes of the best text."""
        beams: _Beams = {_Prefix(None, BLANK): (1.0, 0.0)}
        order = self._model.order if self._model else 1
        quiet = 0
        for labels, chances, count, sure in zip(*(array.tolist() for array in steps), strict=True):
            beams = _advance(beams, list(zip(labels, chances, strict=True))[:count])
            if not sure:
                quiet = 0
                self._weigh(beams)
                beams = self._best(beams, self.weights.width)
                continue
            quiet += labels[0] != BLANK
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
        """The best prefixes, with probabilities scaled to stay in the range of floats."""
        if len(beams) > count:
            kept = sorted(beams, key=lambda prefix: -self._total(prefix, beams[prefix]))[:count]
            beams = {prefix: beams[prefix] for prefix in kept}
        scale = 1 / max(blank + label for blank, label in beams.values())
        return {p: (blank * scale, label * scale) for p, (blank, label) in beams.items()}

    def _total(self, prefix: _Prefix, alignments: tuple[float, float]) -> float:
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


class CompiledSearch:
    """The same, compiled.

    Args:
        letters: of the characters in class order, without the blank.
        model: None searches by the network's probabilities alone.
        weights: of the parts.

    Raises:
        ValueError: it is not compiled.
    """

    def __init__(self, letters: Letters, model: LanguageModel | None, weights: Weights) -> None:
        if _compiled() is None:
            raise ValueError(
                f"the search is not compiled: run `python -m common.build_cython {SOURCE}`, or leave it to Python"
            )
        self.weights = weights
        self._model: tuple[Any, ...] | None = None
        if model is not None:
            # The tables of different classes of characters are the model's own: nothing is copied.
            tables = np.ascontiguousarray(letters.codes), np.ascontiguousarray(letters.costs)
            self._model = (model.order, *tables, *model.tables(), UNKNOWN, -NATS)

    def __call__(self, steps: Steps) -> tuple[int, ...]:
        """Return the classes of the best text."""
        weights, compiled = self.weights, _compiled()
        assert compiled is not None
        found: tuple[int, ...] = compiled.search(
            *steps[:3], steps.sure.view(np.uint8),
            weights.width, weights.language, weights.length, weights.rarest, self._model,
        )  # fmt: skip
        return found


@lru_cache(maxsize=1)
def _compiled() -> Any | None:  # noqa: ANN401
    try:
        return importlib.import_module("recognition.decoding.prefix_search_cython")
    except ImportError:
        return None


def implementation(name: str = "auto") -> type[PrefixSearch] | type[CompiledSearch]:
    """Return what searches: "python", "cython", or "auto" for the compiled one where it was built."""
    makers: dict[str, type[PrefixSearch | CompiledSearch]] = {
        "python": PrefixSearch,
        "cython": CompiledSearch,
    }
    if name == "auto":
        name = "python" if _compiled() is None else "cython"
    if name not in makers:
        raise ValueError(f"search is {name!r}, expected auto, {', '.join(makers)}")
    return makers[name]
