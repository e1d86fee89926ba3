"""Detector: sizes, scales, tiles and coordinates, with a network that sees known lines."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats
from ctpn import Detector, Method
from detection import scales, tiles
from detection.preprocess import MEAN, STD, normalize, padded
from detection.scales import ScaleSettings, coarse_scale, working_scale

INK = np.array([20, 20, 20], np.uint8)


def _page(height: int, width: int, boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    """A white page with black bars for lines."""
    image = np.full((height, width, 3), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = INK
    return image


def _bars(gray: Floats) -> np.ndarray:
    """Boxes of the dark bars in a picture (H, W), by flood over rows and columns of a mask."""
    import cv2

    mask = (gray < 0).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    x, y, w, h = stats[1:count, :4].astype(np.float32).T
    return np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=1).reshape(-1, 4, 2)


class BarNetwork:
    """Answers with the perfect targets of every dark bar it sees, and keeps the sizes it was given."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, images: Floats) -> tuple[Floats, ...]:
        assert images.dtype == np.float32 and images.shape[:2] == (1, 3)
        size = images.shape[2:]
        self.sizes.append((size[0], size[1]))
        quads = _bars(images[0, 0])
        method = Method()
        targets = method.targets(quads, np.zeros(len(quads), np.bool_), (size[0], size[1]))
        return tuple(one[None] for one in method.maps_of(targets).values())


def _detect(image: np.ndarray, **config: float) -> tuple[np.ndarray, BarNetwork]:
    network = BarNetwork()
    quads, scores = Detector(network, **config)(image)
    assert quads.dtype == scores.dtype == np.float32 and len(quads) == len(scores)
    bounds = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
    return bounds[np.lexsort((bounds[:, 0], np.round(bounds[:, 1] / 8)))], network


def test_a_blank_page_has_no_lines() -> None:
    quads, scores = Detector(BarNetwork())(_page(600, 800, []))
    assert quads.shape == (0, 4, 2) and scores.shape == (0,)


@pytest.mark.parametrize(
    ("size", "boxes"),
    [
        ((1754, 1240), [(100, 60 + 33 * i, 1100, 80 + 33 * i) for i in range(50)]),  # A4 at 150 dpi
        ((3000, 4000), [(400, 300 + 500 * i, 3000, 600 + 500 * i) for i in range(5)]),  # phone
        ((76, 340), [(10, 8, 200, 22), (10, 40, 330, 54)]),
        ((20, 60), [(6, 4, 54, 16)]),
        ((333, 517), [(31, 100, 400, 121)]),
        ((9000, 700), [(50, 100 + 60 * i, 600, 125 + 60 * i) for i in range(140)]),
        ((300, 6000), [(50, 100, 5900, 140), (50, 200, 2900, 240)]),
    ],
)
def test_lines_come_back_in_the_picture_s_own_pixels(
    size: tuple[int, int], boxes: list[tuple[int, int, int, int]]
) -> None:
    found, _ = _detect(_page(*size, boxes))
    assert len(found) == len(boxes)
    for box, got in zip(boxes, found, strict=True):
        height = box[3] - box[1]
        np.testing.assert_allclose(got, box, atol=max(0.3 * height, 3))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 9), (16, 16), (17, 15), (1, 5000)])
def test_tiny_and_thin_pictures_are_handled(size: tuple[int, int]) -> None:
    found, network = _detect(np.zeros((*size, 3), np.uint8))
    assert (found >= 0).all() and (found <= [size[1], size[0], size[1], size[0]]).all()
    assert all(h % 16 == 0 and w % 16 == 0 and h and w for h, w in network.sizes)


