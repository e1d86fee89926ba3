"""Split a labelled set in two parts, duplicates on one side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.duplicates import Print, fingerprint, groups, near_pairs
from train.data.samples import LineSample, PageSample


@dataclass(frozen=True)
class Key:
    """What is kept of a sample to decide where it goes: its print, and its text if it is a line."""

    print: Print
    text: str | None


def key_of(sample: PageSample | LineSample) -> Key:
    """Return the key of a sample."""
    text = sample.text if isinstance(sample, LineSample) else None
    return Key(fingerprint(sample.image), text)


def held_out(keys: Sequence[Key], share: float, seed: int) -> NDArray[np.bool_]:
    """Choose which samples are held out.

    Pictures that are equal, or nearly (another size or JPEG quality), stay together, wherever they stand in the set;
    lines that look nearly the same only if their texts are equal. The choice follows from the pictures and the seed
    alone, not from their order. As many are held out as come nearest to the share without breaking a group; of two
    or more groups, each part gets at least one where 0 < share < 1.

    Args:
        keys: of all samples.
        share: of the pictures, from 0 to 1.
        seed: another one chooses others.

    Returns:
        (len(keys),) bool.

    Raises:
        ValueError: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}, expected 0 to 1; 0.1 holds out a tenth")
    pairs = [
        (a, b)
        for a, b in near_pairs([key.print for key in keys])
        if keys[a].text == keys[b].text or keys[a].print.digest == keys[b].print.digest
    ]
    members: dict[int, list[int]] = {}
    for number, group in enumerate(groups(len(keys), pairs)):
        members.setdefault(group, []).append(number)
    ranked = sorted(members.values(), key=lambda group: _rank(keys, group, seed))
    out = np.zeros(len(keys), np.bool_)
    wanted, taken = share * len(keys), 0
    for group in ranked:
        if abs(taken + len(group) - wanted) <= abs(taken - wanted):
            out[group] = True
            taken += len(group)
    if 0 < share < 1 and len(ranked) > 1 and taken in (0, len(keys)):
        out[min(ranked, key=len)] = not taken
    return out


def _rank(keys: Sequence[Key], group: Sequence[int], seed: int) -> bytes:
    """A number drawn for a group from the seed and its pictures."""
    digest = min(keys[number].print.digest for number in group)
    return hashlib.sha256(f"{seed}:{digest}".encode()).digest()
