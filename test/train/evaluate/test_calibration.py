"""The calibration error of scores whose error is known."""

import numpy as np
import pytest

from train.evaluate.calibration import expected_calibration_error


def test_calibrated_scores_have_no_error() -> None:
    scores = np.repeat([0.25, 0.75], 8)
    right = [True, True, *[False] * 6, *[True] * 6, False, False]
    assert expected_calibration_error(scores, right) == pytest.approx(0)


def test_certain_wrong_scores_have_the_largest_error() -> None:
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 1.0
    assert expected_calibration_error([0.0, 1.0], [False, False]) == 0.5


def test_opposite_errors_of_bins_do_not_cancel() -> None:
    assert expected_calibration_error([0.15, 0.85], [True, False]) == pytest.approx(0.85)


@pytest.mark.parametrize(("scores", "right"), [([], []), ([0.5], [True, False])])
def test_unequal_lengths_are_refused(scores: list[float], right: list[bool]) -> None:
    with pytest.raises(ValueError, match="expected one each"):
        expected_calibration_error(scores, right)
