"""Locate the characters of a rendered line, for detectors that learn from characters."""

from __future__ import annotations

import numpy as np

from common.arrays import Floats, Quads
from train.batches.line_crops import unit_map
from train.data.samples import Line, PlacedLine
from train.synth.effects.geometric import move_points


def character_quads(line: Line, quad: Floats) -> Quads | None:
    """Return the quads of a line's characters, as high as the line, each beginning where the line does.

    Args:
        line: rendered.
        quad: (4, 2) where it is, for example in a crop.

    Returns:
        (n, 4, 2) without blanks; None where nobody knows where they stand.
    """
    if not isinstance(line, PlacedLine) or not line.text or len(line.centers) != len(line.text):
        return None
    printed = np.array([not character.isspace() for character in line.text])
    first = (line.centers - line.widths / 2)[printed]
    last = (line.centers + line.widths / 2)[printed]
    zero, one = np.zeros_like(first), np.ones_like(first)
    corners = [(first, zero), (last, zero), (last, one), (first, one)]
    if line.vertical:  # the first edge runs down the right side
        corners = [(one, first), (one, last), (zero, last), (zero, first)]
    places = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)
    moved = move_points(places.reshape(-1, 2).astype(np.float32), unit_map(quad))
    return np.asarray(moved.reshape(-1, 4, 2), np.float32)
