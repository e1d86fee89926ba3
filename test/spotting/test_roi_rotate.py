"""RoIRotate: the grid of a line is where the cut-out line has its pixels, whatever its slope."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.arrays import Floats, Image
from common.quads import crop, quad_size
from recognition.preprocess import HEIGHT
from spotting.roi_rotate import CELL, OUTSIDE, ROWS, as_read, places, read_size

SIZE = (256, 320)


def line(width: float, height: float, degrees: float, x: float = 160, y: float = 128) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def striped() -> Image:
    """A smooth picture in which every place has another color."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    planes = [128 + 120 * np.sin(x / 9 + y / 23), 128 + 120 * np.cos(y / 11 - x / 31), x / 2]
    return np.stack(planes, axis=-1).astype(np.uint8)


def sampled(image: Image, grid: Floats) -> Floats:
    """The picture at the places of a grid, by OpenCV."""
    x = (grid[..., 0] + 1) / 2 * image.shape[1] - 0.5
    y = (grid[..., 1] + 1) / 2 * image.shape[0] - 0.5
    found = cv2.remap(image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # fmt: skip  # noqa: E501
    return np.asarray(found, np.float32)


@pytest.mark.parametrize("degrees", [0, 12, -35, 60, 90, 180, -120])
@pytest.mark.parametrize("shape", [(200, 32), (90, 40), (20, 18), (24, 120)])
def test_grid_of_a_line_is_the_cut_out_line(degrees: float, shape: tuple[int, int]) -> None:
    quad, image = line(*shape, degrees), striped()
    straight = crop(image, quad)
    width = round(straight.shape[1] * HEIGHT / straight.shape[0])
    width += width % 2
    grid = places(quad, SIZE, width, width)
    expected = cv2.resize(straight, (width // CELL, ROWS), interpolation=cv2.INTER_AREA)
    assert np.abs(sampled(image, grid) - expected).mean() < 3


def test_perspective_is_taken_out() -> None:
    quad, image = np.array([[60, 60], [260, 90], [250, 130], [70, 150]], np.float32), striped()
    straight = crop(image, quad)
    width = 2 * round(straight.shape[1] * HEIGHT / straight.shape[0] / 2)
    expected = cv2.resize(straight, (width // CELL, ROWS), interpolation=cv2.INTER_AREA)
    assert np.abs(sampled(image, places(quad, SIZE, width, width)) - expected).mean() < 3


def test_columns_lie_on_their_side() -> None:
    column = line(20, 160, 0)
    assert quad_size(as_read(column)) == pytest.approx((20, 160))
    assert read_size(column) == pytest.approx((20, 160))
    np.testing.assert_array_equal(as_read(column)[0], column[1])
    row = line(160, 20, 0)
    np.testing.assert_array_equal(as_read(row), row)


def test_places_beyond_the_end_are_outside() -> None:
    grid = places(line(200, 32, 10), SIZE, 200, 240)
    assert grid.shape == (ROWS, 120, 2) and grid.dtype == np.float32
    assert (grid[:, 100:] == OUTSIDE).all() and (np.abs(grid[:, :100]) < 1).all()


def test_lines_that_leave_the_picture_far_are_told_from_what_is_beyond_their_end() -> None:
    grid = places(line(200, 32, 0, x=-40_000), SIZE, 200, 240)
    assert (grid[:, :100, 0] > OUTSIDE / 2 - 0.1).all() and (grid[:, 100:] == OUTSIDE).all()
