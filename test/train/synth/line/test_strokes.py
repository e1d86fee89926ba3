"""Slanted and bent strokes: nothing is cut off, and characters stay where they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from train.synth.line.strokes import bent, restyle, slanted
from train.synth.typesetting.draw_line import TextMask


def bars(height: int = 40, count: int = 6) -> TextMask:
    """Upright bars, one for each character, the first and the last at the very ends."""
    mask = np.zeros((height, 40 * count - 36), np.uint8)
    for i in range(count):
        mask[:, 40 * i : 40 * i + 4] = 255
    centers = 40 * np.arange(count, dtype=np.float32) + 1.5
    return TextMask(mask, "I" * count, centers, np.full(count, 40, np.float32))


def middles(mask: np.ndarray, row: int) -> np.ndarray:
    """Middle columns of the strokes in a row."""
    ink = np.flatnonzero(mask[row] > 127)
    return np.array([part.mean() for part in np.split(ink, np.flatnonzero(np.diff(ink) > 1) + 1)])


@pytest.mark.parametrize("shear", [-0.3, 0.2, 0.45])
def test_a_slant_cuts_nothing_off_and_keeps_places(shear: float) -> None:
    line = bars()
    leaning = slanted(line, shear)
    assert float(leaning.mask.sum()) == pytest.approx(float(line.mask.sum()), rel=0.02)
    halfway = (middles(leaning.mask, 19) + middles(leaning.mask, 20)) / 2
    assert halfway == pytest.approx(leaning.centers, abs=0.75)
    top, foot = middles(leaning.mask, 0), middles(leaning.mask, -1)
    assert top - foot == pytest.approx(np.full(6, shear * 39), abs=1)


def test_bent_strokes_stay_near_their_places() -> None:
    line, changed = bars(), 0
    for seed in range(30):
        mask = bent(np.random.default_rng(seed), line.mask)
        assert mask.shape == line.mask.shape
        changed += not np.array_equal(mask, line.mask)
        assert middles(mask, 20)[1:-1] == pytest.approx(line.centers[1:-1], abs=0.25 * 40)
    assert changed == 30


def test_every_style_keeps_text_and_number_of_places() -> None:
    line = bars()
    looks = set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        styled = restyle(rng, line, vertical=bool(seed % 2), lettered=bool(seed % 3))
        assert styled.text == line.text
        assert len(styled.centers) == len(line.centers)
        assert styled.mask.max() > 100, "nothing left"
        looks.add(styled.mask.tobytes())
    assert len(looks) > 20
