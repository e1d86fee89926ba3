"""Measure the overlap of many pairs at once: of boxes, of convex quads, exactly or by points drawn at random."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Floats, Quads

_Numbers: TypeAlias = NDArray[Any]
"""In double precision inside this module."""

_ON_EDGE = 1e-7
"""Pixels: nearer to a line than this is on it."""

_FLAT = 1e-9
"""Pixels by which the ends of what runs along a line differ in their distance from it at most: more, and they cross."""


def hulls(quads: Quads) -> Boxes:
    """Return the upright boxes (M, 4) around quads (M, 4, 2)."""
    # Corner by corner: reducing an axis of four takes several times as long.
    a, b, c, d = (quads[:, k] for k in range(4))
    low = np.minimum(np.minimum(a, b), np.minimum(c, d))
    high = np.maximum(np.maximum(a, b), np.maximum(c, d))
    return np.concatenate([low, high], axis=1)


def middles(quads: Quads) -> Floats:
    """Return the means (M, 2) of the corners of quads (M, 4, 2)."""
    return np.asarray((quads[:, 0] + quads[:, 1] + quads[:, 2] + quads[:, 3]) / 4, np.float32)


def areas(quads: _Numbers) -> Floats:
    """Return the areas (M,) of quads (M, 4, 2) that do not cross themselves."""
    first, second = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    return np.asarray(np.abs(_cross(first, second)) / 2)


def box_overlaps(boxes: Boxes, others: Boxes) -> Floats:
    """Return the IoU (M,) of boxes (M, 4), each with the one at its place among others."""
    low, high = np.maximum(boxes[:, :2], others[:, :2]), np.minimum(boxes[:, 2:], others[:, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[:, 0] * sides[:, 1]
    both = _box_areas(boxes) + _box_areas(others)
    return np.asarray(shared / np.maximum(both - shared, 1e-9), np.float32)


def quad_overlaps(quads: Quads, others: Quads) -> Floats:
    """Return the IoU (M,) of convex quads (M, 4, 2), clockwise, each with the one at its place among others.

    The border of what two quads share is made of the parts of each one's edges that lie in the other; its area is half
    the sum of the cross products along them (Green's theorem).
    """
    middle = middles(quads)[:, None].astype(np.float64)
    # Coordinates far from zero would cost the areas their digits.
    a, b = np.asarray(quads - middle), np.asarray(others - middle)
    border = _along_edges(a, b, shared=True) + _along_edges(b, a, shared=False)
    own, other = areas(a), areas(b)
    shared, both = np.clip(border, 0, np.minimum(own, other)), own + other
    return np.asarray(shared / np.maximum(both - shared, 1e-9), np.float32)


def sampled_overlaps(quads: Quads, others: Quads, points: Floats) -> Floats:
    """Return about what `quad_overlaps` does, by the share of points inside (Liu and Jin 2017, section 3.2).

    Args:
        quads: (M, 4, 2) convex, clockwise.
        others: (M, 4, 2) likewise.
        points: (P, 2) drawn evenly from 0 to 1: places in the upright box around each of `quads`. The error falls with
            the root of their number; a share of a half has one of .016 at 1 000.
    """
    low, size = quads.min(axis=1), np.ptp(quads, axis=1)
    places = low[:, None] + points[None] * size[:, None]
    own = _inside(quads, places)
    box = np.prod(size, axis=1)
    shared = (own & _inside(others, places)).mean(axis=1) * box
    both = own.mean(axis=1) * box + areas(others)
    return np.asarray(shared / np.maximum(both - shared, 1e-9), np.float32)


def _box_areas(boxes: Boxes) -> Floats:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _cross(a: _Numbers, b: _Numbers) -> _Numbers:
    product: _Numbers = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def _along_edges(quads: _Numbers, others: _Numbers, *, shared: bool) -> _Numbers:
    """Return half the sums (M,) of cross products along the parts of quads' edges that lie in others.

    Args:
        quads: (M, 4, 2).
        others: (M, 4, 2).
        shared: whether an edge that lies on the other's counts, where both quads are on the same side of it; it must
            count once.
    """
    ahead = [1, 2, 3, 0]
    start, way, edge = quads, quads[:, ahead] - quads, others[:, ahead] - others
    length = np.maximum(np.hypot(edge[..., 0], edge[..., 1]), 1e-9)[:, None]
    # (M, edges of the one, edges of the other): depth at the start, and how it changes along the edge.
    edge, way_there = edge[:, None], way[:, :, None]
    depth = _cross(edge, start[:, :, None] - others[:, None]) / length
    change = _cross(edge, way_there) / length
    flat = np.abs(change) <= _FLAT
    at = -depth / np.where(flat, 1.0, change)
    enter = np.where(change > 0, at, 0.0)
    leave = np.where(change < 0, at, 1.0)
    same = shared & ((edge * way_there).sum(-1) > 0)
    outside = flat & (depth < np.where(same, -_ON_EDGE, _ON_EDGE))
    enter = np.where(flat, 0.0, enter).max(axis=2).clip(0, 1)
    leave = np.where(flat, 1.0, leave).min(axis=2).clip(0, 1)
    part = np.where(outside.any(axis=2), 0.0, np.maximum(leave - enter, 0.0))
    # Along an edge the cross product of place and way does not change.
    return np.asarray((_cross(start, way) * part).sum(axis=1) / 2)


def _inside(quads: Quads, places: Floats) -> NDArray[np.bool_]:
    """Tell which places (M, P, 2) are inside convex quads (M, 4, 2), clockwise."""
    inside = np.ones(places.shape[:2], np.bool_)
    for k in range(4):
        edge = (quads[:, (k + 1) % 4] - quads[:, k])[:, None]
        inside &= _cross(edge, places - quads[:, k, None]) >= 0
    return inside
