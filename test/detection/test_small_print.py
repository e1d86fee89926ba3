"""Where small print may be: strokes close together on plain ground, and neither drawings nor textures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.arrays import Quads
from common.quads import boxes_to_quads
from detection.small_print import Grey, SmallPrint, find_windows
from detection.windows import Window

SETTINGS = SmallPrint()
NONE = np.zeros((0, 4, 2), np.float32)


def _half(picture: Grey) -> Grey:
    size = (picture.shape[1] // 2, picture.shape[0] // 2)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _write(picture: Grey, text: str, x: int, y: int, *, ink: int = 0, scale: float = 0.6) -> Quads:
    """Write so that digits are 22 `scale` pixels high; the box as a quad."""
    face, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * scale))
    cv2.putText(picture, text, (x, y), face, scale, ink, thickness, cv2.LINE_AA)
    (width, height), below = cv2.getTextSize(text, face, scale, thickness)
    return boxes_to_quads(np.array([[x, y - height, x + width, y + below]], np.float32))


def _holds(window: Window, quad: Quads) -> bool:
    (x0, y0), (x1, y1) = quad[0].min(axis=0), quad[0].max(axis=0)
    return bool(window.x0 <= x0 and window.y0 <= y0 and x1 <= window.x1 and y1 <= window.y1)


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (235, 120), (30, 220)])
@pytest.mark.parametrize("scale", [0.5, 0.8, 1.2])
def test_print_is_in_a_window_wherever_it_lies_on_the_grid(
    paper: int, ink: int, scale: float
) -> None:
    for shift in range(0, 32, 5):
        page = np.full((1500, 2200), paper, np.uint8)
        box = _write(page, "Drawing 1:500 no. A-07", 900 + shift, 700 + shift, ink=ink, scale=scale)
        windows = find_windows(_half(page), NONE, SETTINGS)
        assert len(windows) == 1 and _holds(windows[0], box)
        assert windows[0].pixels < 0.1 * page.size


def test_known_lines_are_not_looked_at_and_others_beside_them_are() -> None:
    page = np.full((1500, 2200), 255, np.uint8)
    known = _write(page, "Ground floor", 100, 300, scale=3)
    assert not find_windows(_half(page), known / 2, SETTINGS)
    box = _write(page, "scale 1:500", 120, 360)
    windows = find_windows(_half(page), known / 2, SETTINGS)
    assert len(windows) == 1 and _holds(windows[0], box)


def test_a_drawing_has_no_print() -> None:
    page = np.full((2400, 2400), 255, np.uint8)
    for at in range(100, 2300, 90):
        cv2.line(page, (100, at), (2300, at), 0, 2)
        cv2.line(page, (at, 100), (at, 2300), 0, 2)
    for radius in range(60, 900, 70):
        cv2.circle(page, (1200, 1200), radius, 0, 3)
    windows = find_windows(_half(page), NONE, SETTINGS)
    assert sum(window.pixels for window in windows) < 0.05 * page.size


@pytest.mark.parametrize("blur", [1.0, 2.0, 4.0, 8.0])
def test_leaves_are_no_print(blur: float) -> None:
    noise = np.random.default_rng(0).normal(0, 1, (1600, 2400)).astype(np.float32)
    leaves = cv2.GaussianBlur(noise, (0, 0), blur)
    picture = np.clip(128 + 60 * leaves / leaves.std(), 0, 255).astype(np.uint8)
    windows = find_windows(_half(picture), NONE, SETTINGS)
    assert sum(window.pixels for window in windows) < 0.02 * picture.size


def test_bricks_are_hardly_print() -> None:
    """Bricks of 96 by 36 pixels are like letters; most lie on no plain ground."""
    rng = np.random.default_rng(1)
    wall = np.full((1600, 2400), 190, np.float32)
    for row, y in enumerate(range(0, 1600, 40)):
        for x in range(-50 * (row % 2), 2400, 100):
            wall[y + 4 : y + 40, max(0, x + 4) : x + 100] = rng.normal(110, 12)
    wall += rng.normal(0, 10, wall.shape)
    windows = find_windows(_half(wall.clip(0, 255).astype(np.uint8)), NONE, SETTINGS)
    assert sum(window.pixels for window in windows) < 0.3 * wall.size


def test_windows_do_not_overlap_and_the_fullest_is_first() -> None:
    page = np.full((2000, 3000), 255, np.uint8)
    _write(page, "ab 12", 200, 200)
    for line in range(10):
        _write(page, "many lines of small print in one block of text", 1500, 900 + 40 * line)
    _write(page, "north", 2600, 1900)
    windows = find_windows(_half(page), NONE, SETTINGS)
    assert len(windows) == 3
    assert windows[0].x0 > 1000 and windows[0].y1 > 1250
    for i, a in enumerate(windows):
        for b in windows[i + 1 :]:
            assert a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0


def test_a_large_window_is_divided_into_parts_that_overlap() -> None:
    page = np.full((1600, 2600), 255, np.uint8)
    boxes = [_write(page, "0123456789 " * 18, 60, 100 + 45 * line) for line in range(32)]
    whole = find_windows(_half(page), NONE, SETTINGS)
    assert len(whole) == 1
    settings = SmallPrint(max_window=600_000)
    parts = find_windows(_half(page), NONE, settings)
    assert len(parts) >= 6 and max(part.pixels for part in parts) <= 600_000
    for box in boxes:
        # A line is longer than a part; each piece of it, as high as it is, is whole in one.
        (x0, y0), (x1, y1) = box[0].min(axis=0), box[0].max(axis=0)
        for x in np.arange(x0, x1 - 40, 40):
            piece = boxes_to_quads(np.array([[x, y0, x + 40, y1]], np.float32))
            assert any(_holds(part, piece) for part in parts)


@pytest.mark.parametrize("size", [(1, 1), (7, 900), (900, 7), (16, 16), (33, 41)])
def test_tiny_and_thin_pictures_have_no_windows(size: tuple[int, int]) -> None:
    assert not find_windows(np.zeros(size, np.uint8), NONE, SETTINGS)
