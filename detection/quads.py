"""Convert quads of text to blobs and back: distances to their edges, moving the edges, the order of the corners."""

from __future__ import annotations

import cv2
import numpy as np

from common.arrays import Floats, Quads
from common.quads import VERTICAL_RATIO
from detection.method import Lines

SAMPLE = 16
"""Pixels of a line's length for each of `Lines.heights`."""

COLUMN_DEGREES = 25.0
"""A long quad at most this far from upright is a column: its text runs down, its first edge is the upper short one."""


def clockwise(quads: Quads) -> Quads:
    """Return quads (M, 4, 2) whose corners run clockwise, the first ones kept."""
    x, y = quads[..., 0], quads[..., 1]
    ahead = np.roll(np.arange(4), -1)
    area = (x * y[:, ahead] - x[:, ahead] * y).sum(axis=1)
    return np.where((area < 0)[:, None, None], quads[:, [0, 3, 2, 1]], quads).astype(np.float32)


def inside_distance(quad: Floats, points: Floats) -> Floats:
    """Return how far points (..., 2) lie inside a convex quad (4, 2), clockwise: negative outside.

    It is the distance to the nearest of the four straight lines through the edges, or beyond the farthest.
    """
    edge = np.roll(quad, -1, axis=0) - quad
    length = np.maximum(np.linalg.norm(edge, axis=1), 1e-6)
    normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1) / length[:, None]  # to the inside
    distance: Floats = ((points[..., None, :] - quad) * normal).sum(-1).min(-1)
    return distance.astype(np.float32)


def short_side(quads: Quads) -> Floats:
    """Return the smaller of a quad's height and width, each the mean of two opposite sides, (M,)."""
    side = np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2)
    means = np.stack([side[:, 0] + side[:, 2], side[:, 1] + side[:, 3]]) / 2
    return np.asarray(means.min(axis=0), np.float32)


def corners(boxes: Floats) -> Quads:
    """Return rotated boxes as quads (K, 4, 2), clockwise, the first edge along the length.

    Args:
        boxes: (K, 6) center, unit vector along the length, length and height.
    """
    middle, along = boxes[:, :2], boxes[:, 2:4]
    half = along * boxes[:, 4:5] / 2
    tall = np.stack([-along[:, 1], along[:, 0]], axis=1) * boxes[:, 5:6] / 2
    quads = np.stack([-half - tall, half - tall, half + tall, -half + tall], axis=1)
    return np.asarray(middle[:, None] + quads, np.float32)


def rectangles(centers: Floats, directions: Floats, lengths: Floats, heights: Floats) -> Quads:
    """Return rectangles (M, 4, 2) in the order that text is read in.

    The first edge is a long one that points to the right, so that a line turned by up to 90 degrees begins where its
    text does. Of a column it is the upper short edge; of what is about square, the edge that points most to the right.

    Args:
        centers: (M, 2).
        directions: (M, 2) unit vectors along the sides of the length.
        lengths: (M,).
        heights: (M,), across.
    """
    along = np.where(directions[:, :1] < 0, -directions, directions)
    ratio = lengths / np.maximum(heights, 1e-6)
    steep = np.abs(along[:, 1]) > np.cos(np.deg2rad(COLUMN_DEGREES))
    stands = np.where(ratio >= VERTICAL_RATIO, steep, np.abs(along[:, 1]) > np.abs(along[:, 0]))
    quads = corners(np.column_stack([centers, along, lengths, heights]))
    # Of a column that leans to either side, the corner that comes first is the upper left one.
    shift = np.where(along[:, 1] > 0, 3, 1)
    order = (np.arange(4)[None] + np.where(stands, shift, 0)[:, None]) % 4
    return np.take_along_axis(quads, order[:, :, None], axis=1)


def least_rectangle(points: Floats) -> tuple[Floats, Floats, float, float]:
    """Fit the rectangle of least area around points (K, 2), whatever way their corners run.

    Returns:
        Center (2,), unit vector (2,) along the length, length and height; the length is not the lesser of the two.
    """
    corners = cv2.boxPoints(cv2.minAreaRect(np.asarray(points, np.float32)))
    edges = np.diff(corners[:3], axis=0)
    sides = np.linalg.norm(edges, axis=1)
    long = int(np.argmax(sides))
    direction = edges[long] / sides[long] if sides[long] else np.array([1.0, 0.0])
    center, along = (np.asarray(value, np.float32) for value in (corners.mean(axis=0), direction))
    return center, along, float(sides[long]), float(sides[1 - long])


def lines_of(rows: Floats, min_height: float) -> Lines:
    """Return lines for rectangles, without those that are too low.

    Args:
        rows: (M, 7) center, unit vector along the length, length, height and score.
        min_height: pixels.
    """
    rows = rows[rows[:, 5] >= min_height]
    lengths, heights = rows[:, 4], rows[:, 5]
    quads = rectangles(rows[:, :2], rows[:, 2:4], lengths, heights)
    samples = np.maximum(np.round(lengths / SAMPLE), 1).astype(np.intp)
    return Lines(quads, rows[:, 6], np.repeat(heights, samples))
