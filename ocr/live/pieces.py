"""Join the pieces of one line, which a detector splits at a wide comma or a colon."""

from __future__ import annotations

import numpy as np

from common.arrays import Quads, Scores

_LEVEL = 0.3
"""Heights by which the middles of pieces may differ."""

_ALIKE = 1.5
"""Their heights differ by no more than this."""


def joined(
    quads: Quads, scores: Scores, gap: float, least_score: float = 0.0
) -> tuple[Quads, Scores]:
    """Join quads that stand beside each other on a row.

    Args:
        quads: (M, 4, 2), clockwise from the top left.
        scores: (M,).
        gap: Heights that they may be apart.
        least_score: Of pieces that are joined: what stands beside a line in a photograph is no more of it.

    Returns:
        Quads (L, 4, 2) from the left, and the least scores of their pieces (L,).
    """
    lines: list[tuple[Quads, float]] = []
    for i in np.argsort(quads[:, :, 0].min(axis=1)) if len(quads) else ():
        quad, score = np.asarray(quads[i], np.float32), float(scores[i])
        for k, (line, least) in enumerate(lines):
            if min(least, score) >= least_score and _follows(line, quad, gap):
                whole = np.stack([line[0], quad[1], quad[2], line[3]])
                lines[k] = whole, min(least, score)
                break
        else:
            lines.append((quad, score))
    if not lines:
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)
    return np.stack([line for line, _ in lines]), np.array([s for _, s in lines], np.float32)


def _follows(line: Quads, quad: Quads, gap: float) -> bool:
    """Whether a quad goes on with a line on its right."""
    end, begin = line[1:3], quad[[0, 3]]
    heights = abs(float(end[1, 1] - end[0, 1])), abs(float(begin[1, 1] - begin[0, 1]))
    height = max(*heights, 1.0)
    if height > _ALIKE * max(min(heights), 1.0):
        return False
    if abs(float(end[:, 1].mean() - begin[:, 1].mean())) > _LEVEL * height:
        return False
    apart = float(begin[:, 0].mean() - end[:, 0].mean())
    return -0.5 * height <= apart <= gap * height
