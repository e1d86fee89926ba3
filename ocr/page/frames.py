"""Part lines at the frames around values: what stands in a frame is a cell, and what stands beside it is another.

Name plates, panels and forms show a value in a frame beside its name and its unit. A detector of fine-scale proposals
runs over the frame's sides, and a recognizer reads them as brackets. Where a picture shows whole grids,
`ocr.page.tables` reads these cell by cell.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image, Quads
from common.quads import enlarged, is_column, piece, quad_size
from ocr.page.grids import Mask, find_ink
from ocr.settings import Settings
from ocr.sheet import Models, Sheet
from ocr.table_settings import Frames


def apply(sheet: Sheet, models: Models, settings: Settings) -> Sheet:
    """Part the lines of a page where frames begin, and cut lines out of a picture without these frames."""
    own = settings.frames
    rows, columns = sheet.image.shape[:2]
    if (
        sheet.single_line
        or sheet.readings
        or not len(sheet.quads)
        or rows * columns > own.max_pixels
    ):
        return sheet
    ink = find_ink(sheet.image, settings.tables)
    found = frames(ink, own)
    quads, numbers, crossed = [], [], set()
    for number, quad in enumerate(sheet.quads):
        around = frames_around(quad, found, own)
        crossed |= set(around)
        for start, stop in pieces(quad, found[around], own):
            quads.append(piece(quad, start, stop))
            numbers.append(number)
    if not crossed:
        return sheet
    return sheet.having(
        quads=np.asarray(quads, np.float32).reshape(-1, 4, 2),
        scores=sheet.scores[numbers],
        unframed=without(sheet.image, ink, found[sorted(crossed)], own),
    )


def frames(ink: Mask, settings: Frames) -> Quads:
    """Return the insides of the frames of a picture, (M, 4, 2), from the upper left corner clockwise."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - ink, connectivity=4)
    left, top, width, height, area = stats.T
    rows, columns = ink.shape
    # Most of what noise encloses goes here, without a look at each.
    large = (np.minimum(width, height) >= settings.min_height) & (
        area >= settings.min_ground * width * height
    )
    inside = (left > 0) & (top > 0) & (left + width < columns) & (top + height < rows)
    found = []
    inside[0] = False  # ink
    for number in np.flatnonzero(large & inside).tolist():
        x, y, wide, high = stats[number, :4].tolist()
        own = (labels[y : y + high, x : x + wide] == number).astype(np.uint8)
        (contour, *_), _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        box = cv2.minAreaRect(contour)
        short, long = sorted(box[1])
        full = cv2.contourArea(contour) >= settings.min_fill * short * long
        if full and short >= settings.min_height and long >= settings.min_ratio * short:
            corners = np.asarray(cv2.boxPoints(box), np.float32) + np.array([x, y], np.float32)
            if _inked(own, contour) >= settings.min_ink:
                found.append(_from_upper_left(corners))
    return np.array(found, np.float32).reshape(-1, 4, 2)


def _inked(own: Mask, contour: NDArray[Any]) -> float:
    """Return the share of a frame's inside that is not its ground."""
    filled = cv2.drawContours(np.zeros_like(own), [contour], 0, 1, cv2.FILLED)
    return 1.0 - int(np.count_nonzero(own)) / int(np.count_nonzero(filled))


def _from_upper_left(corners: Floats) -> Floats:
    first = int(corners.sum(axis=1).argmin())
    return np.asarray(np.roll(corners, -first, axis=0), np.float32)


def frames_around(quad: Floats, found: Quads, settings: Frames) -> list[int]:
    """Number the frames of one line's height that stand on the axis of a line (4, 2)."""
    height, width = quad_size(quad)
    if is_column(height, width):
        return []
    start, right = _axis(quad)
    length = max(float(np.linalg.norm(right)), 1e-6)
    chosen = []
    for number, frame in enumerate(found):
        high, long = quad_size(frame)
        if long < high or not (
            settings.min_in_line * height <= high <= settings.max_in_line * height
        ):
            continue
        x, y = frame.mean(axis=0) - start
        aside = abs(float(x * right[1] - y * right[0])) / length
        left, end = (
            (frame[side].mean(axis=0) - start) @ right / length for side in ([0, 3], [1, 2])
        )
        shared = min(float(end), length) - max(float(left), 0.0)
        if aside <= settings.max_aside * height and shared >= settings.min_piece * height:
            chosen.append(number)
    return chosen


def pieces(quad: Floats, around: Quads, settings: Frames) -> list[tuple[float, float]]:
    """Return the parts of a line (4, 2) in shares of its length: each frame begins one, and its unit stays with it."""
    height, _ = quad_size(quad)
    start, right = _axis(quad)
    length = max(float(np.linalg.norm(right)), 1e-6)
    least = settings.min_piece * height / length
    lefts = [float((frame[[0, 3]].mean(axis=0) - start) @ right) / length**2 for frame in around]
    edges = [0.0, *sorted(left for left in lefts if least < left < 1 - least), 1.0]
    return [(low, high) for low, high in pairwise(edges) if high - low >= least] or [(0.0, 1.0)]


def without(image: Image, ink: Mask, found: Quads, settings: Frames) -> Image:
    """Return a picture without frames, whose insides (M, 4, 2) are given: their ground is put in their place."""
    bare = image.copy()
    for frame in found:
        high, _ = quad_size(frame)
        outer = enlarged(frame, settings.max_stroke)
        low = np.maximum(np.floor(outer.min(axis=0)).astype(int) - 2, 0)
        end = np.ceil(outer.max(axis=0)).astype(int) + 3
        part = np.s_[low[1] : end[1], low[0] : end[0]]
        inner, band = np.zeros(ink[part].shape, np.uint8), np.zeros(ink[part].shape, np.uint8)
        cv2.fillConvexPoly(band, np.rint(outer - low).astype(np.int32), 1)
        cv2.fillConvexPoly(inner, np.rint(enlarged(frame, -1.5 / high) - low).astype(np.int32), 1)
        band &= 1 - inner
        stroke = np.asarray(cv2.dilate(ink[part], np.ones((3, 3), np.uint8)), np.uint8) & band
        # Letters of the lines around may reach into the band: what begins at the inside is the frame.
        _, labels = cv2.connectedComponents(stroke)
        own = np.unique(labels[cv2.dilate(inner, np.ones((5, 5), np.uint8)) > inner])
        stroke &= np.isin(labels, own).astype(np.uint8)
        bare[part] = cv2.inpaint(bare[part], stroke, 2, cv2.INPAINT_TELEA)
    return bare


def _axis(quad: Floats) -> tuple[Floats, Floats]:
    """Return the middle of a line's first side, and what leads from there to that of its last."""
    start = (quad[0] + quad[3]) / 2
    return start, (quad[1] + quad[2]) / 2 - start
