"""Resolving how a page is turned by its lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from common.arrays import Floats, Image, Quads, Scores
from common.image import rotate_ccw
from common.quads import boxes_to_quads
from common.roles import Detector, Reading, Recognizer, SceneClassifier
from ocr.page.orientation import ResolvedPage, resolve_orientation
from ocr.result import Angle
from ocr.settings import Orientation

SETTINGS = Orientation()

MARK = np.array([250, 10, 10], np.uint8)


def page(degrees: int) -> Image:
    """A grey page with one bar whose left half is red, its content turned clockwise by `degrees`."""
    upright = np.full((60, 160, 3), 128, np.uint8)
    upright[20:40, 30:130] = 0
    upright[20:40, 30:80] = MARK
    return np.ascontiguousarray(rotate_ccw(upright, -degrees % 360))


def detect(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
    rows, columns = np.nonzero((image != 128).any(2))
    if not len(rows):
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return boxes_to_quads(np.array([box], np.float32)), np.ones(1, np.float32)


def read(crops: Sequence[Image]) -> list[Reading]:
    """Sure where the red half is on the left; a crop on its side reads badly, upside down very badly."""
    out = []
    for crop in crops:
        height, width = crop.shape[:2]
        left = bool((crop[height // 2, width // 8] == MARK).all())
        upright = left and width > height
        out.append(Reading("text", 0.97 if upright else 0.55))
    return out


class LineClassifier:
    """A classifier of which only the word on lines is asked."""

    def __init__(self, classify_lines: Callable[[Image, Quads], Floats]) -> None:
        self.classify_lines = classify_lines

    def __call__(self, image: Image) -> tuple[int, float]:
        raise AssertionError("the patches were asked before")


def resolve(
    image: Image,
    guess: Angle,
    lines: Callable[[Image, Quads], Floats],
    detector: Detector,
    recognizer: Recognizer,
    scene: SceneClassifier | None = None,
) -> ResolvedPage:
    classifier = LineClassifier(lines)
    return resolve_orientation(image, guess, classifier, detector, recognizer, SETTINGS, scene)


def unsure(image: Image, quads: Quads) -> Floats:
    return np.full(4, 0.25, np.float32)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_resolve_returns_turn_and_lines(degrees: int) -> None:
    angle, upright, quads, scores = resolve(page(degrees), Angle(0, 0.3), unsure, detect, read)
    assert angle.degrees == degrees
    assert angle.score > 0.5
    np.testing.assert_array_equal(upright, page(0))
    np.testing.assert_allclose(quads[0], [[30, 20], [130, 20], [130, 40], [30, 40]])
    assert len(scores) == len(quads)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_lines_are_those_found_on_the_upright_picture(degrees: int) -> None:
    def lopsided(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
        quads, scores = detect(image)
        return quads + np.array([3, 1], np.float32), scores

    resolved = resolve(page(degrees), Angle(0, 0.3), unsure, lopsided, read)
    assert resolved.angle.degrees == degrees
    np.testing.assert_array_equal(resolved.quads, lopsided(page(0))[0])


@pytest.mark.parametrize(("text", "degrees"), [("exit", 180), ("SN08", 0), ("6009", 0)])
def test_what_reads_both_ways_turns_no_page(text: str, degrees: int) -> None:
    """SN08 on its head is 80NS: that one of them was read a little better says nothing."""

    def named(crops: Sequence[Image]) -> list[Reading]:
        return [reading._replace(text=text) for reading in read(crops)]

    resolved = resolve(page(180), Angle(0, 0.3), unsure, detect, named)
    assert resolved.angle.degrees == degrees and 0.9 < resolved.angle.score < 0.99


def test_an_empty_page_is_left_alone() -> None:
    blank = np.full((40, 30, 3), 128, np.uint8)
    angle, upright, quads, scores = resolve(blank, Angle(0, 0.0), unsure, detect, read)
    assert angle == Angle(0, 0.0)
    assert (upright == blank).all()
    assert quads.shape == (0, 4, 2)
    assert scores.shape == (0,)


@pytest.mark.parametrize("text", ["", "  "])
@pytest.mark.parametrize(("sure", "degrees"), [(0.65, 0), (0.9, 270)])
def test_patches_alone_decide_only_above_all_other_turns_together(
    sure: float, degrees: int, text: str
) -> None:
    def mute(crops: Sequence[Image]) -> list[Reading]:
        return [Reading(text, 0.9) for _ in crops]

    angle, upright, *_ = resolve(page(90), Angle(270, sure), unsure, detect, mute)
    assert angle.degrees == degrees
    assert (angle.score >= SETTINGS.min_score) == (degrees != 0)
    assert angle.score < 0.8  # the pieces and the lines show much the same
    np.testing.assert_array_equal(upright, rotate_ccw(page(90), degrees))


def test_patches_decide_between_turns_that_read_alike() -> None:
    def alike(crops: Sequence[Image]) -> list[Reading]:
        return [Reading("text", 0.95 if c.shape[1] > c.shape[0] else 0.0) for c in crops]

    assert resolve(page(180), Angle(180, 0.9), unsure, detect, alike).angle.degrees == 180
    assert resolve(page(0), Angle(0, 0.9), unsure, detect, alike).angle.degrees == 0


def word(image: Image, quads: Quads) -> Floats:
    """Sure of lines whose red half is on the left, and of their turn where it is not."""
    rows, columns = np.nonzero((image == MARK).all(2))
    black = np.argwhere((image == 0).all(2)).mean(axis=0)
    down, right = black - [rows.mean(), columns.mean()]
    turn = (0 if right > 0 else 2) if abs(right) > abs(down) else (1 if down > 0 else 3)
    chances = np.full(4, 0.001, np.float32)
    chances[turn] = 0.997
    return chances


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_lines_classified_with_certainty_are_not_read(degrees: int) -> None:
    def never(_: Sequence[Image]) -> list[Reading]:
        raise AssertionError("reading costs most")

    angle, upright, *_ = resolve(page(degrees), Angle(0, 0.3), word, detect, never)
    assert angle.degrees == degrees
    assert angle.score > 0.99
    np.testing.assert_array_equal(upright, page(0))


@pytest.mark.parametrize(("degrees", "looks"), [(0, [0]), (90, [90, 0]), (180, [180, 90, 0])])
def test_pages_are_not_searched_on_their_side_where_upright_rows_are_sure(
    degrees: int, looks: list[int]
) -> None:
    seen = []

    def spy(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
        seen.append(next(d for d in (0, 90, 180, 270) if np.array_equal(image, page(d))))
        return detect(image)

    resolve(page(degrees), Angle(0, 0.3), word, spy, mute)
    assert seen == looks


def test_classified_lines_outweigh_less_certain_patches() -> None:
    assert resolve(page(90), Angle(180, 0.94), word, detect, mute).angle.degrees == 90


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_page_that_might_be_turned_either_way_is_left_as_it_is(degrees: int) -> None:
    def torn(crops: Sequence[Image]) -> list[Reading]:
        return [Reading("NON", 0.8) for _ in crops]

    angle, upright, quads, _ = resolve(page(degrees), Angle(0, 0.3), unsure, detect, torn)
    assert angle.degrees == 0
    assert angle.score < 0.6
    np.testing.assert_array_equal(upright, page(degrees))
    assert len(quads) == 1


def mute(crops: Sequence[Image]) -> list[Reading]:
    return [Reading("", 0.0) for _ in crops]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_scene_decides_where_text_does_not(degrees: int) -> None:
    def scene(image: Image) -> Floats:
        np.testing.assert_array_equal(image, page(degrees))
        return np.where(np.arange(4) == degrees // 90, 0.97, 0.01).astype(np.float32)

    angle, upright, *_ = resolve(page(degrees), Angle(0, 0.3), unsure, detect, mute, scene)
    assert angle.degrees == degrees
    assert angle.score > 0.8
    np.testing.assert_array_equal(upright, page(0))


def test_the_scene_is_not_asked_where_text_decides() -> None:
    def never(_: Image) -> Floats:
        raise AssertionError("text is sure")

    assert resolve(page(90), Angle(0, 0.3), word, detect, mute, never).angle.degrees == 90


def test_a_scene_alone_does_not_turn_a_page_without_lines() -> None:
    def scene(_: Image) -> Floats:
        return np.array([0.01, 0.97, 0.01, 0.01], np.float32)

    blank = np.full((40, 30, 3), 128, np.uint8)
    assert resolve(blank, Angle(0, 0.0), unsure, detect, mute, scene).angle.degrees == 0


@pytest.mark.parametrize(("guess", "looks"), [(0.3, [0, 90, 180, 270]), (0.97, [0, 90])])
def test_opposite_turns_are_searched_only_if_undecided(guess: float, looks: list[int]) -> None:
    seen = []

    def spy(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
        seen.append(next(d for d in looks if np.array_equal(image, rotate_ccw(page(0), d))))
        return detect(image)

    resolve(page(0), Angle(0, guess), unsure, spy, mute)
    assert seen == looks


def test_lines_found_on_the_opposite_turn_can_decide() -> None:
    """On the page as it is shown, and on its sides, nothing is found that reads."""

    def poor(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
        if np.array_equal(image, page(0)):
            return detect(image)
        return boxes_to_quads(np.array([[0, 0, 9, 4]], np.float32)), np.ones(1, np.float32)

    angle, upright, quads, _ = resolve(page(180), Angle(0, 0.3), unsure, poor, read)
    assert angle.degrees == 180
    np.testing.assert_array_equal(upright, page(0))
    np.testing.assert_allclose(quads[0], [[30, 20], [130, 20], [130, 40], [30, 40]])
