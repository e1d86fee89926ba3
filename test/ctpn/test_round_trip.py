"""Lines become targets, targets become proposals, proposals become the same lines again.

No training is involved: if perfect answers of the network did not give the lines back, no training
would.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ctpn import Method

SIZE = (512, 640)


def _line(x: float, y: float, width: float, height: float, degrees: float) -> np.ndarray:
    """A quad whose left side is centred on (x, y), turned about that point."""
    half = height / 2
    corners = np.array([[0, -half], [width, -half], [width, half], [0, half]], np.float64)
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (corners @ rotation + [x, y]).astype(np.float32)


def _area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def _iou(quad_a: np.ndarray, quad_b: np.ndarray) -> float:
    """Overlap by clipping one quad at the sides of the other.

    OpenCV's clipping halves the overlap of quads that agree to the last digits, as they do here.
    """
    shared = quad_a.astype(np.float64)
    for start, end in zip(quad_b, np.roll(quad_b, -1, axis=0), strict=True):
        edge = (end - start).astype(np.float64)
        side = edge[0] * (shared[:, 1] - start[1]) - edge[1] * (shared[:, 0] - start[0])
        kept = []
        for i in range(len(shared)):
            here, there = side[i - 1], side[i]
            if here * there < 0:
                kept.append(shared[i - 1] + (shared[i] - shared[i - 1]) * here / (here - there))
            if there >= 0:
                kept.append(shared[i])
        if len(kept) < 3:
            return 0.0
        shared = np.array(kept)
    area = _area(shared)
    return area / (_area(quad_a) + _area(quad_b) - area)


def _round_trip(quads: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    method = Method()
    targets = method.targets(quads, np.zeros(len(quads), np.bool_), size)
    return method.decode(method.maps_of(targets)).quads


def _matches(found: np.ndarray, quads: np.ndarray, least: float) -> None:
    assert len(found) == len(quads), f"{len(quads)} lines became {len(found)}"
    for quad in quads:
        best = max(_iou(quad, other) for other in found)
        assert best > least, f"{quad.tolist()} came back with IoU {best:.2f}"


def _overlaps(mask: np.ndarray, quad: np.ndarray, margin: int) -> bool:
    """Whether a line comes too near to those drawn before; it is drawn where it does not."""
    layer = np.zeros_like(mask)
    cv2.fillConvexPoly(layer, quad.astype(np.int32), 1)
    cv2.polylines(layer, [quad.astype(np.int32)], True, 1, 2 * margin)
    if (layer & mask).any():
        return True
    np.maximum(mask, layer, out=mask)
    return False


def _random_lines(rng: np.random.Generator, degrees: float, count: int) -> np.ndarray:
    """Lines of one page, near the given turn, far enough from each other to be different lines."""
    mask = np.zeros(SIZE, np.uint8)
    quads: list[np.ndarray] = []
    for _ in range(400):
        height = float(np.exp(rng.uniform(np.log(12), np.log(110))))
        width = height * float(rng.uniform(1.5, 12))
        turn = degrees + float(rng.uniform(-1, 1))
        quad = _line(rng.uniform(0, 600), rng.uniform(10, 500), width, height, turn)
        inside = (quad >= 0).all() and (quad <= [SIZE[1], SIZE[0]]).all()
        if inside and not _overlaps(mask, quad, margin=int(6 + 0.7 * height)):
            quads.append(quad)
        if len(quads) == count:
            break
    return np.stack(quads)


@pytest.mark.parametrize("degrees", [-15, -7, -2, 0, 3, 8, 15])
def test_pages_of_random_lines_come_back(degrees: float) -> None:
    rng = np.random.default_rng(abs(degrees) * 2 + (degrees > 0))
    for _ in range(6):
        quads = _random_lines(rng, degrees, count=8)
        _matches(_round_trip(quads), quads, 0.8)


@pytest.mark.parametrize("height", [9, 11, 16, 20, 27, 40, 75, 130, 240, 340])
def test_every_height_and_phase_comes_back(height: float) -> None:
    for y in (200.0, 204.0, 208.0, 212.0):
        quad = _line(100, y, max(3 * height, 60), height, 0)
        quad[:, 0] = np.clip(quad[:, 0], 0, SIZE[1])
        _matches(_round_trip(quad[None]), quad[None], 0.9)


@pytest.mark.parametrize("degrees", [-12, 0, 12])
@pytest.mark.parametrize("width", [26, 33, 41, 50])
def test_short_lines_keep_both_ends(width: int, degrees: float) -> None:
    for x in range(100, 116):
        quad = _line(x, 200, width, 22, degrees)
        _matches(_round_trip(quad[None]), quad[None], 0.8 if degrees == 0 else 0.72)


@pytest.mark.parametrize("width", [8, 11, 15])
def test_a_single_proposal_is_a_line_with_two_ends(width: int) -> None:
    for x in range(64, 80):
        quad = _line(x, 120, width, 20, 0)
        _matches(_round_trip(quad[None]), quad[None], 0.95)


def test_a_single_proposal_at_each_border_comes_back() -> None:
    quads = np.stack([_line(0, 100, 14, 22, 0), _line(SIZE[1] - 14, 300, 14, 22, 0)])
    _matches(_round_trip(quads), quads, 0.85)


@pytest.mark.parametrize("gap", [28, 32, 37, 45, 60])
def test_two_neighbours_on_a_row_stay_two(gap: int) -> None:
    for x in (40, 45, 51):
        quads = np.stack([_line(x, 100, 90, 20, 0), _line(x + 90 + gap, 100, 120, 20, 0)])
        _matches(_round_trip(quads), quads, 0.9)


def test_dense_small_lines_stay_apart() -> None:
    quads = np.stack([_line(20.0, 30 + 19.5 * i, 560, 15, 0.4) for i in range(23)])
    _matches(_round_trip(quads), quads, 0.8)


def test_a_large_title_over_small_text_stays_apart() -> None:
    quads = np.stack(
        [_line(50, 80, 400, 90, 0)] + [_line(50, 150 + 24 * i, 420, 16, 0) for i in range(8)]
    )
    _matches(_round_trip(quads), quads, 0.9)


def test_perspective_keeps_edges_that_are_not_parallel() -> None:
    quad = np.array([[60, 100], [500, 140], [500, 190], [60, 180]], np.float32)
    _matches(_round_trip(quad[None]), quad[None], 0.9)


def test_sideways_and_upside_down_lines_are_found_where_they_stand() -> None:
    level = _line(100, 200, 200, 40, 0)
    for turn in range(4):
        found = _round_trip(np.roll(level, turn, axis=0)[None])
        _matches(found, level[None], 0.9)


def test_random_sizes_anywhere_lose_no_line() -> None:
    rng = np.random.default_rng(11)
    for _ in range(150):
        height = float(rng.uniform(10, 60))
        width = float(rng.uniform(1.0, 6)) * height
        quad = _line(
            rng.uniform(10, 600 - width), rng.uniform(50, 450), width, height, rng.uniform(-2, 2)
        )
        _matches(_round_trip(quad[None]), quad[None], 0.8)


def test_a_line_cut_by_the_border_ends_at_the_border() -> None:
    quad = _line(500, 200, 300, 30, 0)
    found = _round_trip(quad[None])
    inside = quad.copy()
    inside[:, 0] = np.clip(inside[:, 0], 0, SIZE[1])
    _matches(found, inside[None], 0.9)
