"""Columns of text: found as columns, each quad starting at its upper left corner."""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Floats
from ctpn import Detector
from ctpn.targets import assign


def perfect(images: Floats) -> tuple[Floats, ...]:
    """Answer with the true targets of every dark bar of a normalized picture."""
    mask = (images[0, 0] < 0).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    x, y, w, h = stats[1:count, :4].astype(np.float32).T
    quads = np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=1).reshape(-1, 4, 2)
    size = (images.shape[2], images.shape[3])
    targets = assign(quads, np.zeros(len(quads), np.bool_), size)
    scores = (targets.labels == 1).astype(np.float32)
    return scores[None], targets.deltas[None], targets.sides[None]


def page(boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    image = np.full((900, 600, 3), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = 20
    return image


def test_no_columns() -> None:
    quads, scores = Detector(perfect, vertical=True)(page([]))
    assert quads.shape == (0, 4, 2) and scores.shape == (0,)


def test_columns_close_to_each_other_stay_columns() -> None:
    boxes = [(100, 80, 124, 700), (136, 80, 160, 500), (400, 300, 424, 860)]
    image = page(boxes)
    quads, _ = Detector(perfect, vertical=True)(image)
    assert len(quads) == 3
    quads = quads[np.argsort(quads[:, 0, 0])]
    for quad, (x0, y0, x1, y1) in zip(quads, boxes, strict=True):
        corners = np.array(
            [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
        )  # from the upper left, clockwise
        np.testing.assert_allclose(quad, corners, atol=5)


def test_rows_are_what_is_found_otherwise() -> None:
    image = np.ascontiguousarray(np.rot90(page([(100, 80, 124, 700), (136, 80, 160, 500)])))
    across, _ = Detector(perfect)(image)
    assert len(across) == 2
    sizes = across.max(axis=1) - across.min(axis=1)
    assert (sizes[:, 0] > sizes[:, 1]).all()
