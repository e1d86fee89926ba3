"""Polygons to quads: order, direction, degenerate shapes."""

from __future__ import annotations

import numpy as np
import pytest

from train.data.readers.polygon_to_quad import around, inside, rectangle, to_points, to_quad

BOX = np.array([[10, 20], [110, 20], [110, 50], [10, 50]], np.float64)


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points - points.mean(axis=0)) @ matrix.T + 500


def arc(count: int, degrees: float, thickness: float = 30.0) -> np.ndarray:
    """A polygon of 2 × count corners around text that bends over an arc, its top first."""
    angles = np.deg2rad(np.linspace(180 + (180 - degrees) / 2, 360 - (180 - degrees) / 2, count))
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.concatenate([circle * 200, circle[::-1] * (200 - thickness)]) + 400


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 135, 180, 250, 300])
def test_four_corners_stay_whatever_the_turn(degrees: float) -> None:
    points = turned(BOX, degrees)
    np.testing.assert_allclose(to_quad(points), points, atol=1e-3)


@pytest.mark.parametrize("degrees", [0, 20, 90, 180, 300])
def test_counter_clockwise_polygons_keep_the_first_corner(degrees: float) -> None:
    points = turned(BOX, degrees)
    np.testing.assert_allclose(to_quad(points[[0, 3, 2, 1]]), points, atol=1e-3)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("degrees", [-30, 0, 30])
def test_uncertain_first_corner_of_level_text_becomes_the_top_left(
    reverse: bool, degrees: float
) -> None:
    points = turned(BOX, degrees)
    for start in range(4):
        given = np.roll(points[::-1] if reverse else points, start, axis=0)
        quad = to_quad(given, sure_start=False)
        np.testing.assert_allclose(quad, points, atol=1e-3, err_msg=f"{start=}")


def test_uncertain_first_corner_is_kept_for_plausible_directions() -> None:
    down = turned(BOX, 90)
    np.testing.assert_allclose(to_quad(down, sure_start=False), down, atol=1e-3)
    column = np.array([[10, 20], [40, 20], [40, 120], [10, 120]], np.float64)
    np.testing.assert_allclose(to_quad(column, sure_start=False), column, atol=1e-3)


@pytest.mark.parametrize("count", range(2, 8))
@pytest.mark.parametrize("degrees", [0, 60, 200, 350])
def test_polygons_of_4_to_14_corners_read_the_same_way(count: int, degrees: float) -> None:
    """A straight line of text with corners along its top and bottom: the quad is the line itself."""
    top = np.linspace([0, 0], [200, 0], count)
    straight = np.concatenate([top, top[::-1] + [0, 30]])
    points = turned(straight, degrees)
    expected = points[[0, count - 1, count, -1]]
    np.testing.assert_allclose(to_quad(points), expected, atol=0.01)
    backwards = np.concatenate([points[:1], points[:0:-1]])
    if count > 2:  # as annotators who went down first; the halves are the left and the right then
        quad = to_quad(backwards)
        assert np.abs(np.sort(quad, axis=0) - np.sort(expected, axis=0)).max() < 0.01


@pytest.mark.parametrize("drop", [1, 5, 8])
def test_polygons_of_an_odd_number_of_corners_are_read(drop: int) -> None:
    top = np.linspace([0, 0], [200, 0], 5)
    points = np.delete(np.concatenate([top, top[::-1] + [0, 30]]), drop, axis=0)
    quad = to_quad(points)
    assert quad[1, 0] - quad[0, 0] > 150
    assert abs(quad[1, 1] - quad[0, 1]) < 10


@pytest.mark.parametrize("count", [3, 5, 7])
@pytest.mark.parametrize("degrees", [60, 120, 170])
@pytest.mark.parametrize("upside_down", [False, True])
def test_bent_text_keeps_its_direction(count: int, degrees: float, upside_down: bool) -> None:
    points = arc(count, degrees)
    if upside_down:
        points = 800 - points
    quad = to_quad(points)
    for point in points:
        assert inside_quad(quad, point)
    side = quad[1] - quad[0]
    assert abs(side[0]) > 5 * abs(side[1])
    assert (side[0] < 0) == upside_down


def inside_quad(quad: np.ndarray, point: np.ndarray) -> bool:
    sides = np.roll(quad, -1, axis=0) - quad
    away = point - quad
    return bool((sides[:, 0] * away[:, 1] - sides[:, 1] * away[:, 0] > -1.0).all())


def test_random_polygons_give_clockwise_quads_around_them(rng: np.random.Generator) -> None:
    for _ in range(300):
        points = rng.uniform(0, 300, (int(rng.integers(3, 15)), 2))
        try:
            quad = to_quad(points, sure_start=bool(rng.integers(2)))
        except ValueError:
            continue
        x, y = quad.T.astype(np.float64)
        assert np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)) > 0
        assert all(inside_quad(quad, point) for point in points)


@pytest.mark.parametrize(
    "points",
    [
        [[10, 10], [10, 10], [10, 10], [10, 10]],
        [[10, 10], [60, 10], [10, 10], [60, 10]],
        [[0, 0], [100, 0], [200, 0], [300, 0], [400, 0]],
        [[5, 5], [5.2, 5], [5.2, 5.2], [5, 5.2]],
    ],
)
def test_shapes_without_area_are_refused(points: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"(empty|bad) box:"):
        to_quad(np.array(points, np.float64))


def test_crossed_and_repeated_corners() -> None:
    crossed = to_quad(BOX[[0, 1, 3, 2]])
    np.testing.assert_allclose(crossed, BOX, atol=0.01)
    closed = np.concatenate([BOX, BOX[:1]])
    np.testing.assert_allclose(to_quad(closed), BOX, atol=0.01)


@pytest.mark.parametrize(
    "numbers",
    [[1, 2, 3], [1, 2, 3, 4], list("abcdef"), [0, 0, 1, float("nan"), 1, 1], [[1, 2], [3]], None],
)
def test_what_is_no_polygon_is_refused(numbers: list[object]) -> None:
    with pytest.raises(ValueError, match="bad box:"):
        to_points(numbers)


def test_rectangles_of_any_two_corners() -> None:
    for corners in [(10, 20, 110, 50), (110, 50, 10, 20), (10, 50, 110, 20)]:
        np.testing.assert_array_equal(rectangle(*corners), BOX)


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, 275])
def test_the_rectangle_around_starts_along_a_direction(degrees: float) -> None:
    points = turned(BOX, degrees)
    quad = around(np.concatenate([points[2:], points[:2]]), points[1] - points[0])
    np.testing.assert_allclose(quad, points, atol=0.01)


@pytest.mark.parametrize(
    ("shift", "share"), [(0, 1.0), (-10, 1.0), (-60, 0.5), (40, 1.0), (90, 0.5), (160, 0.0)]
)
def test_the_share_of_a_quad_on_the_picture(shift: float, share: float) -> None:
    quad, left = inside((BOX + [shift, 0]).astype(np.float32), (80, 150))
    assert left == pytest.approx(share, abs=1e-4)
    assert (quad >= 0).all()
    assert (quad <= [150, 80]).all()
