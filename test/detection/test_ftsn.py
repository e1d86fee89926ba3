"""FTSN: masks put together from maps of parts, lines that touch, Mask-NMS."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats
from detection.ftsn import FTSN, PARTS, mask_nms
from detection.pieces import fitted

SIZE = (256, 320)


def line(x: float, y: float, width: float, height: float, degrees: float = 0) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def maps_of(*quads: Floats, size: tuple[int, int] = SIZE) -> dict[str, Floats]:
    method = FTSN()
    return method.maps_of(method.targets(np.array(quads), np.zeros(len(quads), np.bool_), size))


def found(*quads: Floats) -> Floats:
    lines = FTSN().decode(maps_of(*quads)).quads
    return lines[np.lexsort((lines[:, 0, 0], np.round(lines[:, 0, 1])))]


@pytest.mark.parametrize("gap", [0, 1, 2, 4])
def test_lines_that_touch_stay_two(gap: int) -> None:
    beside = line(70, 60, 100, 24), line(170 + gap, 60, 100, 24)
    below = line(160, 60, 240, 24), line(160, 84 + gap, 240, 24)
    for pair in (beside, below):
        lines = found(*pair)
        assert len(lines) == 2
        # What lies in the cells where they meet is not known.
        np.testing.assert_allclose(lines, pair, atol=4.5)


def test_the_end_of_one_line_is_the_beginning_of_another() -> None:
    inside = maps_of(line(70, 60, 100, 24), line(170, 60, 100, 24))["inside"]
    middle = PARTS // 2 * PARTS  # of the parts in the middle row
    assert inside[15, 28, middle + PARTS - 1] == 1 and inside[15, 28, middle] == 0
    assert inside[15, 32, middle] == 1 and inside[15, 32, middle + PARTS - 1] == 0


def test_neighbors_whose_boxes_overlap_keep_their_masks() -> None:
    quads = [line(160 + k, 128 + k, 220, 20, -45) for k in (-18, 0, 18)]
    assert len(found(*quads)) == 3


def test_a_proposal_without_a_line_in_it_is_none() -> None:
    maps = maps_of(line(160, 60, 200, 24))
    maps["proposal"][24, 8:20], maps["sides"][24, 8:20] = 1, 12
    assert len(FTSN().decode(maps).quads) == 1
    row, cols = slice(46, 52), slice(13, 43)
    maps["either"][row, cols] = 1  # a box of something, but nothing is inside of it
    assert len(FTSN().decode(maps).quads) == 1
    maps["inside"][row, cols] = 1
    assert len(FTSN().decode(maps).quads) == 2


def test_a_word_within_its_line_goes() -> None:
    whole, word, other = line(160, 60, 240, 24), line(90, 60, 60, 22), line(160, 120, 240, 24)
    rows = np.array([[*fitted(quad), 0.9] for quad in (word, whole, other)], np.float32)
    np.testing.assert_array_equal(mask_nms(rows, np.array([1.0, 9, 5]), 0.5), rows[[1, 2]])
    np.testing.assert_array_equal(mask_nms(rows, np.array([9.0, 1, 5]), 0.5), rows[[0, 2]])
    assert mask_nms(rows[:0], np.zeros(0), 0.5).shape == (0, 7)


def test_low_lines_are_neither_text_nor_background() -> None:
    targets = FTSN().targets(line(160, 60, 100, 7)[None], np.zeros(1, np.bool_), SIZE)
    assert not targets["part"].any() and not (targets["line"] > 0).any()
    assert not targets["known"][15, 30:50].any() and (targets["line"][7, 15:25] == -1).all()


def test_noise_is_bounded() -> None:
    rng = np.random.default_rng(0)
    maps = {
        name: rng.uniform(0, 1, (SIZE[0] // one.stride, SIZE[1] // one.stride, *one.shape))
        for name, one in FTSN.outputs.items()
    }
    maps["sides"] *= 60
    lines = FTSN(max_candidates=200, line_threshold=0).decode(maps)
    assert 0 < len(lines.quads) <= 200 and (lines.scores <= 1).all()


@pytest.mark.torch
@pytest.mark.parametrize("ignored", [True, False])
def test_losses_of_the_targets_themselves_are_small(ignored: bool) -> None:
    torch = pytest.importorskip("torch")
    from detection.ftsn import STRIDE
    from detection.ftsn_torch import losses

    torch.manual_seed(0)
    quads = np.array([line(160, 60, 200, 24, 10), line(160, 180, 200, 40, -30)])
    method = FTSN()
    targets = method.targets(quads, np.full(2, ignored), SIZE)
    maps = {name: torch.from_numpy(value)[None] for name, value in method.maps_of(targets).items()}
    for name in ("proposal", "either", "inside"):
        maps[name] = torch.logit(maps[name], eps=1e-4)
    maps["sides"] = torch.log(maps["sides"].clamp(min=1e-3) / STRIDE)
    batch = {name: torch.from_numpy(value)[None] for name, value in targets.items()}
    parts = losses(maps, batch)
    assert parts["proposal"] < 1e-3 and parts["sides"] < 1e-3
    assert parts["either"] < 0.02
    # Of a moved box, some cells are in another part, where none of the true ones has them.
    assert parts["mask"] < 0.5
    wrong = losses({**maps, "inside": -maps["inside"]}, batch)
    assert ignored or wrong["mask"] > 10 * parts["mask"]


@pytest.mark.torch
def test_boxes_and_masks_teach_their_own_maps() -> None:
    torch = pytest.importorskip("torch")
    from detection.ftsn_torch import losses

    torch.manual_seed(0)
    targets = FTSN().targets(line(160, 60, 200, 24)[None], np.zeros(1, np.bool_), SIZE)
    batch = {name: torch.from_numpy(value)[None] for name, value in targets.items()}
    maps = {
        name: torch.zeros((1, SIZE[0] // one.stride, SIZE[1] // one.stride, *one.shape))
        for name, one in FTSN.outputs.items()
    }
    maps["inside"].requires_grad_()
    losses(maps, batch)["mask"].backward()
    gradient = maps["inside"].grad[0].numpy()
    assert (gradient[13:17, 20:60].min(axis=(0, 1)) < 0).all(), "each part has cells of the line"
    assert not gradient[30:].any(), "far from any line nothing is of a mask"
