"""What is measured are samples a second, of the widths that batches have."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bench import rendering
from train.loop.recipes import CrnnRecipe


def test_the_rate_is_that_of_what_is_made() -> None:
    numbers: list[int] = []

    def make(number: int) -> None:
        numbers.append(number)
        time.sleep(0.01)

    found = rendering.rate(make, 0.5)
    assert 50 < found <= 100
    assert numbers == list(range(len(numbers)))


def test_what_takes_longer_than_the_time_is_measured_once() -> None:
    assert rendering.rate(lambda number: time.sleep(0.05), 0.0) == pytest.approx(20, rel=0.2)


def test_widths_are_those_of_batches() -> None:
    recipe = CrnnRecipe(columns=8192, widths=(96, 480), shares=(0.25, 0.75))
    widths = rendering.line_widths(np.random.default_rng(0), recipe)
    assert widths.count(96) == 25 * 85 and widths.count(480) == 75 * 17
    assert widths != sorted(widths)


@pytest.mark.slow
def test_the_command_says_both_rates(capsys: pytest.CaptureFixture[str]) -> None:
    assert rendering.main(["--seconds", "0.2"]) == 0
    assert "lines and" in capsys.readouterr().out
