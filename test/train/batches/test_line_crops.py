"""Line crops: character positions must still be where the characters are."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from train.batches.line_crops import jittered, line_crops
from train.data.samples import Line, PageSample, PlacedLine
from train.synth.effects.geometric import warp

PITCH, HEIGHT = 24, 30


def page_of_bars(count: int, *, vertical: bool = False) -> PageSample:
    """A black page with one line of `count` bars, each of its own brightness."""
    image = np.zeros((220, 420, 3), np.uint8)
    length = count * PITCH
    for i in range(count):
        a, b = 40 + i * PITCH + 4, 40 + (i + 1) * PITCH - 4
        if vertical:
            image[a:b, 60 : 60 + HEIGHT] = level(i)
        else:
            image[60 : 60 + HEIGHT, a:b] = level(i)
    quad = np.array([[0, 0], [length, 0], [length, HEIGHT], [0, HEIGHT]], np.float32) + (40, 60)
    if vertical:
        quad = np.array([[0, 0], [HEIGHT, 0], [HEIGHT, length], [0, length]], np.float32) + (60, 40)
    centers = (np.arange(count, dtype=np.float32) + 0.5) / count
    widths = np.full(count, 1 / count, np.float32)
    line = PlacedLine(
        quad.astype(np.float32), "abcdefghij"[:count], False, centers, widths, vertical
    )
    return PageSample(image, (line,))


def level(i: int) -> int:
    return 60 + 19 * i


def seen_aside(page: PageSample) -> PageSample:
    height, width = page.image.shape[:2]
    old = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    new = np.array([[20, 5], [width - 60, 25], [width - 10, height - 30], [0, height]], np.float32)
    quads = np.array([line.quad for line in page.lines])
    matrix = cv2.getPerspectiveTransform(old, new)
    image, quads = warp(page.image, quads, matrix, (height, width))
    lines = tuple(replace(line, quad=quad) for line, quad in zip(page.lines, quads, strict=True))
    return PageSample(image, lines)


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
@pytest.mark.parametrize("count", [4, 6])
def test_positions_are_where_the_characters_are(
    vertical: bool, aside: bool, jitter: float, count: int
) -> None:
    page = page_of_bars(count, vertical=vertical)
    page = seen_aside(page) if aside else page
    for seed in range(12):
        (sample,) = line_crops(page, np.random.default_rng(seed), jitter=jitter)
        assert sample.image.shape[1] > sample.image.shape[0], "a column is turned to read along x"
        assert len(sample.centers) == len(sample.widths) == count
        middle = sample.image[sample.image.shape[0] // 2, :, 0]
        for i, (center, width) in enumerate(zip(sample.centers, sample.widths, strict=True)):
            assert abs(int(middle[int(center)]) - level(i)) <= 6
            # A bar takes two thirds of its pitch: at the ends of the advance there is none.
            ends = [int(center - width / 2), int(center + width / 2)]
            assert all(middle[x] < 60 for x in ends if 0 <= x < len(middle))


def test_exact_cut_has_the_size_of_the_quad() -> None:
    (sample,) = line_crops(page_of_bars(5), np.random.default_rng(0), jitter=0)
    assert sample.image.shape == (HEIGHT, 5 * PITCH, 3)
    np.testing.assert_allclose(sample.centers, (np.arange(5) + 0.5) * PITCH, atol=0.01)
    np.testing.assert_allclose(sample.widths, PITCH, atol=0.01)


def test_no_lines_no_crops() -> None:
    page = PageSample(np.zeros((30, 30, 3), np.uint8), ())
    assert list(line_crops(page, np.random.default_rng(0))) == []


def test_ignored_empty_and_tiny_lines_are_left_out() -> None:
    page = page_of_bars(4)
    line = page.lines[0]
    small = line.quad.copy()
    small[2:, 1] = small[0, 1] + 3
    for other in (replace(line, ignore=True), replace(line, text=""), replace(line, quad=small)):
        assert list(line_crops(replace(page, lines=(other,)), np.random.default_rng(0))) == []


def test_lines_without_positions_give_crops_without_positions() -> None:
    page = page_of_bars(4)
    plain = Line(page.lines[0].quad, "abcd")
    (sample,) = line_crops(replace(page, lines=(plain,)), np.random.default_rng(0))
    assert sample.text == "abcd"
    assert len(sample.centers) == 0


def test_a_lone_narrow_character_keeps_one_position() -> None:
    (sample,) = line_crops(page_of_bars(1), np.random.default_rng(0), jitter=0)
    assert len(sample.centers) == 1
    assert 0 < sample.centers[0] < sample.image.shape[1]


def test_several_characters_that_would_be_turned_are_left_out() -> None:
    page = page_of_bars(2)
    quad = page.lines[0].quad.copy()
    quad[2:, 1] += 80
    line = replace(page.lines[0], quad=quad)
    assert list(line_crops(replace(page, lines=(line,)), np.random.default_rng(0), jitter=0)) == []


def test_one_line_does_not_change_the_jitter_of_the_next() -> None:
    page = page_of_bars(4)
    line = page.lines[0]
    both = replace(page, lines=(line, line))
    second = replace(page, lines=(replace(line, ignore=True), line))
    *_, expected = line_crops(both, np.random.default_rng(3))
    (found,) = line_crops(second, np.random.default_rng(3))
    np.testing.assert_array_equal(found.image, expected.image)


@pytest.mark.parametrize("vertical", [False, True])
def test_jitter_is_in_proportion_to_the_short_side(vertical: bool) -> None:
    quad = page_of_bars(9, vertical=vertical).lines[0].quad
    np.testing.assert_allclose(jittered(quad, np.random.default_rng(0), 0.0), quad, atol=1e-3)
    moved = [jittered(quad, np.random.default_rng(seed), 1.0) - quad for seed in range(300)]
    assert 0.3 * HEIGHT < np.abs(moved).max() < 0.6 * HEIGHT
    # More outwards than inwards.
    outwards = np.sign(quad - quad.mean(axis=0))
    assert (np.array(moved) * outwards).mean() > 0
