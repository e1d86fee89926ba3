"""Quads: conversions, turning, cutting out, overlap."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.arrays import Image
from common.image import rotate_ccw
from common.quads import (
    MAX_CROP_HEIGHT,
    MAX_CROP_WIDTH,
    boxes_to_quads,
    crop,
    iou,
    quad_size,
    rotate_quads,
    weighted_median,
)

TURNS = (0, 90, 180, 270)


def _quad(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return boxes_to_quads(np.array([[x0, y0, x1, y1]], np.float32))[0]


@pytest.fixture
def noise(rng: np.random.Generator) -> Image:
    return rng.integers(0, 256, (60, 200, 3), dtype=np.uint8)


def test_no_boxes_are_no_quads() -> None:
    assert boxes_to_quads(np.zeros((0, 4), np.float32)).shape == (0, 4, 2)
    assert rotate_quads(np.zeros((0, 4, 2), np.float32), 90, (5, 7)).shape == (0, 4, 2)


def test_corners_run_clockwise_from_the_top_left() -> None:
    assert _quad(1, 2, 5, 4).tolist() == [[1, 2], [5, 2], [5, 4], [1, 4]]


@pytest.mark.parametrize("degrees", TURNS)
def test_quads_turn_with_their_picture(noise: Image, degrees: int) -> None:
    turned = rotate_ccw(noise, degrees)
    quad = rotate_quads(_quad(10, 20, 50, 35)[None], degrees, noise.shape[:2])[0]
    assert np.array_equal(crop(turned, quad), noise[20:35, 10:50])


@pytest.mark.parametrize("degrees", TURNS)
def test_turning_back_undoes_turning(degrees: int, rng: np.random.Generator) -> None:
    quads = rng.uniform(0, 60, (5, 4, 2)).astype(np.float32)
    there = rotate_quads(quads, degrees, (60, 200))
    size = (200, 60) if degrees % 180 else (60, 200)
    assert np.allclose(rotate_quads(there, -degrees % 360, size), quads, atol=1e-4)


def test_turning_leaves_the_argument_alone() -> None:
    quads = np.zeros((1, 4, 2), np.float32)
    rotate_quads(quads, 0, (5, 5))[:] = 9
    assert not quads.any()


def test_rotation_by_other_than_quarter_turns_is_refused() -> None:
    with pytest.raises(ValueError, match="45"):
        rotate_quads(np.zeros((1, 4, 2), np.float32), 45, (5, 5))
    with pytest.raises(ValueError, match="-90"):
        rotate_ccw(np.zeros((2, 2, 3), np.uint8), -90)


def test_quad_size_is_height_and_width() -> None:
    assert quad_size(_quad(0, 0, 40, 10)) == (10, 40)
    tilted = np.array([[0, 0], [30, 40], [22, 46], [-8, 6]], np.float32)
    assert quad_size(tilted) == pytest.approx((10, 50))


def test_whole_picture_is_cut_exactly(noise: Image) -> None:
    assert np.array_equal(crop(noise, _quad(0, 0, 200, 60)), noise)


def test_slanted_line_is_straightened() -> None:
    picture = np.full((300, 300, 3), 255, np.uint8)
    ys, xs = np.mgrid[0:300, 0:300] + 0.5
    # A dark bar 200 long and 20 high, turned by 30 degrees about the picture's middle.
    angle = np.deg2rad(30)
    along = (xs - 150) * np.cos(angle) + (ys - 150) * np.sin(angle)
    across = -(xs - 150) * np.sin(angle) + (ys - 150) * np.cos(angle)
    picture[(abs(along) < 100) & (abs(across) < 10)] = 0
    corners = np.array([[-100, -10], [100, -10], [100, 10], [-100, 10]])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    cut = crop(picture, (corners @ turn + 150).astype(np.float32))
    assert cut.shape == (20, 200, 3)
    assert cut[2:-2, 2:-2].max() == 0


def test_column_is_turned_to_read_left_to_right(noise: Image) -> None:
    cut = crop(noise, _quad(30, 5, 50, 55))
    assert np.array_equal(cut, np.rot90(noise[5:55, 30:50]))


def test_square_is_not_turned(noise: Image) -> None:
    assert np.array_equal(crop(noise, _quad(30, 5, 60, 35)), noise[5:35, 30:60])


def test_crop_repeats_the_picture_s_edge_outside(noise: Image) -> None:
    cut = crop(noise, _quad(-10, 0, 30, 20))
    assert np.array_equal(cut[:, 10:], noise[:20, :30])
    assert np.array_equal(cut[:, 0], noise[:20, 0])


def test_quad_outside_the_picture_still_gives_a_crop(noise: Image) -> None:
    assert crop(noise, _quad(500, 500, 600, 520)).shape == (20, 100, 3)
    assert crop(noise, _quad(-90, -90, -50, -80)).shape == (10, 40, 3)


@pytest.mark.parametrize(
    "corners",
    [
        [[5, 5]] * 4,
        [[0, 0], [10, 0], [10, 0], [0, 0]],
        [[5, 5], [6, 6], [5, 5], [6, 6]],
        [[0, 0], [10, 10], [0, 10], [10, 0]],
        [[3, 3], [3.2, 3], [3.2, 3.2], [3, 3.2]],
    ],
)
def test_degenerate_quads_give_at_least_a_pixel(noise: Image, corners: list[list[float]]) -> None:
    cut = crop(noise, np.array(corners, np.float32))
    assert cut.dtype == np.uint8
    assert min(cut.shape) >= 1


def test_crop_of_a_picture_of_one_pixel() -> None:
    cut = crop(np.full((1, 1, 3), 7, np.uint8), _quad(0, 0, 1, 1))
    assert cut.tolist() == [[[7, 7, 7]]]


@pytest.mark.parametrize("shape", [(900, 3000), (30, 40000), (40000, 30), (3000, 900)])
def test_crops_are_bounded(shape: tuple[int, int]) -> None:
    cut = crop(np.zeros((*shape, 3), np.uint8), _quad(0, 0, shape[1], shape[0]))
    assert cut.shape[0] <= MAX_CROP_HEIGHT
    assert cut.shape[1] <= MAX_CROP_WIDTH


def test_huge_quads_are_bounded(noise: Image) -> None:
    cut = crop(noise, _quad(-1e7, -1e7, 1e7, 1e7))
    assert max(cut.shape) <= MAX_CROP_WIDTH


def test_reduced_crops_average_pixels(rng: np.random.Generator) -> None:
    """Fine detail must not turn into noise when a large line is made small."""
    stripes = np.zeros((1280, 2000, 3), np.uint8)
    stripes[:, ::2] = 200
    cut = crop(stripes, _quad(0, 0, 2000, 1280))
    assert abs(cut[5:-5, 5:-5].astype(int) - 100).max() <= 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_corners_must_be_finite(noise: Image, bad: float) -> None:
    quad = _quad(0, 0, 10, 10)
    quad[1, 0] = bad
    with pytest.raises(ValueError, match="four finite corners"):
        crop(noise, quad)


def test_iou_of_boxes() -> None:
    quad = _quad(0, 0, 40, 10)
    assert iou(quad, quad) == pytest.approx(1)
    assert iou(quad, _quad(20, 0, 60, 10)) == pytest.approx(1 / 3)
    assert iou(quad, _quad(40, 0, 60, 10)) == 0
    assert iou(quad, _quad(10, 2, 20, 4)) == pytest.approx(0.05)
    assert iou(quad, np.zeros((4, 2), np.float32)) == 0


def test_iou_ignores_corner_order_and_place(rng: np.random.Generator) -> None:
    for _ in range(50):
        angle, x, y = rng.uniform(0, 6), *rng.uniform(0, 30, 2)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        a = _quad(0, 0, 40, 20)
        b = ((a - [20, 10]) @ turn + [x, y]).astype(np.float32)
        value = iou(a, b)
        assert 0 <= value <= 1
        assert iou(b, a) == pytest.approx(value, abs=1e-4)
        assert iou(np.roll(a, 1, axis=0), b[::-1]) == pytest.approx(value, abs=1e-4)
        far = np.array([90000, 70000], np.float32)
        assert iou(a + far, b + far) == pytest.approx(value, abs=2e-2)


def test_small_lines_are_enlarged_once_and_keep_their_strokes() -> None:
    """Strokes of one pixel, cut out at a fraction of a pixel: they come out as strokes, not as a grey haze."""
    image = np.full((60, 200, 3), 20, np.uint8)
    image[20:34:2, 40:160] = 230
    quad = np.array([[40, 19.5], [160, 19.5], [160, 35.5], [40, 35.5]], np.float32)
    plain, large = crop(image, quad), crop(image, quad, fine=20)
    assert plain.shape == (16, 120, 3)
    assert large.shape == (32, 240, 3)
    twice = cv2.resize(plain, (240, 32), interpolation=cv2.INTER_LINEAR)
    contrast = [float(np.ptp(each[4:24, 100, 0])) for each in (large, twice)]
    assert contrast[0] > contrast[1] + 40


@pytest.mark.parametrize("height", [4, 16, 19, 20, 40])
def test_only_small_lines_are_enlarged(height: int) -> None:
    image = np.zeros((400, 800, 3), np.uint8)
    quad = np.array([[10, 10], [710, 10], [710, 10 + height], [10, 10 + height]], np.float32)
    by = 2 if height < 20 else 1
    assert crop(image, quad, fine=20).shape == (height * by, 700 * by, 3)
    assert crop(image, quad).shape == (height, 700, 3)


def test_a_small_column_is_turned_as_a_large_one_is() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    for height in range(20, 40):
        quad = np.array([[10, 10], [24, 10], [24, 10 + height], [10, 10 + height]], np.float32)
        plain, large = crop(image, quad), crop(image, quad, fine=20)
        assert large.shape == (2 * plain.shape[0], 2 * plain.shape[1], 3)


def test_the_weighted_median_has_half_of_the_weight_on_each_side(rng: np.random.Generator) -> None:
    for size in (1, 2, 9):
        values, weights = rng.normal(size=size), rng.integers(1, 9, size)
        whole = np.sort(np.repeat(values, weights))
        assert weighted_median(values, weights) == whole[(len(whole) - 1) // 2]
    tenths = np.full(4, 0.1, np.float32)  # whose sum is not 0.4 to the last digit
    assert weighted_median(np.array([4.0, 1, 3, 2]), tenths) == 2
