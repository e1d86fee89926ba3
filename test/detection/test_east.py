"""EAST: rectangles at every angle, lines that are cut, overlap, or are seen in parts."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from common.arrays import Floats
from detection.cells import CELL
from detection.east import EAST, agreed

SIZE = (256, 320)


def line(x: float, y: float, width: float, height: float, degrees: float) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def found(*quads: Floats) -> Floats:
    method = EAST()
    targets = method.targets(np.array(quads), np.zeros(len(quads), np.bool_), SIZE)
    return method.decode(method.maps_of(targets)).quads


def overlap(a: Floats, b: Floats) -> float:
    one, other = shapely.Polygon(a), shapely.Polygon(b)
    return float(one.intersection(other).area / one.union(other).area)


@pytest.mark.parametrize("degrees", [-180, -135, -90, -45.001, -45, -44.999, 0, 45, 90, 135, 180])
def test_rectangles_at_the_edges_of_the_angle(degrees: float) -> None:
    quad = line(160, 128, 150, 20, degrees)
    targets = EAST().targets(quad[None], np.zeros(1, np.bool_), SIZE)
    assert np.abs(targets["angle"]).max() <= np.pi / 4 + 1e-4
    (got,) = found(quad)
    assert overlap(got, quad) > 0.99


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90])
@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_the_smallest_text_has_a_cell(degrees: float, shift: float) -> None:
    (got,) = found(line(160 + shift, 128 + shift, 7, 7, degrees))
    assert overlap(got, line(160 + shift, 128 + shift, 7, 7, degrees)) > 0.9


def test_a_slanted_line_is_cut_across_its_direction() -> None:
    quad = line(290, 128, 200, 24, 30)
    (got,) = found(quad)
    ends = np.sort(shapely.Polygon(got).exterior.coords.xy[0])
    assert ends[-1] > 320 > ends[-3]  # the axis ends at the border, one corner on either side of it
    sides = np.linalg.norm(np.roll(got, -1, axis=0) - got, axis=1)
    np.testing.assert_allclose(np.sort(sides)[:2], 24, atol=0.1)


def test_a_line_outside_but_for_its_edge_is_unknown() -> None:
    targets = EAST().targets(line(160, -8, 100, 24, 0)[None], np.zeros(1, np.bool_), SIZE)
    assert not targets["score"].any() and not targets["known"][0, 30:50].any()


def test_where_lines_overlap_the_smaller_is_told() -> None:
    large, small = line(160, 128, 280, 120, 0), line(160, 128, 60, 16, 0)
    for order in ((large, small), (small, large)):
        targets = EAST().targets(np.array(order), np.zeros(2, np.bool_), SIZE)
        height = targets["distances"][32, 40, [0, 2]].sum()
        assert height == pytest.approx(16, abs=0.1)
        assert targets["distances"][..., [0, 2]].sum(-1).max() <= 120.1


def test_a_line_whose_ends_no_cell_sees_is_whole() -> None:
    method, quad = EAST(), line(160, 128, 300, 24, 0)
    maps = method.maps_of(method.targets(quad[None], np.zeros(1, np.bool_), SIZE))
    maps["distances"] = np.minimum(maps["distances"], 90)
    (got,) = method.decode(maps).quads
    assert overlap(got, quad) > 0.95


@pytest.mark.parametrize("degrees", [0, 12, 90])
def test_cells_of_a_long_line_agree_on_its_direction(degrees: float) -> None:
    method, quad = EAST(), line(400, 400, 600, 16, degrees)
    maps = method.maps_of(method.targets(quad[None], np.zeros(1, np.bool_), (800, 800)))
    rng = np.random.default_rng(1)
    maps["angle"] = maps["angle"] + rng.normal(0, np.deg2rad(3), maps["angle"].shape)
    (got,) = method.decode({name: value.astype(np.float32) for name, value in maps.items()}).quads
    assert overlap(got, quad) > 0.8


def test_cells_turned_otherwise_keep_their_angle() -> None:
    angle = np.full((8, 40), 0.1, np.float32)
    angle[:, 30:], angle[0] = 0.7, 0.3
    weights = np.ones((8, 40), np.float32)
    weights[0] = 0
    told = agreed(angle, weights)
    np.testing.assert_allclose(told[1:, :30], 0.1, atol=1e-6)
    np.testing.assert_array_equal(told[1:, 30:], angle[1:, 30:])
    np.testing.assert_array_equal(told[0], angle[0])


@pytest.mark.parametrize("columns", [False, True])
def test_a_full_page_is_found_whole(columns: bool) -> None:
    quads = np.array([line(x, 14 + 30 * i, 580, 20, 0) for i in range(50) for x in (310, 950)])
    size = (1536, 1280)
    if columns:
        quads, size = quads[:, :, ::-1], size[::-1]
    method = EAST()
    targets = method.targets(quads, np.zeros(100, np.bool_), size)
    assert len(method.decode(method.maps_of(targets)).quads) == 100


def test_noise_is_bounded() -> None:
    rng = np.random.default_rng(0)
    shape = (64, 80)
    maps = {
        "score": rng.uniform(0, 1, shape).astype(np.float32),
        "distances": rng.uniform(0, 60, (*shape, 4)).astype(np.float32),
        "angle": rng.uniform(-0.7, 0.7, shape).astype(np.float32),
    }
    lines = EAST(max_candidates=200, line_threshold=0).decode(maps)
    assert 0 < len(lines.quads) <= 200 and (lines.scores <= 1).all()


@pytest.mark.torch
def test_losses_of_the_targets_themselves_are_none() -> None:
    torch = pytest.importorskip("torch")
    from detection.east_torch import losses

    quads = np.array([line(160, 60, 200, 24, 10), line(160, 180, 200, 40, -30)])
    targets = EAST().targets(quads, np.zeros(2, np.bool_), SIZE)
    batch = {name: torch.from_numpy(value)[None] for name, value in targets.items()}
    maps = {
        "score": torch.where(batch["score"] == 1, 20.0, -20.0),
        "distances": torch.log(batch["distances"].clamp(min=1e-3) / CELL),
        "angle": torch.logit(0.5 + batch["angle"] / (np.pi / 2)),
    }
    assert all(value < 1e-3 for value in losses(maps, batch).values())
