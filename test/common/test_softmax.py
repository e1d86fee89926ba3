"""Chances from scores, however large."""

from __future__ import annotations

import numpy as np
import pytest

from common.softmax import softmax


def test_every_row_sums_to_one_and_keeps_its_order() -> None:
    scores = np.random.default_rng(0).normal(0, 30, (7, 5))
    chances = softmax(scores)
    assert chances.sum(axis=1) == pytest.approx(np.ones(7))
    assert np.array_equal(chances.argsort(1), scores.argsort(1))


def test_differences_of_scores_become_ratios_of_probabilities() -> None:
    assert softmax(np.array([0.0, np.log(3)])) == pytest.approx([0.25, 0.75])


def test_very_large_and_equal_scores_stay_finite() -> None:
    assert softmax(np.array([1e6, 1e6, -1e6])) == pytest.approx([0.5, 0.5, 0])
    assert softmax(np.zeros((2, 4), np.float32)).dtype == np.float64
