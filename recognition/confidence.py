"""Estimate how likely it is that a line was read exactly: a logistic regression on the probabilities of its characters.

Networks are surer than they are right (Guo et al. 2017), and a line is only right where each of its characters is: the
mean of their probabilities is .90 where seven of ten lines are right. The regression is fitted on rendered lines that
the network has not seen (`train.export.confidence`); its coefficients are in the recognizer's file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_LEAST = 1e-6
"""Probability that a character has at least; the same is missing to 1 at least."""


class Features(NamedTuple):
    """What the probability of a line goes by, in natural logarithms.

    Attributes:
        doubt: of the sum of -log p over the characters.
        length: of the number of characters and one.
        worst: of what the least sure character lacks to 1.
    """

    doubt: float
    length: float
    worst: float


class Confidence(NamedTuple):
    """Coefficients of the features, and the constant."""

    doubt: float
    length: float
    worst: float
    constant: float

    def __call__(self, text: str, scores: Sequence[float]) -> float:
        """Return the probability in (0, 1) that a text is what stands there.

        Args:
            text: as read, not empty.
            scores: probability of each character.

        Raises:
            ValueError: there is another number of scores than of characters, or none.
        """
        found = features(text, scores)
        z = (
            self.doubt * found.doubt
            + self.length * found.length
            + self.worst * found.worst
            + self.constant
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


def features(text: str, scores: Sequence[float]) -> Features:
    """Return the features of a line; of a row of one mark, leader dots for example, the first counts.

    Raises:
        ValueError: there is another number of scores than of characters, or none.
    """
    if len(scores) != len(text) or not text:
        raise ValueError(
            f"found {len(scores)} scores for {len(text)} characters, expected one each"
        )
    counted = [scores[0]] + [
        score
        for score, (before, character) in zip(scores[1:], pairwise(text), strict=True)
        if character != before or character.isalnum()
    ]
    bounded = [max(_LEAST, min(1 - _LEAST, score)) for score in counted]
    return Features(
        math.log(1e-3 - sum(map(math.log, bounded))),
        math.log(len(bounded) + 1),
        math.log(1e-3 + 1 - min(bounded)),
    )
