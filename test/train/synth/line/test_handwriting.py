"""Lines by hand: the strokes of their text, in their places, by somebody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from train.synth.fonts.stroke_data import StrokeData, read_strokes, write_strokes
from train.synth.line.grounds import sheet
from train.synth.line.handwriting import Handwriting, written
from train.synth.line.surroundings import lines_of_paper

PLAIN = Handwriting(pen=0.06, slant=0.0, pitch=1.0, haste=0.0, joined=0.0, taper=0.3, sway=0.0)


@pytest.fixture
def data(tmp_path: Path) -> StrokeData:
    cross = [[[100, 400], [500, 405], [900, 400]], [[500, 850], [505, 400], [500, -80]]]
    write_strokes(tmp_path / "x.npz", {"十": cross, "一": [[[100, 400], [500, 405], [900, 400]]]})
    found = read_strokes(tmp_path / "x.npz")
    assert found is not None
    return found


def test_characters_stand_where_they_are_said_to(data: StrokeData) -> None:
    for slant in (0.0, 0.3):
        drawn = written(np.random.default_rng(1), data, "十一十", replace(PLAIN, slant=slant))
        assert drawn.text == "十一十"
        np.testing.assert_allclose(np.diff(drawn.centers), 56, atol=1)
        height = drawn.mask.shape[0]
        for center in (drawn.centers[0], drawn.centers[2]):
            # The upright stroke crosses the middle of the line there.
            row = drawn.mask[round(0.25 * height)].astype(int)
            near = row[max(0, int(center) - 18) : int(center) + 19]
            assert near.max() > 127
        across = drawn.mask[:, int(drawn.centers[1]) - 5 : int(drawn.centers[1]) + 5]
        assert 0 < across.mean() < 60


def test_figures_and_marks_need_no_strokes_of_the_package(data: StrokeData) -> None:
    text = "0123456789，。、：！？(（)）+-×=/%.,:；“”"
    drawn = written(np.random.default_rng(2), data, text, PLAIN)
    assert len(drawn.centers) == len(text)
    assert (np.diff(drawn.centers) > 0).all()
    for character, center, width in zip(text, drawn.centers, drawn.widths, strict=True):
        first, last = int(center - 0.6 * width), int(center + 0.6 * width) + 1
        assert drawn.mask[:, max(0, first) : last].max() > 127, character


def test_handwriting_varies_but_is_reproducible_by_seed(data: StrokeData) -> None:
    hasty = replace(PLAIN, haste=0.8, joined=0.5, sway=0.03)
    first, again, other = (
        written(np.random.default_rng(s), data, "十十一", hasty) for s in (3, 3, 4)
    )
    assert np.array_equal(first.mask, again.mask)
    assert first.mask.shape != other.mask.shape or not np.array_equal(first.mask, other.mask)


def test_characters_without_strokes_are_not_written(data: StrokeData) -> None:
    with pytest.raises(LookupError):
        written(np.random.default_rng(0), data, "字", PLAIN)
    with pytest.raises(ValueError, match="no ink"):
        written(np.random.default_rng(0), data, "  ", PLAIN)


def test_writers_differ_and_stay_legible() -> None:
    rng = np.random.default_rng(5)
    writers = [Handwriting.draw(rng) for _ in range(300)]
    assert all(0.02 < writer.pen < 0.1 and abs(writer.slant) < 0.4 for writer in writers)
    assert np.std([writer.haste for writer in writers]) > 0.2
    assert 0.3 < np.mean([writer.joined > 0 for writer in writers]) < 0.95


def test_slim_writers_write_shorter_lines_whose_places_are_told(data: StrokeData) -> None:
    plain, slim = (
        written(np.random.default_rng(1), data, "十1十", replace(PLAIN, wide=wide))
        for wide in (1, 0.75)
    )
    assert slim.mask.shape[1] < 0.85 * plain.mask.shape[1]
    row = slim.mask[round(0.25 * slim.mask.shape[0])]
    for center in slim.centers[[0, 2]]:
        assert row[max(0, int(center) - 8) : int(center) + 9].max() > 127


def test_walls_of_squared_paper_stand_between_characters(data: StrokeData) -> None:
    writer = replace(PLAIN, pitch=1.3, squared=True)
    drawn = written(np.random.default_rng(1), data, "十1，十", writer)
    np.testing.assert_allclose(np.diff(drawn.centers), 1.3 * 56, atol=1)
    height, width = drawn.mask.shape
    pad = (height, height)
    for squares in (True, False):
        paper = np.zeros((3 * height, width + 2 * height), np.float32)
        lines_of_paper(np.random.default_rng(3), paper, drawn, pad, squares=squares)
        walls = np.flatnonzero(paper[height + height // 2] > 0)
        if not squares:
            assert paper.any() and not len(walls)
            continue
        ink = np.pad(drawn.mask, ((height, height), (height, height)))
        assert not ink[:, walls].any(), "a wall goes through a character"
        starts = walls[np.flatnonzero(np.diff(walls, prepend=-9) > 1)] - height
        assert len(starts) == 5
        inside = (starts[:-1] < drawn.centers) & (drawn.centers < starts[1:])
        assert inside.all()


def test_paper_is_light_and_even() -> None:
    for seed in range(40):
        ground = sheet(np.random.default_rng(seed), 40, 300)
        assert ground.mean() > 90 and ground.std() < 60
