"""Tell where a picture may hold print too small for a pass over all of it: many strokes close together on plain ground.

A detector looks at a large picture at the scale that its lettering needs. Print a tenth as high is a grey smear there.
At half the picture's own size, several strokes cross a cell of it, and what is between them is the ground, of one grey.
A drawing has too few lines in a cell; leaves and bricks have no plain ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Quads
from common.settings import StepSettings, setting
from detection.windows import Window, apart, grown, parts

Grey: TypeAlias = NDArray[np.uint8]
"""(H, W)."""

CELL = 8
"""Side of a cell in pixels of the picture at half its size, a power of two."""

Cells: TypeAlias = NDArray[np.bool_]
"""(R, C), one for each square of `CELL` pixels."""


@dataclass(frozen=True)
class SmallPrint(StepSettings):
    """Print too small for a pass over the whole picture gets passes of its own, where it may be."""

    min_side: int = setting(
        2000, "Long side in pixels from which it is searched for: all of less is seen anyway", 1
    )
    max_side: int = setting(
        4300, "The same of the picture at half its size, a quarter and so on, for larger print", 1
    )
    min_contrast: int = setting(40, "Levels between its lightest and darkest pixel", 1, 255)
    min_strokes: float = setting(
        2.5, "Edges across a cell of print, both ways together: a rule through it has 2", 0
    )
    min_ground: float = setting(
        0.35, "Share of a cell of print that has the ground's grey: leaves have less", 0, 1
    )
    ground_width: float = setting(
        0.2, "Difference up to which a pixel has the ground's grey, by the contrast", 0, 1
    )
    min_ink: int = setting(4, "Pixels of a letter at half the picture's size at least", 1)
    max_letter: int = setting(40, "Height of one there at most; two that touch are as wide", 1)
    seen_letter: float = setting(
        6.0, "Height of one from which a pass over the whole picture shows it well enough", 0
    )
    max_shape: float = setting(8.0, "Longer side of one by its shorter one at most", 1)
    min_cells: int = setting(3, "Cells of the least text", 1)
    reach: int = setting(4, "Cells between two texts up to which they share a window", 0)
    margin: int = setting(64, "Pixels by which a window is larger than its cells", 0)
    edge: int = setting(3, "Pixels from its edge at which a line may go on beyond it", 0)
    growths: int = setting(2, "Times that it is enlarged for these; each costs a detection", 0)
    max_window: int = setting(
        16_000_000, "Pixels of a window, which bounds memory; a larger one is divided", 65536
    )
    patience: int = setting(
        8, "Windows, the fullest first, after which no more are looked at if none has text", 1
    )
    line_margin: float = setting(
        0.3, "Share of its height around a line whose strokes are known to be its own", 0
    )
    max_covered: float = setting(
        0.5, "Share of a line inside another up to which they are two", 0, 1
    )


class _Ground(NamedTuple):
    """What is behind the strokes of each cell (R, C)."""

    grey: Grey
    contrast: Grey
    """Between the lightest and the darkest pixel of the cell and its neighbours."""


def find_windows(half: Grey, known: Quads, settings: SmallPrint, seen: float = 0.0) -> list[Window]:
    """Find parts of a picture that may hold small print, the fullest first.

    Args:
        half: the picture (H, W), averaged to half its size. What is beyond its last whole cell is left out.
        known: (M, 4, 2) lines that were found already, in pixels of that.
        settings: of this search.
        seen: the size, by that of `half`, at which the whole was looked at; 0 where it was not.

    Returns:
        Windows in pixels of the picture at its full size; they do not overlap, unless they are parts of a larger one.
    """
    rows, columns = half.shape[0] // CELL, half.shape[1] // CELL
    if not rows or not columns:
        return []
    size, half = (2 * half.shape[0], 2 * half.shape[1]), half[: rows * CELL, : columns * CELL]
    ground = _ground(half)
    found = _clusters(_print_cells(half, known, ground, settings), settings)
    letters = np.zeros((rows, columns), np.bool_)
    most = min(float(settings.max_letter), settings.seen_letter / max(seen, 1e-6))
    for window in found:
        around = grown(window, 1, (rows, columns))
        _mark_letters(letters, half, around, ground, settings, most)
    found = _clusters(letters, settings)
    counts = [int(letters[y0:y1, x0:x1].sum()) for x0, y0, x1, y1 in found]
    windows = [
        grown(Window(*(2 * CELL * edge for edge in window)), settings.margin, size)
        for window in found
    ]
    return [
        part
        for window in apart(windows, counts)
        for part in parts(window, settings.max_window, settings.margin)
    ]


def _clusters(cells: Cells, settings: SmallPrint) -> list[Window]:
    """Cells near each other, as boxes in cells."""
    near = np.ones((3, 2 * settings.reach + 1), np.uint8)
    _, labels = cv2.connectedComponents(cv2.dilate(cells.view(np.uint8), near))
    rows, columns = np.nonzero(cells)
    of_cells, found = labels[rows, columns], []
    for label in np.unique(of_cells):
        x, y = columns[of_cells == label], rows[of_cells == label]
        if len(x) >= settings.min_cells:
            found.append(Window(int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1))
    return found


def _ground(half: Grey) -> _Ground:
    """Tell the ground of each cell: what there is more of, so the mean is closer to it."""
    around = np.ones((3, 3), np.uint8)
    low = cv2.erode(_reduced(np.minimum, half, CELL), around)
    high = cv2.dilate(_reduced(np.maximum, half, CELL), around)
    mean = cv2.blur(_means(half), (3, 3))
    grey = np.where(mean - low > high - mean, high, low).astype(np.uint8)
    return _Ground(grey, np.asarray(high - low, np.uint8))


def _print_cells(half: Grey, known: Quads, ground: _Ground, settings: SmallPrint) -> Cells:
    """Tell which cells have enough strokes on enough plain ground."""
    grey, contrast = ground
    width = (settings.ground_width * contrast).astype(np.uint8)
    low, high = grey - np.minimum(grey, width), grey + np.minimum(255 - grey, width)
    plain = _means(_between(half, low, high))
    edges = _means(_edges(half, known, settings.line_margin)) * (4 * CELL)
    # Small text that lies across four cells fills none of them: any square of two by two counts.
    return np.asarray(
        (contrast >= settings.min_contrast)
        & (_squares(edges) >= settings.min_strokes * contrast)
        & (_squares(plain) >= settings.min_ground)
    )


def _mark_letters(
    letters: Cells,
    half: Grey,
    cells: Window,
    ground: _Ground,
    settings: SmallPrint,
    most: float,
) -> None:
    """Mark the cells of a window where pieces of ink have the size of letters: those of drawings are larger."""
    part = np.s_[cells.y0 : cells.y1, cells.x0 : cells.x1]
    size = (CELL * (cells.x1 - cells.x0), CELL * (cells.y1 - cells.y0))
    grey, contrast = (
        cv2.resize(each[part], size, interpolation=cv2.INTER_NEAREST) for each in ground
    )
    pixels = half[CELL * cells.y0 : CELL * cells.y1, CELL * cells.x0 : CELL * cells.x1]
    ink = np.asarray(cv2.absdiff(pixels, grey), np.uint8) > contrast // 2
    count, _, pieces, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8))
    for x, y, width, height, area in pieces[1:count].tolist():
        if (
            area >= settings.min_ink
            and height <= most
            and width <= 2 * most
            and max(width, height) <= settings.max_shape * min(width, height)
        ):
            middle = cells.y0 + (2 * y + height) // (2 * CELL)
            letters[middle, cells.x0 + x // CELL : cells.x0 + (x + width - 1) // CELL + 1] = True


def _squares(cells: Floats) -> Floats:
    """The mean of each cell and those right of and below it."""
    return np.asarray(cv2.blur(cells, (2, 2), anchor=(0, 0)), np.float32)


def _edges(half: Grey, known: Quads, margin: float) -> Grey:
    """Half of the steps from pixel to pixel, both ways together, (H, W); none on the known lines."""
    edges = np.zeros_like(half)
    edges[:, 1:] = np.asarray(cv2.absdiff(half[:, 1:], half[:, :-1]), np.uint8) >> 1
    edges[1:] += np.asarray(cv2.absdiff(half[1:], half[:-1]), np.uint8) >> 1
    if len(known):
        cv2.fillPoly(edges, list(_enlarged(known, margin).round().astype(np.int32)), 0)
    return edges


def _enlarged(quads: Quads, margin: float) -> Quads:
    """Quads (M, 4, 2) with a margin on all sides, as a share of the shorter one."""
    right, down = quads[:, 1] - quads[:, 0], quads[:, 3] - quads[:, 0]
    width, height = (np.linalg.norm(v, axis=1, keepdims=True) for v in (right, down))
    grow = margin * np.minimum(width, height)
    right, down = (v * grow / np.maximum(n, 1e-6) for v, n in ((right, width), (down, height)))
    corners = np.stack([-right - down, right - down, right + down, down - right], axis=1)
    return np.asarray(quads + corners, np.float32)


def _reduced(reduce: np.ufunc, picture: Grey, side: int, dtype: type | None = None) -> NDArray[Any]:
    """Each cell's pixels put together; a power of two is the side of a cell."""
    done = reduce.reduce(picture.reshape(-1, side, picture.shape[1]), axis=1, dtype=dtype)
    # Twice as fast as along short rows.
    while side > 1:
        done, side = reduce(done[:, ::2], done[:, 1::2]), side // 2
    return np.asarray(done)


def _means(picture: Grey) -> Floats:
    """The mean of each cell."""
    return np.asarray(_reduced(np.add, picture, CELL, np.uint16) / np.float32(CELL * CELL))


def _between(picture: Grey, low: Grey, high: Grey) -> Grey:
    """1 where a pixel is between two values of its cell."""
    side = picture.shape[0] // low.shape[0]
    by_rows = picture.reshape(-1, side, picture.shape[1])
    low, high = (each.repeat(side, axis=1)[:, None] for each in (low, high))
    return ((by_rows >= low) & (by_rows <= high)).view(np.uint8).reshape(picture.shape)
