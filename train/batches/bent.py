"""Bend and tilt rendered lines, as they stand in a box around them, for recognizers that straighten lines.

Columns stay where they are, so a character's center stays true. Ends of lines are moved up or down by about the line's
height at most, whatever its length: long lines are tilted by less.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from train.data.samples import LineSample

Rng = np.random.Generator

KINDS = ("tilted", "arched", "waved")
_SHARES = (0.45, 0.4, 0.15)

_REACH = 1.1
"""Heights of a line by which its parts are moved against each other at most."""


def bend(sample: LineSample, rng: Rng) -> LineSample:
    """Return a line bent, tilted or only cut with room above and below, in a higher picture of the same width."""
    height, width = sample.image.shape[:2]
    moved = _curve(rng, width) * height
    above, below = (float(room) * height for room in rng.uniform(-0.04, 0.2, 2))
    first = float(moved.min()) - above
    rows = max(1, round(height + float(np.ptp(moved)) + above + below))
    down = np.arange(rows, dtype=np.float32)[:, None] + np.float32(first) - moved[None]
    slant = np.float32(rng.uniform(-0.25, 0.25) if rng.random() < 0.4 else 0.0)
    across = np.arange(width, dtype=np.float32)[None] + slant * (down - np.float32(height / 2))
    maps = np.broadcast_to(across, down.shape).astype(np.float32), down.astype(np.float32)
    bent = cv2.remap(sample.image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return replace(sample, image=np.asarray(bent, np.uint8))


def _curve(rng: Rng, width: int) -> NDArray[np.float32]:
    """Draw by how much each column is moved down, in heights, (width,)."""
    u = np.linspace(-1, 1, width)
    reach = _REACH * float(rng.random())
    kind = rng.choice(KINDS, p=_SHARES)
    if kind == "waved":
        moved = (
            0.25 * reach * np.sin(np.pi * (float(rng.uniform(0.5, 1.3)) * u + rng.uniform(0, 2)))
        )
    else:
        moved = reach * (0.5 * u if kind == "tilted" else u * u)
        if kind == "arched":  # mostly not the same at both ends
            moved = moved + float(rng.uniform(-0.2, 0.2)) * u
    return np.asarray(moved if rng.random() < 0.5 else -moved, np.float32)
