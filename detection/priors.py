"""Place priors (default boxes) at every cell of four levels, and match them to the parts of lines.

Liu et al. 2016, "SSD". What is matched is not always a whole line: Chinese lines are up to 40 times as long as high,
and no prior is. A prior tells the part of a line that is around its own middle, `Reach.of` heights long; shorter lines
are their own only part. The parts of a line overlap, and its first and last end with it, so that `detection.parts`
joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Quads
from detection.cells import cells_around, centers
from detection.method import Bools
from detection.overlap import middles
from detection.quads import inside_distance

LEVELS = (8, 16, 32, 64)
"""Pixels of a cell of each level."""

SIZE = 1.5
"""Sides of a level's unit, in its cells: text of 12 to 96 px at the four levels, and by a factor of 1.5 around them."""

POSITIVE = 0.5
"""Overlap with the part of a line from which a prior tells it."""

NEGATIVE = 0.4
"""Overlap with every line's part below which a prior is background; between the two is unknown."""

LEAST = 0.15
"""Overlap that the best prior of a line has at least: other lines are too small or too large, and unknown."""

STATIONS = 4
"""Parts in a part's length of which each has a prior of its own, however small the overlap."""

Overlaps = Callable[[Quads, Quads], Floats]
"""Overlap (M,) of parts of lines (M, 4, 2), clockwise, with the windows (M, 4, 2) of priors."""


class Priors(NamedTuple):
    """The shapes at one cell."""

    windows: Quads
    """(A, 4, 2) around the cell's middle, clockwise, in the level's unit."""
    shifts: Floats
    """(A, 2) of the middle, in cells."""

    def at(self, points: Floats, kinds: NDArray[np.intp], level: int) -> Quads:
        """Return windows (M, 4, 2) in pixels, of some kinds (M,) at the middles of cells (M, 2)."""
        middles = points + self.shifts[kinds] * level
        return (middles[:, None] + self.windows[kinds] * (SIZE * level)).astype(np.float32)


def twice(windows: Quads, along: Floats) -> Priors:
    """Have each window twice, a quarter of a cell to either side (Liao et al. 2017: again half a cell lower).

    Args:
        windows: (A, 4, 2).
        along: (2,) or (A, 2) direction of the shift, in cells; 1 is from the one to the other a whole cell.
    """
    shift = np.broadcast_to(np.asarray(along, np.float32) / 2, (len(windows), 2))
    return Priors(np.concatenate([windows, windows]), np.concatenate([-shift, shift]))


def together(*priors: Priors) -> Priors:
    """Return all of several."""
    windows, shifts = zip(*priors, strict=True)
    return Priors(np.concatenate(windows), np.concatenate(shifts))


def rectangles_at(sizes: list[tuple[float, float]], degrees: float = 0.0) -> Quads:
    """Return rectangles (A, 4, 2) around zero, by (width, height), turned clockwise."""
    half = np.array(sizes, np.float32)[:, None] / 2
    corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray(corners @ matrix, np.float32)


class Reach(NamedTuple):
    """How long the part of a line is that a prior tells, in heights of the line."""

    most: float
    """Of a line along an axis."""
    rise: float
    """How far a part of a slanted line leaves the axis nearer to it: the more, the more of its hull is not it."""
    least: float
    """However slanted."""

    def of(self, along: Floats) -> float:
        """Return the length for a direction, a unit vector."""
        slant = float(np.abs(along).min())
        return float(np.clip(self.rise / max(slant, 1e-6), self.least, self.most))


