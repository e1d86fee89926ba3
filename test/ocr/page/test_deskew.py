"""Slanted pages are set straight and read; what is not slanted is left as it is, and boxes stand where the text is."""

from __future__ import annotations

import difflib
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

import ocr
from common.arrays import Image, Quads, Scores
from common.image import load
from ocr.page import deskew
from ocr.settings import Deskew
from ocr.sheet import IDENTITY

SETTINGS = Deskew()

DATA = Path(__file__).resolve().parents[2] / "data"
GROUND = (236, 230, 221)


def never(image: Image) -> tuple[Quads, Scores]:
    raise AssertionError("no second detection was needed")


def lines(degrees: list[float], length: float = 200.0) -> Quads:
    """Lines under each other, each of its own slant, 20 pixels high."""
    quads = []
    for i, angle in enumerate(degrees):
        along = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
        down = np.array([-along[1], along[0]])
        start = np.array([300.0, 100.0 + 40 * i])
        quads.append(
            [start, start + length * along, start + length * along + 20 * down, start + 20 * down]
        )
    return np.array(quads, np.float32).reshape(-1, 4, 2)


def bars(image: Image) -> tuple[Quads, Scores]:
    """Find dark bars as a detector finds lines."""
    _, labels = cv2.connectedComponents((image.mean(2) < 120).astype(np.uint8))
    quads = []
    for label in range(1, labels.max() + 1):
        points = np.argwhere(labels == label)[:, ::-1].astype(np.float32)
        if len(points) < 50:
            continue
        (x, y), (width, height), angle = cv2.minAreaRect(points)
        if width < height:
            width, height, angle = height, width, angle - 90
        angle = (angle + 90) % 180 - 90
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array([width, height]) / 2
        sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
        quads.append(corners @ np.array([[cosine, sine], [-sine, cosine]]) + np.array([x, y]))
    return np.array(quads, np.float32).reshape(-1, 4, 2), np.ones(len(quads), np.float32)


def page(degrees: float) -> Image:
    """A page of dark bars, slanted."""
    image = np.full((500, 700, 3), GROUND, np.uint8)
    for top in range(60, 420, 50):
        image[top : top + 18, 80:620] = 20
    turn = cv2.getRotationMatrix2D((350, 250), -degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, turn, (700, 500), borderValue=GROUND), np.uint8)


def skew_of(quads: Quads) -> deskew.Skew:
    return deskew.skew_of_lines(quads, SETTINGS)


def as_given(image: Image, quads: Quads, scores: Scores | None = None) -> deskew.Deskewed:
    """A picture and the lines found on it."""
    known = np.ones(len(quads), np.float32) if scores is None else scores
    return deskew.Deskewed(image, quads, known, IDENTITY)


@pytest.mark.parametrize("degrees", [-28.0, -11.0, 6.0, 20.0, 33.0])
def test_a_skewed_page_is_deskewed(degrees: int) -> None:
    image = page(degrees)
    quads, scores = bars(image)
    straight = deskew.deskew(as_given(image, quads, scores), bars, SETTINGS)
    assert abs(skew_of(straight.quads).degrees) < SETTINGS.max_rest
    assert len(straight.quads) == len(quads)
    # What was turned in is of the page's own color, and lines stand where they were found at first.
    np.testing.assert_allclose(straight.image[0, 0], GROUND, atol=1)
    shown = deskew.to_original(straight.quads, straight.back)
    middles = sorted(map(tuple, shown.mean(axis=1).round().tolist()), key=lambda p: p[1])
    expected = sorted(map(tuple, quads.mean(axis=1).round().tolist()), key=lambda p: p[1])
    np.testing.assert_allclose(middles, expected, atol=2)


@pytest.mark.parametrize(
    "degrees",
    [
        [],
        [0.0, 1.0, -2.0],
        [4.0, 4.0, 4.5],
        [-12.0, 14.0, 2.0],  # signs of a street
        [20.0, -25.0, 0.0, 1.0, -1.0, 0.0, 0.0, 2.0, -2.0, 0.0],
    ],
)
def test_pages_without_skew_stay(degrees: list[float]) -> None:
    image, quads = page(0), lines(degrees)
    straight = deskew.deskew(as_given(image, quads), never, SETTINGS)
    assert straight.image is image
    assert straight.quads is quads
    np.testing.assert_array_equal(deskew.to_original(quads, straight.back), quads)


