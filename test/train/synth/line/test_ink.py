"""Painted letters: whatever is around them, they can be told from it."""

from __future__ import annotations

import numpy as np
import pytest

from train.synth.line import shares
from train.synth.line.ink import paint, write


def letters(height: int) -> np.ndarray:
    """A bar and a ring with room about them."""
    alpha = np.zeros((3 * height, 6 * height), np.float32)
    alpha[height : 2 * height, height : height + height // 5] = 1
    alpha[height : 2 * height, 2 * height : 3 * height] = 1
    alpha[
        height + height // 4 : 2 * height - height // 4,
        2 * height + height // 4 : 3 * height - height // 4,
    ] = 0
    return alpha


@pytest.mark.parametrize("level", [0.0, 90.0, 128.0, 255.0])
def test_letters_stand_out_from_what_is_next_to_them(level: float) -> None:
    alpha = letters(30)
    inside = alpha > 0
    for seed in range(60):
        rng = np.random.default_rng([seed, int(level)])
        painted = paint(rng, np.full(alpha.shape, level, np.float32), alpha, 30)
        assert painted.shape == alpha.shape
        assert painted.dtype == np.float32
        # Either the letters or the edge about them, one pixel wide at least, differ from the ground.
        near = painted[29:61, 29:92]
        assert near.max() - near.min() > 24, f"seed {seed}: nothing to be seen"
        assert np.allclose(painted[0], level) or painted[inside].std() < 60


@pytest.mark.parametrize("level", [20.0, 200.0])
def test_tubes_of_light_are_brighter_than_everything_about_them(
    level: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "EFFECTS", {**shares.EFFECTS, "neon": 1.0, "embossed": 0.0})
    alpha = letters(36)
    for seed in range(30):
        lit = paint(np.random.default_rng(seed), np.full(alpha.shape, level, np.float32), alpha, 36)
        rim = lit[36:72, 36]  # the bar's left edge, on which a tube lies whatever is filled
        far = lit[:4, :4]
        assert rim.min() > far.max() + 60, f"seed {seed}"
        assert lit.max() <= 255
        # It glows: what is beside a tube is lighter than what is far from it.
        assert lit[40:68, 32].mean() > far.mean() + 5


def test_the_same_seed_paints_the_same() -> None:
    alpha = letters(36)
    ground = np.full(alpha.shape, 140.0, np.float32)
    for how in (write, lambda *args: paint(*args, 36)):
        first, second = (how(np.random.default_rng(7), ground.copy(), alpha) for _ in range(2))
        assert np.array_equal(first, second)


def test_painting_leaves_what_it_was_given() -> None:
    alpha, ground = letters(36), np.full((108, 216), 200.0, np.float32)
    before = alpha.copy(), ground.copy()
    for seed in range(40):
        paint(np.random.default_rng(seed), ground, alpha, 36)
    assert np.array_equal(alpha, before[0])
    assert np.array_equal(ground, before[1])
