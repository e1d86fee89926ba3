"""PixelLink: what is joined and what is not, how much each line weighs."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats
from detection.links import NEIGHBORS
from detection.pixellink import PixelLink

SIZE = (256, 320)


def box(x: float, y: float, width: float, height: float) -> Floats:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def found(*quads: Floats, size: tuple[int, int] = SIZE) -> Floats:
    method = PixelLink()
    targets = method.targets(np.array(quads), np.zeros(len(quads), np.bool_), size)
    lines = method.decode(method.maps_of(targets)).quads
    return lines[np.lexsort((lines[:, 0, 0], np.round(lines[:, 0, 1])))]


def test_the_second_four_neighbors_are_the_way_back() -> None:
    assert [(-down, -right) for down, right in NEIGHBORS[:4]] == list(NEIGHBORS[4:])
    assert len(set(NEIGHBORS)) == 8


@pytest.mark.parametrize("gap", [0, 1, 2, 3, 4, 6])
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_rows_that_touch_stay_two_lines(gap: int, offset: int) -> None:
    upper, lower = box(20, 40 + offset, 250, 24), box(20, 64 + offset + gap, 250, 24)
    lines = found(upper, lower)
    assert len(lines) == 2
    # What lies in the cells where they meet is not known.
    np.testing.assert_allclose(lines, [upper, lower], atol=4.5)


def test_lines_beside_each_other_stay_two() -> None:
    assert len(found(box(20, 40, 100, 24), box(122, 40, 100, 24))) == 2


def test_lines_that_overlap_stay_two() -> None:
    assert len(found(box(20, 40, 250, 24), box(20, 60, 250, 24))) == 2


def test_a_link_of_one_cell_alone_joins_nothing() -> None:
    method, quads = PixelLink(), np.stack([box(20, 40, 100, 24), box(20, 64, 100, 24)])
    maps = method.maps_of(method.targets(quads, np.zeros(2, np.bool_), SIZE))
    maps["text"][:] = np.maximum(maps["text"], 0.9 * (np.arange(64)[:, None] == 16))
    down = NEIGHBORS.index((1, 0))
    maps["links"][15:17, :, down] = 0.9
    assert len(method.decode(maps).quads) >= 2
    maps["links"][15:18, :, down + 4] = 0.9
    assert len(method.decode(maps).quads) == 1


def test_lines_weigh_the_same() -> None:
    quads = np.stack([box(20, 40, 40, 24), box(20, 100, 280, 40)])
    targets = PixelLink().targets(quads, np.zeros(2, np.bool_), SIZE)
    upper, lower = targets["weight"][:20].sum(), targets["weight"][20:].sum()
    assert upper == pytest.approx(lower, rel=1e-5)
    assert upper + lower == pytest.approx((targets["weight"] > 0).sum(), rel=1e-5)


def test_links_that_lead_out_of_the_picture_or_to_the_unknown_do_not_count() -> None:
    quads = np.stack([box(0, 0, 320, 24), box(0, 24, 320, 24)])
    links = PixelLink().targets(quads, np.array([False, True]), SIZE)["links"]
    up, down = NEIGHBORS.index((-1, 0)), NEIGHBORS.index((1, 0))
    assert (links[0, :, up] == -1).all()
    assert (links[:5, :, down] == 1).all() and (links[5, :, down] == -1).all()
    assert (links[6:] == -1).all()


def test_low_lines_are_neither_text_nor_background() -> None:
    targets = PixelLink().targets(box(20, 40, 100, 7)[None], np.zeros(1, np.bool_), SIZE)
    assert not targets["text"].any() and not targets["known"][10, 5:30].any()


@pytest.mark.torch
@pytest.mark.parametrize("ignored", [True, False])
def test_crops_without_lines_have_finite_losses(ignored: bool) -> None:
    torch = pytest.importorskip("torch")
    from detection.pixellink_torch import losses

    quads = box(20, 40, 100, 24)[None] if ignored else np.zeros((0, 4, 2), np.float32)
    targets = PixelLink().targets(quads, np.ones(len(quads), np.bool_), SIZE)
    batch = {name: torch.from_numpy(value)[None] for name, value in targets.items()}
    text, links = torch.zeros((1, 64, 80)), torch.zeros((1, 64, 80, 8))
    text.requires_grad_()
    parts = losses({"text": text, "links": links}, batch)
    assert parts["links"] == 0 and parts["text"] > 0
    parts["text"].backward()
    gradient = text.grad[0].numpy()
    assert np.isfinite(gradient).all() and gradient.any()
    assert not gradient[~targets["known"]].any()
