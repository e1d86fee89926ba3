"""Join characters to lines, and find the likeliest characters of a word (Hu et al. 2017, sections 3.2 and 4)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from detection.links import Edges, components
from detection.quads import corners

GAP = 1.2
"""Heights between two characters of one line at most: a full-width mark between them is often not found."""

ASIDE = 0.35
"""Heights by which the middle of one lies off the axis of the other at most."""

SAME_HEIGHT = 0.6
"""Ratio of their heights at least."""

SAME_DEGREES = 15.0
"""Between their directions at most."""

CHUNK = 512
"""Characters that are compared with all at a time."""

COVERED = 0.5
"""Weight of coverage against straightness in the trust of a word's characters (section 3.2)."""

MAX_OF_WORD = 80
"""Candidates of one word, the surest ones."""


def squares(line: Floats) -> Floats:
    """Divide a line (6,) into characters (K, 6) about as long as high."""
    center, along, length, height = line[:2], line[2:4], float(line[4]), float(line[5])
    count = max(round(length / max(height, 1e-6)), 1)
    place = (np.arange(count) + 0.5) / count - 0.5
    middle = center + along * (place * length)[:, None]
    rest = np.broadcast_to([*along, length / count, height], (count, 4))
    return np.concatenate([middle, rest], axis=1).astype(np.float32)


def lines_of_characters(characters: Floats) -> tuple[Floats, Floats]:
    """Make lines of characters that follow each other.

    Args:
        characters: (K, 7) center, unit vector along the line, length along it, height and probability.

    Returns:
        Lines (M, 7), likewise, as `quads.lines_of` takes them, and of how many characters each is, (M,).
    """
    group = components(len(characters), *following(characters))
    count = int(group.max(initial=-1)) + 1
    sizes = np.bincount(group, minlength=count)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, values, count) / np.maximum(sizes, 1), np.float32)

    middle = np.stack([mean(characters[:, 0]), mean(characters[:, 1])], axis=1)
    x, y = (characters[:, :2] - middle[group]).T
    # The direction of many is that of where they stand; of one, or of a few close to each other, their own.
    right, down, own = characters[:, 2], characters[:, 3], characters[:, 5] ** 2
    straight = mean(x * x - y * y + own * (right * right - down * down))
    angle = np.arctan2(mean(2 * x * y + 2 * own * right * down), straight) / 2
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    place = x * along[group, 0] + y * along[group, 1]
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, group, place - characters[:, 4] / 2)
    np.maximum.at(high, group, place + characters[:, 4] / 2)
    center = middle + along * ((low + high) / 2)[:, None]
    rest = np.stack([high - low, mean(characters[:, 5]), mean(characters[:, 6])], axis=1)
    rows = np.concatenate([center, along, rest], axis=1).astype(np.float32)
    return rows, sizes.astype(np.float32)


def following(characters: Floats) -> Edges:
    """Return which characters (K, 6 or more) stand beside each other in a line: numbers (E,) of both."""
    first, second = [], []
    reach = (characters[:, 4] + (GAP + ASIDE) * characters[:, 5]).max(initial=0)
    order = np.argsort(characters[:, 0], kind="stable")
    x, y = characters[order, 0], characters[order, 1]
    for start in range(0, len(order), CHUNK):
        own = slice(start, start + CHUNK)
        last = int(np.searchsorted(x, x[own][-1] + reach, side="right"))
        near = np.abs(y[own, None] - y[None, start:last]) <= reach
        near &= np.abs(x[own, None] - x[None, start:last]) <= reach
        one, other = np.nonzero(np.triu(near, 1))
        first.append(order[start + one])
        second.append(order[start + other])
    pairs = [np.concatenate([*each, np.zeros(0, np.intp)]) for each in (first, second)]
    a, b = (characters[each] for each in pairs)
    follow = _follow(a, b)
    return pairs[0][follow], pairs[1][follow]