@pytest.mark.parametrize("size", [(12000, 500), (500, 12000), (5000, 5000), (2, 60000)])
def test_the_network_never_sees_more_than_a_tile(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 255, np.uint8)
    image[:: max(1, size[0] // 7), : size[1] // 2] = 0
    _, network = _detect(image, tile_pixels=700_000)
    assert max(h * w for h, w in network.sizes) <= 700_000
    assert sum(h * w for h, w in network.sizes) < 60_000_000


def test_tiled_and_whole_detection_agree() -> None:
    boxes = [(40 + 3 * i, 50 + 60 * i, 900 - 7 * i, 74 + 60 * i) for i in range(14)]
    image = _page(900, 1000, boxes)
    whole = tiles.run(BarNetwork(), image, Method.outputs, 10**7)
    network = BarNetwork()
    parts = tiles.run(network, image, Method.outputs, 300_000)
    assert len(network.sizes) > 1
    text = whole["scores"] > 0
    np.testing.assert_array_equal(whole["scores"], parts["scores"])
    for name in ("deltas", "sides"):
        np.testing.assert_allclose(whole[name][text], parts[name][text], atol=1e-4)


@pytest.mark.parametrize("grid", [(1, 1), (3, 4000), (4000, 3), (64, 64), (65, 64), (700, 900)])
def test_cores_of_tiles_cover_every_cell_once(grid: tuple[int, int]) -> None:
    seen = np.zeros(grid, int)
    for down, across in tiles.cores(*grid, 4096):
        seen[down, across] += 1
    assert (seen == 1).all()


def test_large_text_needs_no_second_pass() -> None:
    _, network = _detect(_page(600, 800, [(50, 100, 700, 180)]))
    assert len(network.sizes) == 1 or max(map(max, network.sizes)) <= 800


def test_min_side_makes_a_second_pass_on_large_text() -> None:
    image = _page(900, 1200, [(50, 100 + 100 * i, 1000, 145 + 100 * i) for i in range(4)])
    network = BarNetwork()
    quick = Detector(network)(image)[0]
    assert len(network.sizes) == 1
    close = Detector(network)(image, min_side=800)[0]
    assert max(network.sizes[-1]) == 800 and len(network.sizes) == 3
    np.testing.assert_allclose(np.sort(quick, axis=0), np.sort(close, axis=0), atol=8)


def test_lettering_gets_a_pass_at_half_the_scale() -> None:
    boxes = [(100, 100, 1100, 300), (100, 420, 1100, 450)]
    found, network = _detect(_page(900, 1280, boxes))
    assert min(max(size) for size in network.sizes) == 320
    assert len(found) == 2
    np.testing.assert_allclose(found, np.array(boxes), atol=16)
    _, network = _detect(_page(900, 1280, boxes[1:]))
    assert min(max(size) for size in network.sizes) == 640, "small print needs no such pass"


def test_small_text_gets_a_larger_second_pass() -> None:
    image = _page(2400, 1800, [(100, 100 + 60 * i, 1700, 130 + 60 * i) for i in range(35)])
    _, network = _detect(image)
    assert len(network.sizes) == 2 and max(network.sizes[1]) > 1.5 * max(network.sizes[0])


@pytest.mark.parametrize(
    ("height", "least", "most"), [(34, 1264, 1296), (28, 1300, 1590), (20, 1584, 1616)]
)
def test_a_full_page_gets_more_pixels_only_where_its_text_would_be_too_small(
    height: int, least: int, most: int
) -> None:
    """A page of 2400 pixels, whose lines are 18, 15 and 11 pixels high at a long side of 1280."""
    boxes = [(100, 100 + 60 * i, 1700, 100 + height + 60 * i) for i in range(35)]
    found, network = _detect(_page(2400, 1800, boxes))
    assert len(found) == 35
    assert least <= max(network.sizes[1]) <= most
    _, network = _detect(_page(2400, 1800, boxes[:3]))  # too few to be sure that it is all
    assert max(network.sizes[1]) > 1500


def test_huge_letters_beside_small_print_are_found_once() -> None:
    small = [(100, 1200 + 40 * i, 1900, 1218 + 40 * i) for i in range(10)]
    found, _ = _detect(_page(1600, 2000, [(100, 100, 1800, 600), *small]))
    assert len(found) == 11


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_wrong_arrays_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        Detector(BarNetwork())(image)


def test_calling_twice_gives_the_same_answer() -> None:
    image = _page(500, 700, [(40, 50, 600, 80), (40, 120, 300, 150)])
    detector = Detector(BarNetwork())
    for a, b in zip(detector(image), detector(image), strict=True):
        np.testing.assert_array_equal(a, b)


def test_scales_respect_their_bounds() -> None:
    settings = ScaleSettings()
    rng = np.random.default_rng(0)
    for _ in range(300):
        size = tuple(int(v) for v in np.exp(rng.uniform(0, np.log(20000), 2)))
        coarse = coarse_scale((size[0], size[1]), settings)
        heights = rng.uniform(4, 300, rng.integers(0, 9)).astype(np.float32)
        scale = working_scale(heights, (size[0], size[1]), coarse, settings)
        for value in (coarse, scale):
            assert 0 < value <= settings.max_enlargement
            assert value * value * size[0] * size[1] <= settings.max_pixels * 1.001
        side = scale * scales.span((size[0], size[1]))
        assert side <= settings.max_side * 1.001 or scale <= coarse


def test_normalize_pads_by_repeating_the_border() -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 18, 3), np.uint8)
    tensor = normalize(image)
    assert tensor.shape == (1, 3, 48, 32) and tensor.flags["C_CONTIGUOUS"]
    expected = (image[32, 17] / 255 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(tensor[0, :, 47, 31], expected, atol=1e-5)
    assert [padded(n) for n in (1, 15, 16, 17)] == [16, 16, 16, 32]
