"""Map a rectified line's pixels to their source: affine maps and thin-plate splines, as sums of fixed fields.

A place on a line is (u, v), each from -1 to 1: from its left to its right end, from its top to its bottom. A field
moves such places by (dx, dy) in half heights of the line, so that a move is as long in both directions however long the
line. 0 everywhere leaves the line as it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

ROWS, COLUMNS = 9, 33
"""Nodes of the mesh on which fields are given; between them they are interpolated."""

ALONG = 10
"""Control points along the top of a line, and as many along its bottom (Shi et al. 2016, "RARE", section 3.1)."""


class Warp(NamedTuple):
    """What the parameters of a warp stand for.

    Attributes:
        fields: (K, ROWS, COLUMNS) float64: what one parameter moves, in either direction.
        bounds: (K, 2) float64: half heights by which it moves at most along x and y.
    """

    fields: Doubles
    bounds: Doubles


def mesh() -> Doubles:
    """Return the places (ROWS * COLUMNS, 2) of the mesh's nodes, row by row."""
    v, u = np.meshgrid(np.linspace(-1, 1, ROWS), np.linspace(-1, 1, COLUMNS), indexing="ij")
    return np.stack([u.ravel(), v.ravel()], 1)


def affine() -> Warp:
    """Return the six parameters of an affine map (Jaderberg et al. 2015, section 3.2), each bounded.

    Along u, a line may rise or fall by .8 of its half height at either end: a turn of 39 degrees if it is as long as it
    is high. Along v, it may be a half higher or lower, and sheared as much; and it may be moved by .4.
    """
    u, v = mesh().T
    fields = np.stack([u, v, np.ones_like(u)]).reshape(3, ROWS, COLUMNS)
    return Warp(fields, np.array([[0.4, 0.8], [0.5, 0.5], [0.4, 0.4]]))


def control_points() -> Doubles:
    """Return where the control points of a rectified line are, (2 * ALONG, 2): along its top, then its bottom."""
    u = np.linspace(-1, 1, ALONG)
    return np.stack([np.tile(u, 2), np.repeat([-1.0, 1.0], ALONG)], 1)


def thin_plate() -> Warp:
    """Return a thin-plate spline through what moves each of the `control_points`.

    A point may move along the line by .6 and up or down by 1.2 half heights.
    """
    points = control_points()
    fields = _radial(mesh(), points) @ _solver(points)
    bounds = np.tile([0.6, 1.2], (len(points), 1))
    return Warp(fields.T.reshape(-1, ROWS, COLUMNS), bounds)


def _radial(places: Doubles, points: Doubles) -> Doubles:
    """Return r^2 log r from each place to each point, then 1, u, v: (P, K + 3)."""
    square = ((places[:, None] - points[None]) ** 2).sum(2)
    radial = 0.5 * square * np.log(np.where(square > 0, square, 1.0))
    return np.concatenate([radial, np.ones((len(places), 1)), places], 1)


def _solver(points: Doubles) -> Doubles:
    """Return the matrix (K + 3, K) from what the spline is at its points to its coefficients."""
    count = len(points)
    system = np.zeros((count + 3, count + 3))
    system[:count] = _radial(points, points)
    system[count:, :count] = system[:count, count:].T
    return np.asarray(np.linalg.inv(system)[:, :count], np.float64)
