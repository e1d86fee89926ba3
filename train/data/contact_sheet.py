"""Lay out pictures side by side with their quads drawn."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from common.arrays import Image
from train.data.samples import PageSample

SHEET_COLUMNS = 6


SHEET_CELL = 420


def drawn(sample: PageSample) -> Image:
    """A copy of a page with its quads in red, ignored ones in magenta, a dot at the first corner."""
    image = sample.image.copy()
    for line in sample.lines:
        corners = np.rint(line.quad).astype(np.int32)
        cv2.polylines(image, [corners], True, (255, 0, 255) if line.ignore else (255, 0, 0), 1)
        cv2.circle(image, corners[0].tolist(), 2, (0, 160, 0), -1)
    return image


def contact_sheet(images: Sequence[Image]) -> Image:
    """Pictures reduced to cells of one size, in rows of six; lines are stacked."""
    if max(image.shape[0] for image in images) < SHEET_CELL / 3:
        width = max(image.shape[1] for image in images)
        rows = [_on_gray(image, image.shape[0] + 4, width) for image in images]
        return np.vstack(rows)
    cells = [_on_gray(_reduced(image), SHEET_CELL, SHEET_CELL) for image in images]
    cells += [_on_gray(cells[0][:1, :1], SHEET_CELL, SHEET_CELL)] * (-len(cells) % SHEET_COLUMNS)
    rows = [np.hstack(cells[i : i + SHEET_COLUMNS]) for i in range(0, len(cells), SHEET_COLUMNS)]
    return np.vstack(rows)


def _reduced(image: Image) -> Image:
    factor = min(1.0, SHEET_CELL / max(image.shape[:2]))
    size = (max(1, int(image.shape[1] * factor)), max(1, int(image.shape[0] * factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _on_gray(image: Image, height: int, width: int) -> Image:
    cell = np.full((height, width, 3), 128, np.uint8)
    cell[: image.shape[0], : image.shape[1]] = image
    return cell