def _follow(a: Floats, b: Floats) -> NDArray[np.bool_]:
    """Tell which characters (E, 6) stand beside others (E, 6) in one line."""
    lesser = np.minimum(a[:, 5], b[:, 5])
    alike = lesser >= SAME_HEIGHT * np.maximum(a[:, 5], b[:, 5])
    turned = np.abs(a[:, 2] * b[:, 3] - a[:, 3] * b[:, 2])
    straight = turned <= np.sin(np.deg2rad(SAME_DEGREES))
    between = b[:, :2] - a[:, :2]
    apart = np.abs((between * a[:, 2:4]).sum(1)) - (a[:, 4] + b[:, 4]) / 2
    aside = [np.abs(between[:, 0] * one[:, 3] - between[:, 1] * one[:, 2]) for one in (a, b)]
    near = (np.maximum(*aside) <= ASIDE * lesser) & (apart <= GAP * lesser)
    return np.asarray(alike & straight & near, np.bool_)


def likeliest(word: Floats, candidates: Floats) -> tuple[Floats, float]:
    """Choose the characters of a word: the part of the tree of its candidates that can be trusted most.

    The tree joins candidates that are near to each other and sure; what makes the word less covered or less straight
    than it would be without is left off, end by end.

    Args:
        word: (6,) rectangle.
        candidates: (K, 7) as `WordSup.characters` returns them, in the word.

    Returns:
        Characters (M, 6), and how far they can be trusted, from 0 to 1 (section 3.2).
    """
    best = np.argsort(-candidates[:, 6], kind="stable")[:MAX_OF_WORD]
    candidates = candidates[best]
    if not len(candidates):
        return np.zeros((0, 6), np.float32), 0.0
    beside = _tree(candidates)
    chosen = set(range(len(candidates)))
    value = trust(word, candidates)
    while len(chosen) > 1:
        ends = [one for one in chosen if len(beside[one] & chosen) <= 1]
        trials = [(trust(word, candidates[sorted(chosen - {one})]), one) for one in ends]
        better, end = max(trials)
        if better <= value:
            break
        value, chosen = better, chosen - {end}
    return candidates[sorted(chosen), :6], value


def in_line(characters: Floats, word: Floats) -> Floats:
    """Return characters (K, 6) as high as their word (6,), turned as it, and on its axis."""
    along, place = word[2:4], (characters[:, :2] - word[:2]) @ word[2:4]
    middle = word[:2] + along * place[:, None]
    rest = np.broadcast_to([*along, word[5]], (len(characters), 3))
    columns = [middle, rest[:, :2], characters[:, 4:5], rest[:, 2:]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def trust(word: Floats, characters: Floats) -> float:
    """Return how far characters (K, 6 or more) of a word (6,) can be trusted, from 0 to 1 (section 3.2).

    It is the mean of the share of the word that their hull covers and of how straight they stand: one less the ratio of
    the lesser to the greater variance of their middles.
    """
    hull = cv2.convexHull((corners(characters) - word[:2]).reshape(-1, 2))
    rectangle = (corners(word[None])[0] - word[:2]).astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(hull[:, 0], rectangle)
    covered = min(shared / max(float(word[4] * word[5]), 1e-6), 1.0)
    spread = characters[:, :2] - characters[:, :2].mean(axis=0)
    (xx, xy), (_, yy) = spread.T @ spread / len(characters)
    root = float(np.hypot((xx - yy) / 2, xy))
    greater, lesser = (xx + yy) / 2 + root, max((xx + yy) / 2 - root, 0)
    straight = 1 - lesser / greater if greater > 1e-6 else 1.0
    return float(COVERED * covered + (1 - COVERED) * straight)


def _tree(candidates: Floats) -> list[set[int]]:
    """Return the neighbors of each candidate (K, 7) in the maximum spanning tree (Prim 1957)."""
    middles, score = candidates[:, :2], candidates[:, 6]
    distance = np.linalg.norm(middles[:, None] - middles[None], axis=2)
    nearest = np.where(np.eye(len(middles)) > 0, np.inf, distance).min(axis=1)
    mean = nearest[np.isfinite(nearest)].mean() if len(middles) > 1 else 1.0
    weight = np.exp(-distance / max(float(mean), 1e-6)) * (score[:, None] + score[None])
    beside: list[set[int]] = [set() for _ in middles]
    left = np.ones(len(middles), np.bool_)
    left[0] = False
    strength, parent = weight[0].copy(), np.zeros(len(middles), np.intp)
    for _ in range(len(middles) - 1):
        new = int(np.where(left, strength, -1).argmax())
        left[new] = False
        beside[new].add(int(parent[new]))
        beside[int(parent[new])].add(new)
        closer = weight[new] > strength
        strength[closer], parent[closer] = weight[new][closer], new
    return beside