@dataclass(frozen=True)
class VisibleLine:
    """A line of text as a prior sees it.

    Attributes:
        corners: (4, 2) clockwise; the first edge is the upper or right one, along the text's length.
        seen: pixels from the line's beginning, along its axis, to where the picture cuts it, twice.
    """

    corners: Floats
    seen: tuple[float, float]

    @classmethod
    def of(cls, corners: Floats, size: tuple[int, int]) -> VisibleLine | None:
        """Make one whose first edge is along its length; None where less than half a height is inside `size`."""
        start, end = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
        length = max(float(np.linalg.norm(end - start)), 1e-6)
        along, low, high = (end - start) / length, 0.0, length
        for at, step, side in zip(start.tolist(), along.tolist(), size[::-1], strict=True):
            if abs(step) < 1e-6:
                if not 0 <= at <= side:
                    return None
                continue
            cuts = sorted((-at / step, (side - at) / step))
            low, high = max(low, cuts[0]), min(high, cuts[1])
        line = cls(corners, (low, high))
        return line if high - low >= min(0.5 * line.height, length) else None

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """Middles (2,) of the short edges."""
        return (self.corners[0] + self.corners[3]) / 2, (self.corners[1] + self.corners[2]) / 2

    @property
    def length(self) -> float:
        """Pixels along the axis."""
        return max(float(np.linalg.norm(self.ends[1] - self.ends[0])), 1e-6)

    @property
    def along(self) -> Floats:
        """Unit vector of the axis."""
        start, end = self.ends
        return np.asarray((end - start) / self.length, np.float32)

    @property
    def height(self) -> float:
        """Pixels across the axis, of the middle."""
        across = np.array([-self.along[1], self.along[0]])
        sides = self.corners[3] - self.corners[0] + self.corners[2] - self.corners[1]
        return float(np.abs(sides @ across) / 2)

    def parts(self, low: NDArray[Any], high: NDArray[Any]) -> Quads:
        """Cut out parts (M, 4, 2) from so many pixels after the beginning, (M,), to so many."""
        first, last = (np.asarray(one / self.length)[:, None] for one in (low, high))
        top, bottom = self.corners[1] - self.corners[0], self.corners[2] - self.corners[3]
        cut = [
            self.corners[0] + first * top,
            self.corners[0] + last * top,
            self.corners[3] + last * bottom,
            self.corners[3] + first * bottom,
        ]
        return np.stack(cut, axis=1).astype(np.float32)


class Matches(NamedTuple):
    """What the priors of one picture tell, those of all levels behind each other, row by row."""

    labels: NDArray[np.int8]
    """(P,) 1 a part of a line, 0 background, -1 unknown."""
    parts: Quads
    """(P, 4, 2) where the label is 1."""


class _Candidates(NamedTuple):
    """Priors that may tell parts of one line."""

    numbers: NDArray[np.intp]
    parts: Quads
    overlaps: Floats
    stations: NDArray[np.intp]


