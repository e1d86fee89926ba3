"""Make one quad of the many that stand for a line: locality-aware merging, suppression, joining along a line."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Quads
from common.quads import iou
from detection.links import components
from detection.quads import least_rectangle

SAME_DEGREES = 6.0
"""Between the directions of two parts of one line, at most."""

SAME_HEIGHT = 0.6
"""Ratio of their heights, at least."""

ASIDE = 0.35
"""Of the lesser height: how far the middle of one may lie off the axis of the other."""

ALIKE = 0.25
"""Of the lesser height: how far the corners of two quads of neighbouring cells differ at most to be averaged."""

ALONG = 0.5
"""Of the lesser height: how far they overlap along the line, at least."""


class Merged(NamedTuple):
    """Quads, each of several that were found."""

    quads: Quads
    """(M, 4, 2)."""
    weights: Floats
    """(M,) sums of their scores; the more was found, the surer the line."""
    counts: Floats
    """(M,) of how many."""


def average_alike(
    quads: Quads, scores: Floats, first: NDArray[np.intp], second: NDArray[np.intp]
) -> Merged:
    """Average quads of cells beside each other that hardly differ, weighted by their scores.

    What is left for `merge_neighbors` is some hundred times less, in the order of the first cells.

    Args:
        quads: (K, 4, 2), one for each cell.
        scores: (K,).
        first: (E,) numbers of cells.
        second: (E,) of their neighbours.
    """
    sides = np.linalg.norm(np.diff(quads[:, :3], axis=1), axis=2).min(axis=1)
    apart = np.abs(quads[first] - quads[second]).max(axis=(1, 2))
    alike = apart <= ALIKE * np.minimum(sides[first], sides[second])
    group = components(len(quads), first[alike], second[alike])
    count = int(group.max(initial=-1)) + 1
    weights = np.bincount(group, scores, count)
    corners = [np.bincount(group, one * scores, count) for one in quads.reshape(-1, 8).T]
    means = np.stack(corners, axis=1) / np.maximum(weights, 1e-9)[:, None]
    return Merged(
        means.reshape(-1, 4, 2).astype(np.float32),
        weights.astype(np.float32),
        np.bincount(group, minlength=count).astype(np.float32),
    )


def merge_neighbors(merged: Merged, threshold: float) -> Merged:
    """Merge quads with the one before while they overlap: locality-aware NMS's first half (Zhou et al. 2017, 3.5).

    Corners are averaged, by weight, after those of the new quad were put in the order of the other's.

    Args:
        merged: quads, clockwise, row by row as their cells stand in the map.
        threshold: IoU above which two are merged.
    """
    done: list[tuple[Floats, float, float]] = []
    for quad, score, number in zip(
        merged.quads, merged.weights.tolist(), merged.counts.tolist(), strict=True
    ):
        if done:
            last, weight, count = done[-1]
            if iou(last, quad) > threshold:
                mean = (last * weight + _in_order_of(last, quad) * score) / (weight + score)
                done[-1] = mean.astype(np.float32), weight + score, count + number
                continue
        done.append((quad, score, number))
    return Merged(
        np.array([one[0] for one in done], np.float32).reshape(-1, 4, 2),
        np.array([one[1] for one in done], np.float32),
        np.array([one[2] for one in done], np.float32),
    )


_TURNS = (np.arange(4)[:, None] + np.arange(4)) % 4


def _in_order_of(first: Floats, quad: Floats) -> Floats:
    """Return the corners of a quad, starting with the one that makes them nearest to those of another."""
    turns = quad[_TURNS]
    nearest: Floats = turns[np.abs(turns - first).sum(axis=(1, 2)).argmin()]
    return nearest


def suppress(merged: Merged, threshold: float) -> Merged:
    """Drop what `strongest` does; the others come by weight."""
    kept = strongest(merged.quads, merged.weights, threshold)
    return Merged(merged.quads[kept], merged.weights[kept], merged.counts[kept])


def strongest(quads: Quads, weights: Floats, threshold: float) -> NDArray[np.intp]:
    """Return the numbers of quads (M, 4, 2) that overlap none of more weight by more than an IoU, by weight."""
    (x0, y0), (x1, y1) = quads.min(axis=1).T, quads.max(axis=1).T
    x, y = quads[..., 0], quads[..., 1]
    ahead = np.roll(np.arange(4), -1)
    areas = np.abs((x * y[:, ahead] - x[:, ahead] * y).sum(axis=1)) / 2
    left, kept = np.argsort(-weights, kind="stable"), []
    while len(left):
        best, rest = left[0], left[1:]
        kept.append(best)
        beside = (x0[rest] < x1[best]) & (x1[rest] > x0[best])
        beside &= (y0[rest] < y1[best]) & (y1[rest] > y0[best])
        near = rest[beside]
        # Coordinates far from zero would cost the areas their digits.
        own, others = quads[best] - quads[best, 0], quads[near] - quads[best, 0]
        shared = np.array([cv2.intersectConvexConvex(own, other)[0] for other in others])
        gone = np.zeros(len(rest), np.bool_)
        gone[beside] = shared > threshold * (areas[best] + areas[near] - shared)
        left = rest[~gone]
    return np.array(kept, np.intp)


def join_parts(merged: Merged) -> tuple[Floats, Floats, Floats]:
    """Join quads that overlap along one line: where no cell sees both of its ends, several see a part each.

    Returns:
        (M, 6) rectangles: center, unit vector along the length, length and height; their weights and counts, (M,).
    """
    fits = [least_rectangle(quad) for quad in merged.quads]
    rows = np.array([(*c, *u, length, height) for c, u, length, height in fits], np.float32)
    rows = rows.reshape(-1, 6)
    linked = np.triu(of_one_line(rows), 1)
    group = components(len(rows), *np.nonzero(linked))
    count = int(group.max(initial=-1)) + 1
    weights = np.bincount(group, merged.weights, count)
    counts = np.bincount(group, merged.counts, count)
    whole = [_union(rows[group == k], merged.weights[group == k]) for k in range(count)]
    return (
        np.array(whole, np.float32).reshape(-1, 6),
        weights.astype(np.float32),
        counts.astype(np.float32),
    )


def of_one_line(rows: Floats) -> NDArray[np.bool_]:
    """Tell for each two rectangles (M, 6) whether they are parts of one line, (M, M)."""
    centers, along, lengths, heights = rows[:, :2], rows[:, 2:4], rows[:, 4], rows[:, 5]
    lesser = np.minimum(heights[:, None], heights[None])
    alike = lesser >= SAME_HEIGHT * np.maximum(heights[:, None], heights[None])
    turned = np.abs(along[:, :1] * along[None, :, 1] - along[:, 1:] * along[None, :, 0])
    between = centers[None] - centers[:, None]
    apart = np.abs((between * along[:, None]).sum(-1))
    aside = np.abs(between[..., 0] * along[:, None, 1] - between[..., 1] * along[:, None, 0])
    overlap = (lengths[:, None] + lengths[None]) / 2 - apart
    straight = turned <= np.sin(np.deg2rad(SAME_DEGREES))
    # Seen from both: what is far away may lie on the axis of a short one by chance.
    near = np.maximum(aside, aside.T) <= ASIDE * lesser
    return np.asarray(alike & straight & near & (overlap >= ALONG * lesser), np.bool_)


def _union(rows: Floats, weights: Floats) -> Floats:
    """Return the rectangle (6,) from end to end of several on one line; heights and directions are averaged."""
    if len(rows) == 1:
        return np.asarray(rows[0], np.float32)
    signs = np.where((rows[:, 2:4] * rows[0, 2:4]).sum(1) < 0, -1.0, 1.0)
    # The longer a part is, the better it tells the direction.
    along = (rows[:, 2:4] * (signs * weights * rows[:, 4])[:, None]).sum(0)
    along /= np.linalg.norm(along)
    across = np.array([-along[1], along[0]])
    place, half = rows[:, :2] @ along, rows[:, 4] / 2
    low, high = (place - half).min(), (place + half).max()
    aside = np.average(rows[:, :2] @ across, weights=weights)
    height = np.average(rows[:, 5], weights=weights)
    center = along * (low + high) / 2 + across * aside
    return np.array([*center, *along, high - low, height], np.float32)
