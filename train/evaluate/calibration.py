"""Measure the expected calibration error: how far scores are from the share that is right (Naeini et al. 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def expected_calibration_error(scores: ArrayLike, right: ArrayLike, *, bins: int = 10) -> float:
    """Return the mean distance between score and share right, over bins of equal width weighed by what is in them.

    Args:
        scores: (N,) in [0, 1].
        right: (N,) booleans.
        bins: number of bins.

    Raises:
        ValueError: they are of different lengths, or none.
    """
    given, truth = np.asarray(scores, np.float64), np.asarray(right, np.float64)
    if given.shape != truth.shape or not given.size:
        raise ValueError(f"found {given.size} scores for {truth.size} answers, expected one each")
    places = np.minimum((given * bins).astype(int), bins - 1)
    apart = np.bincount(places, given - truth, minlength=bins)
    return float(np.abs(apart).sum() / given.size)