def test_columns_have_no_skew() -> None:
    columns = lines([80.0, 81.0, 79.0])[:, [1, 2, 3, 0]]
    assert skew_of(columns).degrees == 0


def test_a_page_that_loses_its_lines_is_not_deskewed() -> None:
    quads = lines([15.0] * 4)

    def nothing(image: Image) -> tuple[Quads, Scores]:
        return lines([0.0], 50), np.ones(1, np.float32)

    image = page(0)
    assert deskew.deskew(as_given(image, quads), nothing, SETTINGS).image is image


def test_a_page_that_keeps_a_skew_is_not_deskewed() -> None:
    def worse(image: Image) -> tuple[Quads, Scores]:
        return lines([9.0] * 3), np.ones(3, np.float32)

    image = page(0)
    for first in (15.0, -39.0):
        quads = lines([first] * 3)
        assert deskew.deskew(as_given(image, quads), worse, SETTINGS).image is image


@pytest.mark.parametrize("degrees", [-35.0, -20.0, -9.0, 0.0, 14.0, 31.0])
def test_projection_profile_tells_the_skew(degrees: float) -> None:
    # A shade from side to side and a dark edge weigh less than what is written.
    image = page(degrees) * np.linspace(1.0, 0.7, 700)[None, :, None]
    image[:, :30] = 10
    assert deskew.skew_by_projection(image.astype(np.uint8), SETTINGS) == pytest.approx(
        degrees, abs=1
    )


@pytest.mark.parametrize(
    ("degrees", "level", "leaning"),
    [(-20.0, 20, 10), (17.0, 20, 10), (20.0, SETTINGS.many_lines, 3)],
)
def test_a_page_torn_to_level_pieces_is_deskewed(degrees: float, level: int, leaning: int) -> None:
    def torn(image: Image) -> tuple[Quads, Scores]:
        """Find level pieces in slanted lines, as proposals at their own heights make them."""
        whole, scores = bars(image)
        if abs(skew_of(whole).degrees) < 10:
            return whole, scores
        rest = [0.0] * level + [degrees] * leaning
        return lines(rest, 35.0), np.ones(len(rest), np.float32)

    image = page(degrees)
    first = as_given(image, *torn(image))
    assert abs(skew_of(first.quads).degrees) < SETTINGS.min_skew
    straight = deskew.deskew(first, torn, SETTINGS)
    assert len(straight.quads) == 8
    assert abs(skew_of(straight.quads).degrees) < SETTINGS.max_rest


@pytest.fixture(scope="module")
def expected(shipped_reader: ocr.Reader) -> ocr.Page:
    return shipped_reader.read(load(DATA / "page.png"))


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [-24.0, 13.0])
def test_the_example_page_is_read_aslant(
    shipped_reader: ocr.Reader, expected: ocr.Page, degrees: float
) -> None:
    upright = load(DATA / "page.png")
    height, width = upright.shape[:2]
    side = math.ceil(math.hypot(height, width))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    turn[:, 2] += (side - np.array([width, height])) / 2
    ground = [float(x) for x in np.median(upright.reshape(-1, 3), axis=0)]
    skewed = cv2.warpAffine(upright, turn, (side, side), flags=cv2.INTER_CUBIC, borderValue=ground)
    found = shipped_reader.read(np.asarray(skewed, np.uint8))
    assert difflib.SequenceMatcher(None, expected.text, found.text, autojunk=False).ratio() > 0.95
    by_text = {line.text: np.array(line.box) for line in expected.lines}
    same = [line for line in found.lines if line.text in by_text]
    assert len(same) > 0.7 * len(expected.lines)
    for line in same:
        (x0, y0), (x1, y1) = line.box[:2]
        if math.hypot(x1 - x0, y1 - y0) > 100:
            assert math.degrees(math.atan2(y1 - y0, x1 - x0)) == pytest.approx(degrees, abs=3)
        middle = turn @ np.append(by_text[line.text].mean(axis=0), 1)
        assert np.linalg.norm(np.mean(line.box, axis=0) - middle) < 15
