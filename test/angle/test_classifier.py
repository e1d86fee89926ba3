"""The angle model without its network: where it looks, how it decides, when it does not know."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from angle import Classifier
from angle.classifier import page_scores
from angle.preprocess import (
    SIZE,
    choose_windows,
    cut,
    line_patches,
    line_windows,
    normalize,
    page_patches,
    skew_degrees,
)
from angle.settings import Patches
from common.arrays import Boxes, Floats, Image
from common.image import rotate_ccw
from common.quads import boxes_to_quads, rotate_quads

TURNS = (0, 90, 180, 270)


def text_page(height: int = 900, width: int = 700, *, letters: float = 0.8, seed: int = 0) -> Image:
    """A white page with lines of words on its upper left part and a heading at another size."""
    image = np.full((height, width, 3), 255, np.uint8)
    rng = np.random.default_rng(seed)
    words = ["Orientation", "page", "letters", "of", "all", "kinds", "42"]
    for y in range(60, height // 2, round(40 * letters)):
        line = " ".join(rng.permutation(words))
        cv2.putText(image, line, (30, y), cv2.FONT_HERSHEY_SIMPLEX, letters, (0, 0, 0), 1)
    return image


def know(degrees: int, margin: float = 6.0) -> Classifier:
    """A classifier whose network says the same of every patch."""
    logits = np.eye(4, dtype=np.float32)[degrees // 90] * margin

    def network(inputs: Floats) -> tuple[Floats]:
        return (np.repeat(logits[None], len(inputs), axis=0),)

    return Classifier(network)


def never(_: Floats) -> tuple[Floats]:
    raise AssertionError("a page without patches needs no network")


# Empty and extreme pages


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 3), (127, 129), (2000, 1500)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_pages_have_no_patches(shape: tuple[int, int], level: int) -> None:
    image = np.full((*shape, 3), level, np.uint8)
    assert Classifier(never)(image) == (0, 0.0)
    inputs, boxes = page_patches(image)
    assert inputs.shape == (0, 1, SIZE, SIZE)
    assert boxes.shape == (0, 4)


def test_sensor_noise_alone_is_a_blank_page() -> None:
    rng = np.random.default_rng(0)
    image = np.clip(rng.normal(235, 1.5, (800, 600, 1)), 0, 255).astype(np.uint8).repeat(3, axis=2)
    assert Classifier(never)(image) == (0, 0.0)


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 2), (2, 1), (1, 5000), (5000, 1), (7, 300), (64, 64), (130, 40), (9, 9000)],
)
def test_any_shape_of_noise_gives_patches_of_one_shape(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    inputs, boxes = page_patches(image)
    assert inputs.shape[1:] == (1, SIZE, SIZE)
    assert inputs.dtype == np.float32
    assert len(inputs) == len(boxes) <= 8
    assert np.isfinite(inputs).all()
    degrees, score = know(90)(image)
    assert (degrees, score) == (0, 0.0) if not len(inputs) else degrees == 90


# Where it looks


def test_patches_are_normalized() -> None:
    inputs, _ = page_patches(text_page())
    assert len(inputs) == 8
    assert np.abs(inputs.mean(axis=(1, 2, 3))).max() < 1e-3
    assert np.abs(inputs.std(axis=(1, 2, 3)) - 1).max() < 1e-3


def test_normalize_of_a_flat_patch_is_zero() -> None:
    assert not normalize(np.full((8, 8), 77, np.uint8)).any()


def test_windows_lie_on_the_text_and_on_the_page() -> None:
    image = text_page()
    _, boxes = page_patches(image)
    assert (boxes >= -1).all()
    assert (boxes[:, [0, 2]] <= 701).all()
    assert (boxes[:, [1, 3]] <= 901).all()
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    assert (middles < 500).all(), "the lower half of the page is blank"


def test_rules_and_frames_are_not_text() -> None:
    image = text_page()
    image[500:880, 20:680] = 255
    for x in range(20, 680, 12):  # hatching: the densest edges of the page, all of one direction
        cv2.line(image, (x, 520), (x, 870), (0, 0, 0), 2)
    _, boxes = page_patches(image)
    fine = boxes[boxes[:, 2] - boxes[:, 0] < 140]
    assert ((fine[:, 1] + fine[:, 3]) / 2 < 500).all()


def test_windows_of_one_scale_hardly_overlap() -> None:
    _, boxes = page_patches(text_page(1600, 1200))
    sides = (boxes[:, 2] - boxes[:, 0]).round()
    assert len(set(sides)) == 3, "three scales of a large page"
    for side in set(sides):
        same = boxes[sides == side]
        middles = (same[:, :2] + same[:, 2:]) / 2
        apart = np.abs(middles[:, None] - middles[None]).max(axis=2)
        assert (apart[~np.eye(len(same), dtype=bool)] > 0.8 * side).all()


def test_scale_follows_the_page_and_not_its_pixels() -> None:
    page = text_page(1800, 1400)
    double = cv2.resize(page, (2800, 3600), interpolation=cv2.INTER_CUBIC)
    sides = [
        np.sort(b[:, 2] - b[:, 0])
        for _, b in (page_patches(page), page_patches(np.asarray(double)))
    ]
    assert np.allclose(sides[1] / sides[0], 2, rtol=0.03)


def test_small_page_is_not_enlarged() -> None:
    _, boxes = page_patches(text_page(300, 260))
    assert np.allclose(boxes[:, 2] - boxes[:, 0], SIZE)


def as_set(boxes: Boxes) -> Boxes:
    return boxes[np.lexsort(boxes.round().T)]


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("shape", [(900, 700), (1500, 1100), (90, 800)])
def test_turning_the_page_turns_the_windows(degrees: int, shape: tuple[int, int]) -> None:
    image = text_page(*shape) if shape[0] > 100 else text_page(200, 800)[20:110].copy()
    _, boxes = page_patches(image)
    _, found = page_patches(rotate_ccw(image, degrees))
    corners = rotate_quads(boxes_to_quads(boxes), degrees, image.shape[:2])
    wanted = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    # Where two windows score alike either may win: most of them must be the same.
    distance = np.abs(wanted[:, None] - found[None]).max(axis=2).min(axis=1)
    side = boxes[:, 2] - boxes[:, 0]
    assert (distance < 0.1 * side).mean() >= 0.75
    assert abs(len(found) - len(boxes)) <= 1


def test_cut_outside_the_page_is_filled_with_the_mean() -> None:
    grey = np.full((20, 20), 100, np.uint8)
    grey[:, :10] = 200
    patch = cut(grey, np.array([-22, -22, 42, 42], np.float32), 64)
    assert patch.shape == (64, 64)
    assert set(np.unique(patch)) == {100, 150, 200}
    assert (patch[22:42, 22:32] == 200).all()
    assert (patch[22:42, 32:42] == 100).all()
    assert patch[0, 0] == patch[-1, -1] == 150


def test_settings_bound_number_and_size_of_patches() -> None:
    grey = np.asarray(cv2.cvtColor(text_page(1600, 1200), cv2.COLOR_RGB2GRAY), np.uint8)
    for count in (1, 2, 5, 20):
        assert len(choose_windows(grey, size=SIZE, settings=Patches(count=count))) <= count
    one = choose_windows(grey, size=64, settings=Patches(sides=(640,), count=4))
    assert np.allclose(one[:, 2] - one[:, 0], 64 * (1600 * 1200) ** 0.5 / 640, rtol=0.02)


def test_classifying_does_not_change_the_image() -> None:
    image = text_page()
    before = image.copy()
    know(180)(image)
    assert (image == before).all()


# How it decides


@pytest.mark.parametrize("degrees", TURNS)
def test_page_is_turned_as_all_its_patches_say(degrees: int) -> None:
    found, score = know(degrees)(text_page())
    assert found == degrees
    assert 0.9 < score <= 1


def test_score_below_the_threshold_gives_zero_degrees() -> None:
    found, score = know(180, margin=0.05)(text_page())
    assert found == 0
    assert 0.25 < score < 0.6


def test_threshold_of_zero_always_decides() -> None:
    def network(inputs: Floats) -> tuple[Floats]:
        return (np.tile(np.array([0, 0, 0, 0.01], np.float32), (len(inputs), 1)),)

    assert Classifier(network, threshold=0)(text_page())[0] == 270


def test_no_patches_give_each_turn_a_quarter() -> None:
    empty = np.zeros((0, 4), np.float32)
    assert page_scores(empty, temperature=2, outlier_probability=0.02) == pytest.approx([0.25] * 4)


def test_undecided_patches_do_not_change_the_page_s_score() -> None:
    sure = np.array([[0, 5, 0, 0]], np.float32)
    unsure = np.zeros((7, 4), np.float32)
    alone = page_scores(sure, temperature=2, outlier_probability=0.02)
    together = page_scores(np.concatenate([sure, unsure]), temperature=2, outlier_probability=0.02)
    assert together == pytest.approx(alone)


def test_one_sure_error_does_not_outweigh_the_rest() -> None:
    logits = np.array([[60, 0, 0, 0]] + [[0, 0, 2, 0]] * 7, np.float32)
    assert page_scores(logits, temperature=1, outlier_probability=0.02).argmax() == 2
    assert page_scores(logits, temperature=1, outlier_probability=0).argmax() == 0


def test_scores_are_probabilities_whatever_the_logits() -> None:
    for scale in (0, 1, 1e4):
        logits = np.random.default_rng(0).normal(0, 1, (8, 4)) * scale
        for outlier_probability in (0, 0.02, 1):
            scores = page_scores(logits, temperature=1.5, outlier_probability=outlier_probability)
            assert scores.sum() == pytest.approx(1)
            assert np.isfinite(scores).all()


def test_higher_temperature_is_less_sure_of_the_same() -> None:
    logits = np.array([[0, 2, 0, 1]] * 4, np.float32)
    cold, warm = (page_scores(logits, temperature=t, outlier_probability=0.02) for t in (1, 4))
    assert cold.argmax() == warm.argmax() == 1
    assert cold.max() > warm.max()


@pytest.mark.parametrize(
    "setting",
    [
        {"temperature": 0},
        {"temperature": -1},
        {"outlier_probability": 2},
        {"count": 0},
        {"sides": ()},
    ],
)
def test_impossible_settings_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(setting))} is .*, expected"):
        Classifier(never, **setting)  # type: ignore[arg-type]


# Patches along lines


def level(x0: float, y0: float, x1: float, y1: float) -> Floats:
    return boxes_to_quads(np.array([[x0, y0, x1, y1]], np.float32))[0]


def tilted(quad: Floats, degrees: float) -> Floats:
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = quad.mean(axis=0)
    return np.asarray((quad - middle) @ matrix + middle, np.float32)


@pytest.mark.parametrize("degrees", [-40, -12, 0, 7, 44])
def test_slant_is_how_far_a_line_falls_to_the_right(degrees: float) -> None:
    assert skew_degrees(tilted(level(0, 0, 200, 30), degrees)) == pytest.approx(degrees, abs=0.01)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_slant_is_the_same_for_columns_and_lines_upside_down(turn: float) -> None:
    assert skew_degrees(tilted(level(0, 0, 200, 30), 10 + turn)) == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize("degrees", [0, 20, 90, 180])
def test_windows_along_a_line_stay_on_it(degrees: float) -> None:
    quad = tilted(level(100, 200, 500, 240), degrees)
    boxes = line_windows(quad, 4.0, 2)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert len(boxes) == 2
    assert boxes[:, 2] - boxes[:, 0] == pytest.approx(160, abs=0.1)
    assert middles.mean(axis=0) == pytest.approx([300, 220], abs=0.1)
    assert np.linalg.norm(middles[1] - middles[0]) == pytest.approx(240, abs=0.5), "end to end"


def test_short_lines_and_points_have_one_window() -> None:
    assert len(line_windows(level(10, 10, 60, 40), 4.0, 2)) == 1
    assert np.isfinite(line_windows(level(10, 10, 10, 10), 4.0, 2)).all()


@pytest.mark.parametrize("degrees", TURNS)
def test_patches_along_lines_turn_with_the_page(degrees: int) -> None:
    image = text_page()
    quad = np.array([[[30, 40], [330, 40], [330, 70], [30, 70]]], np.float32)
    turned = rotate_ccw(image, degrees)
    found = line_patches(turned, rotate_quads(quad, degrees, (900, 700)))
    expected = line_patches(image, quad)
    assert found.shape == expected.shape == (2 * len(Patches.line_heights), 1, SIZE, SIZE)
    straight = [np.rot90(patch, degrees // 90, (1, 2)) for patch in expected]
    for patch in found:  # columns are cut from the other end
        assert min(float(np.abs(patch - other).mean()) for other in straight) < 0.15


def test_a_slanted_line_is_laid_level() -> None:
    image = np.full((400, 400, 3), 255, np.uint8)
    cv2.line(image, (60, 130), (340, 270), (0, 0, 0), 12)
    quad = tilted(level(50, 185, 350, 215), np.degrees(np.arctan2(140, 280)))[None]
    for patch in line_patches(image, quad)[:, 0]:
        dark = np.nonzero(patch.min(axis=1) < -1)[0]
        assert np.ptp(dark) < 0.4 * SIZE, "the bar lies across the patch, not from corner to corner"


def test_lines_outside_and_blank_ones_give_no_patches() -> None:
    image = np.full((50, 60, 3), 200, np.uint8)
    quads = np.stack([level(-500, -500, -400, -450), level(5, 5, 50, 20)])
    assert line_patches(image, quads).shape == (0, 1, SIZE, SIZE)
    assert line_patches(image, quads[:0]).shape == (0, 1, SIZE, SIZE)


@pytest.mark.parametrize("degrees", TURNS)
def test_classify_lines_returns_what_the_network_says_of_their_patches(degrees: int) -> None:
    chances = know(degrees).classify_lines(text_page(), level(30, 40, 330, 70)[None])
    assert chances.argmax() == degrees // 90
    assert chances.sum() == pytest.approx(1)


def test_classify_lines_without_lines_gives_each_turn_a_quarter() -> None:
    chances = Classifier(never).classify_lines(text_page(), np.zeros((0, 4, 2), np.float32))
    assert chances == pytest.approx([0.25] * 4)
