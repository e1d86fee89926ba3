"""Damage: quads must follow the picture exactly, light and dirt must leave them alone."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest

from common.arrays import Image, Quads
from train.synth import degradation
from train.synth.backgrounds import Backgrounds
from train.synth.effects import geometric, paper, photometric
from train.synth.effects.photometric import Effect

GROUNDS = Backgrounds.load(None)
GEOMETRY: dict[str, Effect] = {
    "skew": geometric.skew,
    "skew_grow": partial(geometric.skew, limit_deg=30, grow=True, fill=(255, 255, 255)),
    "perspective": geometric.perspective,
    "perspective_far": partial(geometric.perspective, strength=0.2, margin=0.1, turn_deg=20),
    "curl": geometric.curl,
    "low_resolution": photometric.low_resolution,
    "zoomed": degradation.zoomed,
    "resized": degradation.resized,
    "flatbed_skew": degradation.flatbed_skew,
    "seen_aside": degradation.seen_aside,
}
LIGHT: dict[str, Effect] = {
    name: getattr(photometric, name)
    for name in (
        "uneven_light", "shadow", "glare", "gaussian_blur", "motion_blur", "defocus", "jpeg",
        "gaussian_noise", "salt_noise", "speckle_noise", "moire", "contrast", "color_cast",
        "invert",
    )
}  # fmt: skip
PAPER: dict[str, Effect] = {
    name: getattr(paper, name)
    for name in (
        "bleed_through", "fold", "creases", "yellowing", "paper_texture", "stains", "thicken_ink",
        "thin_ink", "break_strokes", "binarize", "scanner_dirt", "halftone",
    )
}  # fmt: skip
STILL = LIGHT | PAPER


def dotted(size: tuple[int, int] = (420, 560)) -> tuple[Image, Quads]:
    """A white page with black 12-pixel dots and the quads that hold them."""
    image = np.full((*size, 3), 255, np.uint8)
    quads = []
    for y in range(90, size[0] - 90, 110):
        for x in range(90, size[1] - 90, 120):
            image[y : y + 12, x : x + 12] = 0
            quads.append([[x, y], [x + 12, y], [x + 12, y + 12], [x, y + 12]])
    return image, np.array(quads, np.float32)


def center_of_ink(image: Image, near: np.ndarray, reach: int = 22) -> np.ndarray | None:
    """Middle of the dark mass around a point, pixel edges at integers; None at the border."""
    height, width = image.shape[:2]
    x0, y0 = int(near[0]) - reach, int(near[1]) - reach
    if x0 < 0 or y0 < 0 or x0 + 2 * reach > width or y0 + 2 * reach > height:
        return None
    ink = 255.0 - image[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach].mean(axis=2)
    ink[ink < 40] = 0
    rows, columns = np.mgrid[0 : 2 * reach, 0 : 2 * reach] + 0.5
    total = ink.sum()
    assert total > 0, "no ink where the quad says"
    return np.array([(columns * ink).sum() / total + x0, (rows * ink).sum() / total + y0])


@pytest.mark.parametrize("name", GEOMETRY)
def test_quads_follow_the_ink(name: str) -> None:
    image, quads = dotted()
    for seed in range(4):
        moved, moved_quads = GEOMETRY[name](image, quads, np.random.default_rng(seed))
        assert moved.dtype == np.uint8
        assert moved_quads.dtype == np.float32
        assert moved_quads.shape == quads.shape
        checked = 0
        for quad in moved_quads:
            found = center_of_ink(moved, quad.mean(axis=0))
            if found is not None:
                checked += 1
                np.testing.assert_allclose(found, quad.mean(axis=0), atol=0.6)
        assert checked > 0


@pytest.mark.parametrize("tool", [degradation.on_table, degradation.tilted])
def test_quads_follow_the_ink_over_a_ground(tool: Effect) -> None:
    # A colored ground hides ink: look for dots in a channel that the ground is told not to use.
    class White(Backgrounds):
        def photo(self, rng: np.random.Generator, height: int, width: int) -> Image:
            return np.full((height, width, 3), 255, np.uint8)

    image, quads = dotted()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        moved, moved_quads = tool(image, quads, rng, grounds=White())  # type: ignore[call-arg]
        if moved[0].mean() < 254:
            continue  # a table of cloth or wood
        for quad in moved_quads:
            found = center_of_ink(moved, quad.mean(axis=0))
            if found is not None:
                np.testing.assert_allclose(found, quad.mean(axis=0), atol=0.6)


@pytest.mark.parametrize("name", STILL)
def test_light_and_dirt_move_nothing(name: str) -> None:
    image, quads = dotted((200, 260))
    before, before_quads = image.copy(), quads.copy()
    for seed in range(2):
        out, out_quads = STILL[name](image, quads, np.random.default_rng(seed))
        assert out.shape == image.shape
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(out_quads, before_quads)
        again, _ = STILL[name](image, quads, np.random.default_rng(seed))
        np.testing.assert_array_equal(again, out, err_msg="not the same for the same seed")
    np.testing.assert_array_equal(image, before, err_msg="the input was written to")


@pytest.mark.parametrize("name", GEOMETRY)
def test_effects_are_reproducible_by_seed(name: str) -> None:
    image, quads = dotted((200, 260))
    first, second = (GEOMETRY[name](image, quads, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (9, 9)])
def test_tiny_pictures_without_text(size: tuple[int, int]) -> None:
    nothing = np.zeros((0, 4, 2), np.float32)
    for name, effect in (STILL | GEOMETRY).items():
        out, quads = effect(np.full((*size, 3), 200, np.uint8), nothing, np.random.default_rng(0))
        assert quads.shape == (0, 4, 2), name
        assert min(out.shape[:2]) >= 1, name


def test_warp_by_identity_is_exact(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (30, 50, 3), dtype=np.uint8)
    quads = rng.uniform(0, 30, (3, 4, 2)).astype(np.float32)
    out, out_quads = geometric.warp(image, quads, np.eye(3), (30, 50))
    np.testing.assert_array_equal(out, image)
    np.testing.assert_allclose(out_quads, quads, atol=1e-5)


def test_warp_doubling_keeps_edges_at_edges() -> None:
    # With pixel edges at integers the left half of the picture becomes the left half, to the pixel.
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 255
    out, _ = geometric.warp(
        image, np.zeros((0, 4, 2), np.float32), np.diag([2.0, 2.0, 1.0]), (16, 16)
    )
    row = out[8, :, 0].astype(int)
    np.testing.assert_array_equal(row + row[::-1], 255)


def test_moving_points_there_and_back(rng: np.random.Generator) -> None:
    points = rng.uniform(0, 500, (7, 4, 2)).astype(np.float32)
    corners = np.array([[0, 0], [500, 20], [480, 510], [-10, 490]], np.float32)
    square = np.array([[0, 0], [500, 0], [500, 500], [0, 500]], np.float32)
    there = cv2.getPerspectiveTransform(square, corners)
    back = geometric.move_points(geometric.move_points(points, there), np.linalg.inv(there))
    np.testing.assert_allclose(back, points, atol=0.01)


def test_perspective_keeps_the_whole_page() -> None:
    image, _ = dotted()
    height, width = image.shape[:2]
    page = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    for seed in range(30):
        _, quads = geometric.perspective(
            image, page, np.random.default_rng(seed), strength=0.2, margin=0.05, turn_deg=20
        )
        assert quads.min() >= -0.01
        assert (quads.max(axis=(0, 1)) <= np.array([width, height]) + 0.01).all()


def test_text_height_of_none_one_and_many() -> None:
    assert geometric.text_height(np.zeros((0, 4, 2), np.float32)) == 24
    line = np.array([[[0, 0], [300, 0], [300, 18], [0, 18]]], np.float32)
    assert geometric.text_height(line) == pytest.approx(18)
    column = line[..., ::-1]
    assert geometric.text_height(column) == pytest.approx(18)


def test_low_resolution_stops_where_text_could_not_be_read() -> None:
    image = np.full((300, 400, 3), 255, np.uint8)
    line = np.array([[[10, 10], [300, 10], [300, 40], [10, 40]]], np.float32)
    for seed in range(40):
        _, quads = photometric.low_resolution(image, line, np.random.default_rng(seed))
        assert quads[0, 3, 1] - quads[0, 0, 1] >= photometric.MIN_READABLE_HEIGHT - 0.5


@pytest.mark.parametrize("name", ["gaussian_blur", "motion_blur", "defocus"])
def test_blur_leaves_strokes_of_small_text_visible(name: str) -> None:
    image = np.full((40, 120, 3), 255, np.uint8)
    image[10:26, 4:116:6] = 0
    image[10:26, 5:116:6] = 0
    line = np.array([[[0, 10], [120, 10], [120, 26], [0, 26]]], np.float32)
    for seed in range(30):
        out, _ = LIGHT[name](image, line, np.random.default_rng(seed))
        assert np.ptp(out[18, 20:100, 0].astype(int)) > 30


def test_binarize_leaves_two_levels() -> None:
    image, quads = dotted((200, 260))
    out, _ = paper.binarize(image, quads, np.random.default_rng(1))
    assert set(np.unique(out)) == {0, 255}


@pytest.mark.parametrize("ink", [190, 120])
def test_binarize_loses_no_text(ink: int) -> None:
    """Faint text on a page with a black edge is lighter than what lies between the edge and the paper."""
    image = np.full((200, 260, 3), 235, np.uint8)
    image[:, :12] = 5
    image[60:76, 40:220:6] = image[60:76, 42:220:6] = ink
    quads = np.array([[[40, 60], [220, 60], [220, 76], [40, 76]]], np.float32)
    some = [paper.binarize(image, quads, np.random.default_rng(i))[0] for i in range(20)]
    for out in some:
        line = out[62:74, 42:218, 0].astype(int)
        assert np.ptp(line) > 40
        assert (out is image) or 0.04 < (line == 0).mean() < 0.9
    assert any(out is not image for out in some) == (ink == 120)


def test_binarize_leaves_an_empty_page_alone() -> None:
    image = np.full((50, 60, 3), 240, np.uint8)
    out, _ = paper.binarize(image, np.zeros((0, 4, 2), np.float32), np.random.default_rng(1))
    np.testing.assert_array_equal(out, image)


def test_ink_grows_and_shrinks() -> None:
    image, quads = dotted()
    quads = quads + np.array([[0, 0], [20, 0], [20, 20], [0, 20]], np.float32)
    thick, _ = paper.thicken_ink(image, quads, np.random.default_rng(2))
    thin, _ = paper.thin_ink(image, quads, np.random.default_rng(2))
    assert thick.mean() < image.mean() < thin.mean()


def test_noise_has_no_mean_and_covers_any_size() -> None:
    for coarse in (False, True):
        field = photometric.noise_field(700, 1100, 3, np.random.default_rng(0), coarse=coarse)
        assert field.shape == (700, 1100, 3)
        assert abs(field.mean() - 128) < 1
        assert abs(field.std() - photometric.NOISE_DEVIATION) < 3


def test_sometimes_with_probability_zero_and_one() -> None:
    image, quads = dotted((200, 260))
    rng = np.random.default_rng(0)
    never, _ = photometric.sometimes(0.0, photometric.invert)(image, quads, rng)
    always, _ = photometric.sometimes(1.0, photometric.invert)(image, quads, rng)
    np.testing.assert_array_equal(never, image)
    np.testing.assert_array_equal(always, 255 - image)


def test_one_of_draws_every_effect() -> None:
    image, quads = dotted((200, 260))
    effect = photometric.one_of(photometric.invert, degradation.zoomed)
    outcomes = {effect(image, quads, np.random.default_rng(s))[0].shape for s in range(20)}
    assert len(outcomes) > 1


def test_apply_runs_in_order() -> None:
    image, quads = dotted((200, 260))
    out, _ = photometric.apply(
        [photometric.invert, photometric.invert], image, quads, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(out, image)
