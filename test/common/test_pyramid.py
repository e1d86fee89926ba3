"""A picture at several sizes: those asked for, itself where it is, and no darker or shifted for coming from a half."""

import cv2
import numpy as np
import pytest

from common.pyramid import ImagePyramid

RNG = np.random.default_rng(8)


def smooth(height: int, width: int, *colors: int, spread: float = 3.0) -> np.ndarray:
    noise = RNG.normal(size=(height, width, *colors)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), spread)
    return np.clip(128 + 60 * blurred / blurred.std(), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(301, 203), (300, 200, 3), (1, 400, 3), (400, 1), (1, 1, 3)])
def test_pictures_have_the_requested_sizes(shape: tuple[int, ...]) -> None:
    picture = RNG.integers(0, 256, shape).astype(np.uint8)
    for scale in (0.01, 0.09, 0.24, 0.5, 0.77, 1.0, 2.3):
        resized = ImagePyramid(picture).at(scale)
        expected = tuple(max(1, round(side * scale)) for side in shape[:2]) + shape[2:]
        assert (resized.shape, resized.dtype) == (expected, np.uint8), f"scale {scale}"
        if scale == 1:
            assert resized is picture


@pytest.mark.parametrize("scale", [0.06, 0.11, 0.24, 0.49, 0.5, 0.8])
def test_resized_from_a_half_nearly_equals_resized_from_the_whole(scale: float) -> None:
    picture = smooth(608, 416, 3, spread=1.5 / scale)
    sizes = ImagePyramid(picture)
    sizes.at(0.05)  # all halves are there
    resized = sizes.at(scale)
    size = resized.shape[1], resized.shape[0]
    whole = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    apart = np.abs(resized.astype(float) - whole)
    assert apart.mean() < 3 and abs(float(resized.mean()) - float(whole.mean())) < 1
    # Not by a pixel aside: that would be further off.
    aside = np.abs(resized[:, 1:].astype(float) - whole[:, :-1])
    assert apart.mean() < 0.2 * aside.mean()


def test_order_of_requests_does_not_change_the_results() -> None:
    picture = smooth(500, 700)
    first, second = ImagePyramid(picture), ImagePyramid(picture)
    small = first.at(0.1)
    assert np.array_equal(first.at(0.4), second.at(0.4))
    assert np.array_equal(small, second.at(0.1))
