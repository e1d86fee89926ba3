"""Effects on lines: what they move is where they say, what they hide is not read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from train.synth.line import curve, display, shares
from train.synth.line.crop import Crop, cut_short
from train.synth.line.degrade import fainter, far_damage, lasting_damage, legible
from train.synth.line.strokes import worn
from train.synth.line.surroundings import glare, highlighted, marks, neighbours, sealed
from train.synth.typesetting.draw_line import TextMask


def blocks(count: int = 6, height: int = 30) -> TextMask:
    """Return characters that are blocks with gaps between them."""
    mask = np.zeros((height, count * height), np.uint8)
    for i in range(count):
        mask[:, i * height + 3 : (i + 1) * height - 3] = 255
    centers = (np.arange(count, dtype=np.float32) + 0.5) * height
    return TextMask(mask, "国" * count, centers, np.full(count, height, np.float32))


def stripes(height: int = 40, width: int = 200) -> np.ndarray:
    """Return dark strokes on white."""
    picture = np.full((height, width), 255, np.float32)
    picture[8:-8, 10:-10:8] = 0
    picture[8:-8, 11:-10:8] = 0
    return picture


def test_shares_of_effects_are_between_zero_and_one() -> None:
    for table in (shares.NARROW_KINDS, shares.WIDE_KINDS, shares.TEXTS):
        assert sum(table.values()) == pytest.approx(1.0, abs=0.005)
    assert set(shares.WIDE_KINDS) <= set(shares.NARROW_KINDS)
    assert all(0 < share < 1 for share in shares.EFFECTS.values())
    rng = np.random.default_rng(1)
    names = [shares.draw(rng, shares.NARROW_KINDS) for _ in range(4000)]
    for name, share in shares.NARROW_KINDS.items():
        assert names.count(name) / 4000 == pytest.approx(share, abs=0.025)


@pytest.mark.parametrize("degrees", [20.0, 70.0, 120.0])
@pytest.mark.parametrize("up", [True, False])
def test_a_word_on_an_arc_keeps_its_characters_where_it_says(degrees: float, up: bool) -> None:
    bent = curve.arched(blocks(), degrees, up=up)
    height, width = bent.mask.shape
    assert height > 30
    assert (np.diff(bent.centers) > 0).all()
    tops = [int(np.flatnonzero(bent.mask[:, round(float(x))] > 127)[0]) for x in bent.centers]
    middle, ends = min(tops[2:4]), (tops[0], tops[-1])
    assert all(end > middle for end in ends) if up else all(end < middle for end in ends)
    for x in bent.centers:
        assert bent.mask[:, round(float(x))].sum() > 255 * 20
    # Nothing of the word is lost at the picture's edges.
    assert bent.mask.mean() * bent.mask.size == pytest.approx(float(blocks().mask.sum()), rel=0.05)
    assert bent.mask[0].mean() < 120


def test_a_wave_moves_nothing_along_the_line() -> None:
    drawn = blocks()
    waved = curve.waved(drawn, 25.0, 1.0, 0.2)
    assert waved.mask.shape[1] == drawn.mask.shape[1]
    assert waved.mask.shape[0] > drawn.mask.shape[0]
    assert float(waved.mask.sum()) == pytest.approx(float(drawn.mask.sum()), rel=0.05)
    with pytest.raises(ValueError, match="too long"):
        curve.curved(np.random.default_rng(0), blocks(20))


def test_text_of_a_line_cut_short_is_what_is_left() -> None:
    drawn = blocks(6, 40)
    whole = Crop(drawn.mask.astype(np.float32), drawn.text, drawn.centers, drawn.widths)
    lost = kept = 0
    for seed in range(300):
        crop = cut_short(np.random.default_rng(seed), whole)
        assert len(crop.text) == len(crop.centers) == len(crop.widths)
        gone = 6 - len(crop.text)
        lost += gone
        kept += crop.image.shape[1] < 240 and not gone
        width = crop.image.shape[1]
        # Of the first and last letter four fifths of the cell are left, of others nothing but slivers.
        assert crop.centers[0] - 0.3 * 40 > -1
        assert crop.centers[-1] + 0.3 * 40 < width + 1
        assert width < 40 * (len(crop.text) + 0.4)
    assert lost > 30
    assert kept > 100


def test_lines_of_slim_letters_are_not_cut_short() -> None:
    drawn = blocks(4)
    whole = Crop(drawn.mask.astype(np.float32), "illi", drawn.centers, drawn.widths)
    for seed in range(40):
        assert cut_short(np.random.default_rng(seed), whole).image.shape[1] == 120


@pytest.mark.parametrize("text", ["12.5", "-08:45", "AbCdEFHLPU", "0123456789", "1.0"])
def test_seven_segments_light_what_the_text_says(text: str) -> None:
    for seed in range(12):
        drawn, unlit = display.seven_segments(np.random.default_rng(seed), text)
        assert drawn.text == text
        assert drawn.mask.shape == unlit.shape
        assert len(drawn.centers) == len(drawn.widths) == len(text)
        assert (np.diff(drawn.centers) > 0).all()
        for character, center, width in zip(text, drawn.centers, drawn.widths, strict=True):
            first, last = (int(center + side * 0.6 * width) for side in (-1, 1))
            assert drawn.mask[:, max(0, first) : last + 1].any(), (character, seed)
    eight, none = display.seven_segments(np.random.default_rng(0), "8")
    one, rest = display.seven_segments(np.random.default_rng(0), "1")
    assert eight.mask.sum() > 2 * one.mask.sum()
    assert not none.any()
    assert rest.shape[1] == one.mask.shape[1]


def test_displays_show_only_what_can_be_drawn() -> None:
    rng = np.random.default_rng(3)
    texts = [display.display_text(rng) for _ in range(400)]
    for text in texts:
        display.seven_segments(rng, text)
    assert any("." in text for text in texts)
    assert any(":" in text for text in texts)


def test_marks_boxes_and_markers_are_drawn_about_the_line() -> None:
    seen = set()
    for seed in range(300):
        alpha = np.zeros((80, 200), np.float32)
        marks(np.random.default_rng(seed), alpha, (30, 150), (25, 25))
        if alpha.any():
            rows = np.flatnonzero(alpha.any(1))
            seen.add("box" if rows[0] < 25 else "strike")
    assert seen == {"box", "strike"}
    ground = np.full((80, 200), 255.0, np.float32)
    marked = highlighted(np.random.default_rng(5), ground.copy(), (30, 150), (25, 25))
    assert 200 < marked.min() < 255
    assert (marked[:10] == 255).all()


def test_neighbours_stay_outside_the_line_however_little_room_there_is() -> None:
    mask = blocks().mask
    for seed in range(400):
        alpha = np.zeros((34, 184), np.float32)
        neighbours(np.random.default_rng(seed), alpha, mask, (2, 2), ruled=0.5, near=0.5)
        assert alpha[4:30, 4:180].max() == 0


def test_seals_and_glare_leave_the_strokes() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for spoiled in (sealed(rng, stripes(), (40, 200), (0, 0)), glare(rng, stripes())):
            assert spoiled.shape == (40, 200)
            between = spoiled[20, 14:-10:8] - spoiled[20, 10:-14:8]
            assert np.median(between) > 80
            assert between.min() > 20


def test_faint_lines_keep_some_grey_levels() -> None:
    for seed in range(40):
        out = fainter(np.random.default_rng(seed), stripes(), 12.0, 40.0)
        assert 11 <= out.max() - out.min() <= 41
        assert out.min() >= -1
        assert out.max() <= 256


def test_far_lines_are_small_or_enlarged_from_it() -> None:
    heights = set()
    for seed in range(60):
        out = far_damage(np.random.default_rng(seed), stripes(48, 300), pixels=12.0)
        assert out.dtype == np.uint8
        heights.add(out.shape[0])
        assert out.shape[1] / out.shape[0] == pytest.approx(300 / 48, rel=0.15)
    assert min(heights) == 12
    assert max(heights) > 24


def test_lasting_damage_leaves_most_lines_alone() -> None:
    picture = np.clip(stripes(), 0, 255).astype(np.uint8)
    changed = 0
    for seed in range(200):
        out = lasting_damage(np.random.default_rng(seed), picture)
        changed += not np.array_equal(out, picture)
    assert 5 < changed < 50


def test_damage_that_takes_the_strokes_is_told_from_damage_that_does_not() -> None:
    letters = np.full((40, 200), 230, np.float32)
    for x in range(20, 180, 30):
        letters[8:32, x : x + 4] = letters[8:12, x : x + 18] = letters[20:24, x : x + 14] = 40
    rng = np.random.default_rng(3)
    small = cv2.resize(letters, (100, 20), interpolation=cv2.INTER_AREA)
    shaded = letters * np.linspace(0.4, 1.0, 200, dtype=np.float32)
    grainy = letters + rng.normal(0, 25, letters.shape)
    for kept in (letters, 0.15 * letters + 90, small, shaded, grainy, 255 - 255 * (letters < 128)):
        assert legible(letters, np.clip(kept, 0, 255).astype(np.uint8), han=True)
    blurred = cv2.GaussianBlur(letters, (0, 0), 9)
    drowned = 0.1 * letters + rng.normal(110, 40, letters.shape)
    for lost in (np.full_like(letters, 90), np.roll(letters, 11, 1), blurred, drowned):
        assert not legible(letters, np.clip(lost, 0, 255).astype(np.uint8), han=False)


def test_worn_print_is_paler_and_all_there() -> None:
    mask = blocks().mask
    for seed in range(40):
        out = worn(np.random.default_rng(seed), mask)
        assert out.shape == mask.shape
        assert (out <= mask).all()
        assert out.sum() > 0.2 * mask.sum()
