"""Find equal and nearly equal pictures of a set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Image

BITS = 1024
NEAR = 31
"""Bits that may differ: another JPEG quality of the same picture changes 5 to 12 on most, up to 27, at quality 60."""
NEAR_SHARE = 0.08
"""And no more than this share of the bits that either has set: small pictures with one short line have few."""
_BANDS = 32  # more than NEAR: then two near prints agree in one band at least
_LONG = 4  # a picture this many times as wide as high is looked at as a line of text
_STEP = 4  # grey levels between neighbouring cells that are a difference, not noise
_LEAST_SET = 32  # a print with fewer bits set is of an empty picture, and those all look alike


@dataclass(frozen=True)
class Print:
    """What two pictures are compared by.

    Attributes:
        digest: of the pixels; equal for equal pictures alone.
        bits: (128,) uint8, which cells of a coarse grid are brighter than their left neighbours.
        shape: 0 for pages, 1 for long lines, 2 for tall ones: each has a grid of its own.
    """

    digest: str
    bits: NDArray[np.uint8]
    shape: int


def fingerprint(image: Image) -> Print:
    """Return the print of a picture (H, W, 3) or (H, W), at least one pixel."""
    data = np.ascontiguousarray(image)
    digest = hashlib.sha256(repr(data.shape).encode() + data.tobytes()).hexdigest()
    grey = cv2.cvtColor(data, cv2.COLOR_RGB2GRAY) if data.ndim == 3 else data
    height, width = grey.shape
    shape = 1 if width >= _LONG * height else 2 if height >= _LONG * width else 0
    if shape == 2:
        grey = np.ascontiguousarray(np.rot90(grey))
    size = (33, 32) if shape == 0 else (129, 8)  # width, height: 1024 differences each
    cells = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.int16)
    steps = np.diff(cells, axis=1) > _STEP
    # Neighbouring bits go to different bands, so that an empty margin does not fill one.
    return Print(digest, np.packbits(steps.reshape(-1, _BANDS).T), shape)


def distance(a: Print, b: Print) -> int:
    """Count the bits in which two prints differ; `BITS` where their shapes do."""
    if a.shape != b.shape:
        return BITS
    return int(np.bitwise_count(a.bits ^ b.bits).sum())


def is_near(a: Print, b: Print) -> bool:
    """Whether two prints are of one picture, as far as prints can tell."""
    either = int(np.bitwise_count(a.bits | b.bits).sum())
    return distance(a, b) <= min(NEAR, NEAR_SHARE * either)


def near_pairs(prints: Sequence[Print]) -> list[tuple[int, int]]:
    """List pairs (earlier, later) of pictures that are equal or near, at least one for each later one.

    Time and memory grow with the number of pictures, not with its square, unless very many are alike: of a run of
    equal pictures each is paired with the first alone.
    """
    pairs: list[tuple[int, int]] = []
    first_of: dict[str, int] = {}
    buckets: dict[tuple[int, int, bytes], list[int]] = {}
    for number, one in enumerate(prints):
        first = first_of.setdefault(one.digest, number)
        if first != number:
            pairs.append((first, number))
            continue
        if int(np.bitwise_count(one.bits).sum()) < _LEAST_SET:
            continue
        candidates: set[int] = set()
        for band, key in enumerate(one.bits.reshape(_BANDS, -1)):
            bucket = buckets.setdefault((one.shape, band, key.tobytes()), [])
            candidates.update(bucket)
            bucket.append(number)
        pairs += [(i, number) for i in sorted(candidates) if is_near(prints[i], one)]
    return pairs


def groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return for each of `count` items the smallest number that pairs connect it with, its own if none."""
    root = list(range(count))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for a, b in pairs:
        low, high = sorted((find(a), find(b)))
        root[high] = low
    return [find(i) for i in range(count)]