def grid(priors: Priors, size: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Return the shapes (rows, columns, kinds) of the levels' priors in a picture of (height, width)."""
    return [(size[0] // level, size[1] // level, len(priors.windows)) for level in LEVELS]


def all_windows(priors: Priors, size: tuple[int, int]) -> Quads:
    """Return the windows (P, 4, 2) of all priors of a picture of (height, width)."""
    windows = []
    for level, (rows, cols, kinds) in zip(LEVELS, grid(priors, size), strict=True):
        points = centers((slice(0, rows), slice(0, cols)), level).reshape(-1, 2)
        each = np.tile(np.arange(kinds), len(points))
        windows.append(priors.at(np.repeat(points, kinds, axis=0), each, level))
    return np.concatenate(windows)


def match(
    quads: Quads,
    lines: list[VisibleLine | None],
    size: tuple[int, int],
    priors: Priors,
    reach: Reach,
    overlaps: Overlaps,
) -> Matches:
    """Tell for every prior of a picture whether it is of a line, and of which part (Liu et al. 2016, section 2.2).

    Args:
        quads: (L, 4, 2) clockwise.
        lines: the same as lines, None for those that are unknown.
        size: (height, width) of the picture.
        priors: at each cell.
        reach: of a prior.
        overlaps: of a part and a window; of shapes of the same middle none has more.
    """
    shapes = grid(priors, size)
    count = sum(rows * cols * kinds for rows, cols, kinds in shapes)
    best, parts = np.zeros(count, np.float32), np.zeros((count, 4, 2), np.float32)
    chosen, unknown = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for quad, line in zip(quads, lines, strict=True):
        found = None if line is None else _candidates(line, shapes, priors, reach, overlaps)
        if found is None:
            unknown[_inside(quad, shapes)] = True
            continue
        better = (found.overlaps > best[found.numbers]) & ~chosen[found.numbers]
        own = _one_each(found, ~chosen[found.numbers])
        for which in (better, own):
            best[found.numbers[which]] = found.overlaps[which]
            parts[found.numbers[which]] = found.parts[which]
        chosen[found.numbers[own]] = True
    labels = np.where(unknown | (best >= NEGATIVE), -1, 0).astype(np.int8)
    labels[chosen | (best >= POSITIVE)] = 1
    return Matches(labels, parts)


def _one_each(found: _Candidates, free: Bools) -> NDArray[np.intp]:
    """Choose the best prior of each station among those that are free."""
    places = np.flatnonzero(free)
    order = places[np.lexsort((-found.overlaps[places], found.stations[places]))]
    first = np.diff(found.stations[order], prepend=-1) > 0
    return order[first]


def _candidates(
    line: VisibleLine,
    shapes: list[tuple[int, int, int]],
    priors: Priors,
    reach: Reach,
    overlaps: Overlaps,
) -> _Candidates | None:
    """Return the priors that may tell parts of a line, None where no shape is like one."""
    low, high = line.seen
    part = min(reach.of(line.along) * line.height, high - low)
    middle = np.array([(low + high) / 2])
    (typical,) = line.parts(middle - part / 2, middle + part / 2)
    kinds = np.arange(len(priors.windows))
    center = np.broadcast_to(typical.mean(axis=0), (len(kinds), 2))
    same = np.broadcast_to(typical, (len(kinds), 4, 2))
    # Without their shifts: how much the shapes themselves have in common.
    likeness = [overlaps(same, Priors(priors.windows, 0 * priors.shifts).at(center, kinds, level))
                for level in LEVELS]  # fmt: skip
    most = max(float(one.max()) for one in likeness)
    if most < LEAST:
        return None
    found, offset = [], 0
    for level, shape, alike in zip(LEVELS, shapes, likeness, strict=True):
        some = np.flatnonzero(alike >= min(NEGATIVE, most))
        if len(some):
            found.append(_of_level(line, part, level, shape, offset, some, priors, overlaps))
        offset += int(np.prod(shape))
    return _Candidates(*(np.concatenate(one) for one in zip(*found, strict=True)))


def _of_level(
    line: VisibleLine,
    part: float,
    level: int,
    shape: tuple[int, int, int],
    offset: int,
    some: NDArray[np.intp],
    priors: Priors,
    overlaps: Overlaps,
) -> _Candidates:
    """Return some kinds of priors of a level around a line, whose parts are so many pixels long."""
    cells, points = _cells(line.corners, level, shape, level / 2)
    numbers = (offset + cells[:, None] * shape[2] + some).ravel()
    kinds = np.tile(some, len(points))
    windows = priors.at(np.repeat(points, len(some), axis=0), kinds, level)
    (start, _), (low, high) = line.ends, line.seen
    place = np.clip((middles(windows) - start) @ line.along, low + part / 2, high - part / 2)
    stations = np.ceil((place - low - part / 2) * STATIONS / part - 1e-3).astype(np.intp)
    stations[place >= high - part / 2] += 1  # the last part is one that ends with the line
    parts = line.parts(place - part / 2, place + part / 2)
    return _Candidates(numbers, parts, overlaps(parts, windows), stations)


def _cells(
    quad: Floats, level: int, shape: tuple[int, int, int], reach: float
) -> tuple[NDArray[np.intp], Floats]:
    """Return numbers (K,) and middles (K, 2) of a level's cells within `reach` pixels of the edges of a quad."""
    rows, cols, _ = shape
    place = cells_around(quad, reach, rows, cols, level)
    points = centers(place, level)
    numbers = np.arange(rows * cols).reshape(rows, cols)[place]
    near = inside_distance(quad, points) > -reach
    return numbers[near], points[near]


def _inside(quad: Floats, shapes: list[tuple[int, int, int]]) -> NDArray[np.intp]:
    """Return the numbers of all priors whose cells have their middles in a quad, or next to its edge."""
    found, offset = [], 0
    for level, shape in zip(LEVELS, shapes, strict=True):
        cells, _ = _cells(quad, level, shape, level / 2)
        found.append((offset + cells[:, None] * shape[2] + np.arange(shape[2])).ravel())
        offset += int(np.prod(shape))
    return np.concatenate(found)
