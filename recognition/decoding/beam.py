"""Run CTC prefix beam search (Hannun et al. 2014) where the network is unsure, with a language model.

The score of a prefix is the probability of all its alignments, times what the language model says of it to
the power of `Weights.language`, times `Weights.length` for each character. Most steps of a line have one
class that is as good as certain: they take no search, and once all prefixes end alike the best is kept
alone, because nothing that follows can tell them apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from recognition.ctc import BLANK, Run, align, collapse
from recognition.decoding.language_model import LanguageModel, fold
from recognition.decoding.prefix_search import Search, Steps, Weights, implementation

_WORD = re.compile(r"[!-~]+")
_ODD = re.compile(r"[a-z][A-Z]|\w[@/\\_]\w")


class BeamSearch:
    """Finds the best text.

    Args:
        characters: in class order, without the blank.
        model: None searches by the network's probabilities alone.
        weights: of the parts.
        search: see `prefix_search.implementation`.
    """

    def __init__(
        self,
        characters: Sequence[str],
        model: LanguageModel | None,
        weights: Weights | None = None,
        *,
        search: str = "auto",
    ) -> None:
        self.weights = weights or Weights()
        self._characters = ["", *characters]
        self._floor = math.log(self.weights.floor)
        maker = implementation(search)
        self._search: Search = maker(
            fold(characters), model if self.weights.language else None, self.weights
        )

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
        labels = self._search(self._steps(log_probs, best, sure))
        if labels == tuple(run.label for run in greedy):
            return greedy
        return collapse(*align(log_probs, labels))

    def _steps(self, log_probs: Floats, best: NDArray[np.int64], sure: NDArray[np.bool_]) -> Steps:
        """The steps that change anything; at `sure` (T,) ones `best` (T,) alone is tried."""
        # A certain step after one of the same class changes nothing.
        news = np.flatnonzero(
            ~sure | ~np.append(False, sure[:-1]) | (np.diff(best, prepend=-1) != 0)
        )
        labels = np.zeros((len(news), self.weights.classes), np.int64)
        chances = np.ones(labels.shape)
        counts = np.ones(len(news), np.int64)
        labels[:, 0] = best[news]
        for i in np.flatnonzero(~sure[news]).tolist():
            row = log_probs[news[i]]
            # Under a list of allowed characters even the best may be improbable.
            tried = np.flatnonzero(row >= min(self._floor, float(row.max())))
            if len(tried) > self.weights.classes:
                tried = tried[np.argsort(-row[tried], kind="stable")[: self.weights.classes]]
            counts[i] = len(tried)
            labels[i, : len(tried)] = tried
            chances[i, : len(tried)] = np.exp(row[tried])
        return Steps(labels, chances, counts, sure[news])


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
