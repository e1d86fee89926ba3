"""Unsteady, brushed and weathered letters: changed, all there, and where they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from train.synth.line.uneven import brushed, unsteady, weathered
from train.synth.typesetting.draw_line import TextMask


def blocks(height: int = 40, count: int = 6) -> TextMask:
    """Squares with white between them, one for each character, from the top to the foot of the line."""
    mask = np.zeros((height, 40 * count), np.uint8)
    for i in range(count):
        mask[:, 40 * i + 6 : 40 * i + 34] = 255
    centers = 40 * np.arange(count, dtype=np.float32) + 19.5
    return TextMask(mask, "口" * count, centers, np.full(count, 40, np.float32))


def test_an_unsteady_hand_moves_each_character_and_cuts_none_off() -> None:
    line, moves = blocks(), []
    for seed in range(40):
        moved = unsteady(np.random.default_rng(seed), line)
        ink = moved.mask > 127
        # Nothing was pushed out of the picture.
        assert not ink[0].any()
        assert not ink[-1].any()
        heights = [ink[:, int(center)].sum() for center in line.centers]
        middles = [np.flatnonzero(ink[:, int(center)]).mean() for center in line.centers]
        assert min(heights) >= 0.6 * 40
        moves.append(float(np.ptp(middles)))
        assert np.array_equal(moved.centers, line.centers)
        gaps = ink[:, 40 * np.arange(1, 6)].any(axis=0)
        assert not gaps.any(), "characters stay in their columns"
    assert np.median(moves) > 3


@pytest.mark.parametrize("effect", [brushed, weathered])
def test_ink_is_lost_but_most_of_it_stays(effect: object) -> None:
    mask = blocks().mask
    kept = []
    for seed in range(40):
        worn = effect(np.random.default_rng(seed), mask)  # type: ignore[operator]
        assert worn.shape == mask.shape
        assert worn.dtype == np.uint8
        assert (worn <= mask).all(), "ink where there was none"
        kept.append(float(worn.sum()) / float(mask.sum()))
    assert min(kept) > 0.6
    assert max(kept) < 0.99


@pytest.mark.parametrize("effect", [brushed, weathered])
def test_an_empty_mask_stays_empty(effect: object) -> None:
    mask = np.zeros((30, 90), np.uint8)
    assert not effect(np.random.default_rng(1), mask).any()  # type: ignore[operator]


def test_streaks_run_along_the_line_and_flakes_do_not() -> None:
    """Neighbours along the line are more alike than those across it, only for the brush."""
    mask = np.full((60, 400), 255, np.uint8)

    def alike(worn: np.ndarray) -> float:
        ink = worn.astype(np.float64)
        along = np.corrcoef(ink[:, :-3].ravel(), ink[:, 3:].ravel())[0, 1]
        across = np.corrcoef(ink[:-3].ravel(), ink[3:].ravel())[0, 1]
        return float(along - across)

    rng = np.random.default_rng(5)
    assert np.mean([alike(brushed(rng, mask)) for _ in range(8)]) > 0.25
    assert abs(np.mean([alike(weathered(rng, mask)) for _ in range(8)])) < 0.15
