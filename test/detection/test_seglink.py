"""SegLink: levels and their sizes, segments along every direction, links beside and between levels."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats
from detection.seglink import LEVELS, SIZE, SegLink

PAGE = (512, 640)


def line(x: float, y: float, width: float, height: float, degrees: float = 0) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def encoded(*quads: Floats, ignore: bool = False) -> dict[str, np.ndarray]:
    return SegLink().targets(np.array(quads), np.full(len(quads), ignore), PAGE)


def decoded(targets: dict[str, np.ndarray], **changed: np.ndarray) -> Floats:
    method = SegLink()
    return method.decode({**method.maps_of(targets), **changed}).quads


def levels(height: float) -> list[int]:
    targets = encoded(line(320, 256, 4 * height, height))
    return [level for level in LEVELS if targets[f"text{level}"].any()]


@pytest.mark.parametrize(
    ("height", "expected"),
    [(8, [8]), (12, [8]), (17, [8, 16]), (24, [16]), (34, [16, 32]), (70, [32, 64]), (140, [64])],
)
def test_a_line_is_found_at_the_levels_of_its_size(height: float, expected: list[int]) -> None:
    assert levels(height) == expected


def test_every_height_between_has_a_level() -> None:
    assert all(levels(height) for height in np.geomspace(8, 144, 40))


@pytest.mark.parametrize("height", [5, 160])
def test_other_heights_are_neither_text_nor_background(height: float) -> None:
    targets = encoded(line(320, 260, 400, height))  # on the middles of a row of cells
    nearest = LEVELS[0] if height < 8 else LEVELS[-1]
    assert not any(targets[f"text{level}"].any() for level in LEVELS)
    assert not targets[f"known{nearest}"].all()


@pytest.mark.parametrize("degrees", [-90, -89, -45, 0, 30, 45, 89, 90, 180])
def test_long_lines_at_every_angle(degrees: float) -> None:
    (got,) = decoded(encoded(line(320, 256, 420, 20, degrees)))
    center = got.mean(axis=0)
    np.testing.assert_allclose(center, [320, 256], atol=0.5)
    sides = np.sort(np.linalg.norm(np.roll(got, -1, axis=0) - got, axis=1))
    np.testing.assert_allclose(sides, [20, 20, 420, 420], atol=0.5)


def test_segments_are_as_long_as_their_square_but_at_the_ends() -> None:
    targets = encoded(line(320, 256, 400, 12))
    lengths = SIZE * 8 * np.exp(targets["offsets8"][targets["text8"] == 1][:, 2])
    assert lengths.min() >= 6 and lengths.max() <= 24
    assert np.median(lengths) == pytest.approx(12, abs=0.01)


def test_neighbors_without_a_link_stay_two_lines() -> None:
    left, right = line(200, 256, 200, 20), line(404, 256, 200, 20)
    assert len(decoded(encoded(left, right))) == 2
    assert len(decoded(encoded(line(320, 256, 440, 20)))) == 1


def test_levels_are_joined_by_links_or_else_the_weaker_goes() -> None:
    targets = encoded(line(320, 256, 300, 17))
    assert (targets["cross16"] == 1).any() and not (targets["cross32"] >= 0).any()
    assert len(decoded(targets)) == 1
    assert len(decoded(targets, cross16=np.zeros_like(targets["cross16"], np.float32))) == 1


def test_links_to_other_lines_are_negative_and_to_the_unknown_do_not_count() -> None:
    upper, lower = line(320, 244, 400, 24), line(320, 268, 400, 24)
    method = SegLink()
    both = encoded(upper, lower)
    half = method.targets(np.array([upper, lower]), np.array([False, True]), PAGE)
    text = both["text16"] == 1
    assert {0, 1} <= set(both["links16"][text].ravel())
    assert (both["links16"][~text] == -1).all()
    down = half["links16"][15, 20, 1:4]  # from the upper line to the ignored one
    assert (half["text16"][15, 20], half["known16"][16, 20]) == (1, False)
    assert (down == -1).all()


@pytest.mark.torch
def test_losses_are_finite_without_text_and_none_for_the_targets_themselves() -> None:
    torch = pytest.importorskip("torch")
    from detection.seglink_torch import losses

    method = SegLink()
    for targets in (
        encoded(line(320, 200, 300, 17, 10), line(320, 350, 300, 60)),
        encoded(line(320, 200, 300, 17), ignore=True),
        method.targets(np.zeros((0, 4, 2), np.float32), np.zeros(0, np.bool_), PAGE),
    ):
        batch = {name: torch.from_numpy(value)[None] for name, value in targets.items()}
        maps = {
            name: torch.from_numpy(value if name.startswith("offsets") else 40 * value - 20)[None]
            for name, value in method.maps_of(targets).items()
        }
        assert all(0 <= value < 1e-3 for value in losses(maps, batch).values())
        flat = {name: torch.zeros_like(value, requires_grad=True) for name, value in maps.items()}
        sum(losses(flat, batch).values()).backward()
        gradient = flat["text8"].grad
        assert torch.isfinite(gradient).all() and gradient.any()
        assert not gradient[0][torch.from_numpy(~targets["known8"])].any()
