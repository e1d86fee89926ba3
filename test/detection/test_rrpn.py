"""RRPN: anchors and their angles, sampling inside rotated boxes, both stages' losses."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats
from detection.rrpn import (
    ANCHORS,
    HEIGHTS,
    NEAR_DEGREES,
    RRPN,
    STRIDE,
    anchor_boxes,
    moved,
    offsets_between,
    wrapped,
)

SIZE = (256, 320)


def line(x: float, y: float, width: float, height: float, degrees: float) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def targets_of(*quads: Floats) -> dict[str, Floats]:
    return RRPN().targets(np.array(quads), np.zeros(len(quads), np.bool_), SIZE)


def random_boxes(count: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    low, high = (-20, -20, 12, 12, -np.pi), (20, 20, 200, 100, np.pi)
    return rng.uniform(low, high, (count, 5)).astype(np.float32)


def test_angles_wrap_at_the_ends_of_their_range() -> None:
    angles = np.deg2rad([-180, -91, -90, 0, 89, 90, 91, 179, 270])
    np.testing.assert_allclose(
        np.rad2deg(wrapped(angles)), [0, 89, -90, 0, 89, -90, -89, -1, -90], atol=1e-9
    )


def test_moving_is_the_inverse_of_offsets() -> None:
    boxes, others = random_boxes(200, 0), random_boxes(200, 1)
    offsets = offsets_between(boxes, others)
    assert np.abs(offsets[:, 4]).max() <= np.pi / 2
    back = moved(boxes, offsets)
    np.testing.assert_allclose(back[:, :4], others[:, :4], rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(np.sin(back[:, 4] - others[:, 4]), 0, atol=1e-4)


@pytest.mark.parametrize("degrees", [-90, -46, -45, -44, -15, 0, 14, 15, 16, 45, 75, 90, 104])
def test_anchors_turned_too_far_are_background(degrees: float) -> None:
    labels = targets_of(line(160, 128, 150, 24, degrees))["labels"]
    positive = np.unique(np.nonzero(labels == 1)[2])
    turned = np.abs(wrapped(anchor_boxes()[positive, 4] - np.deg2rad(degrees)))
    assert len(positive) and np.rad2deg(turned).max() <= NEAR_DEGREES + 0.01


def test_what_fits_an_anchor_has_it_and_looser_ones_are_unknown() -> None:
    quad = line(168, 136, 5 * HEIGHTS[1], HEIGHTS[1], 30)  # on the middle of a cell
    labels = targets_of(quad)["labels"][8, 10]
    same = np.flatnonzero(
        (np.abs(anchor_boxes()[:, 2:4] - (100, 20)).max(axis=1) < 1e-3)
        & (np.abs(anchor_boxes()[:, 4] - np.pi / 6) < 1e-3)
    )
    assert labels[same] == 1 and (labels == -1).any() and (labels == 0).sum() > ANCHORS / 2


def test_every_cell_along_a_line_has_a_positive_anchor() -> None:
    labels = targets_of(line(160, 120, 260, 8, 0))["labels"]
    assert ((labels == 1).any(axis=2).any(axis=0)).sum() == 16


def test_lines_too_low_or_too_high_count_neither_way() -> None:
    for quad in (line(160, 128, 100, 4, 0), line(160, 128, 300, 200, 0)):
        targets = targets_of(quad)
        assert not (targets["labels"] == 1).any() and not targets["near"].any()
        assert not targets["known"][8, 8:12].any() and (targets["labels"][8, 9] == -1).all()


@pytest.mark.parametrize("degrees", [10, 40, 90])
def test_of_two_lines_in_one_place_the_one_of_more_pieces_stays(degrees: float) -> None:
    method, quad = RRPN(), line(160, 128, 200, 24, 10)
    targets = targets_of(quad)
    maps = method.maps_of(targets)
    (before,) = method.decode(maps).quads
    maps["score"] *= 0.7
    cell = maps["score"][8].argmax()
    maps["score"][8, cell], maps["offsets"][8, cell, 4] = 0.9, np.deg2rad(degrees)
    (after,) = method.decode(maps).quads
    np.testing.assert_allclose(after, before, atol=12)


def test_noise_is_bounded() -> None:
    rng = np.random.default_rng(0)
    maps = {
        name: rng.uniform(0, 1, (16, 20, *output.shape)).astype(np.float32)
        for name, output in RRPN.outputs.items()
    }
    maps["proposals"][..., 2:4] *= 100
    lines = RRPN(max_candidates=50, line_threshold=0).decode(maps)
    assert 0 < len(lines.quads) <= 50 and (lines.scores <= 1).all()


@pytest.mark.torch
def test_both_languages_move_alike() -> None:
    torch = pytest.importorskip("torch")
    from detection import rrpn_torch

    boxes, others = random_boxes(200, 0), random_boxes(200, 1)
    pair = torch.from_numpy(boxes), torch.from_numpy(others)
    offsets = rrpn_torch.offsets_between(*pair)
    np.testing.assert_allclose(offsets, offsets_between(boxes, others), atol=1e-4)
    again = rrpn_torch.moved(pair[0], offsets)
    np.testing.assert_allclose(again, moved(boxes, offsets.numpy()), rtol=1e-4, atol=1e-3)


@pytest.mark.torch
@pytest.mark.parametrize("quarter", [0, 1, 2])
def test_sampling_at_right_angles_is_a_crop(quarter: int) -> None:
    torch = pytest.importorskip("torch")
    from detection.rrpn_torch import GRID, rotated_features

    features = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 24, 24)).astype("f4"))
    rows, cols = GRID
    # A box whose parts are cells of 8 pixels, around the middle of the picture: a corner of cells of 16.
    box = [8.0, 8.0, 8.0 * cols, 8.0 * rows, quarter * np.pi / 2]
    boxes = torch.zeros((1, 12, 12, 5)) + torch.tensor([0, 0, 8.0, 8.0, 0])
    boxes[0, 5, 5] = torch.tensor(box)
    found = rotated_features(features, boxes)[0, :, 5, 5].reshape(3, rows, cols)
    high, wide = (rows, cols) if quarter % 2 == 0 else (cols, rows)
    crop = features[0, :, 12 - high // 2 : 12 + high // 2, 12 - wide // 2 : 12 + wide // 2]
    # The box's own axis points down after a quarter turn: seen along it, the crop lies turned the other way.
    torch.testing.assert_close(found, torch.rot90(crop, quarter, (1, 2)), atol=1e-4, rtol=1e-4)


@pytest.mark.torch
def test_sampling_outside_repeats_the_border() -> None:
    torch = pytest.importorskip("torch")
    from detection.rrpn_torch import rotated_features

    features = torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 4, 4)
    boxes = torch.tensor([1000.0, 0, 8, 8, 0]).expand(1, 2, 2, 5)
    assert (rotated_features(features, boxes) == 3).all()


@pytest.mark.torch
def test_losses_of_the_targets_themselves_are_none() -> None:
    torch = pytest.importorskip("torch")
    from detection.rrpn_torch import losses

    targets = targets_of(line(160, 60, 250, 24, 10), line(160, 180, 200, 40, -30))
    maps = {name: torch.from_numpy(value)[None] for name, value in RRPN().maps_of(targets).items()}
    for name in ("anchors", "score"):
        maps[name] = torch.where(maps[name] == 1, 20.0, -20.0)
    batch = {name: torch.from_numpy(value)[None] for name, value in targets.items()}
    assert all(value < 1e-3 for value in losses(maps, batch).values())
    assert STRIDE * batch["labels"].shape[2] == SIZE[1]
