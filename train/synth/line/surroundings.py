"""Draw what stands about a line, through it and over it: pieces of neighbours, rules, boxes, seals, glare."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.line import shares
from train.synth.typesetting.draw_line import TextMask

Grey = NDArray[np.float32]
Mask = NDArray[np.uint8]
Rng = np.random.Generator


def neighbours(
    rng: Rng, alpha: Grey, mask: Mask, pad: tuple[int, int], *, ruled: float, near: float = 0.2
) -> None:
    """Put pieces of the lines above and below, or a rule, into the margin, as a loose crop shows them.

    Args:
        rng: draws which.
        alpha: (H, W), 255 where there is ink; changed in place.
        mask: the line that stands in it.
        pad: pixels above and left of the line.
        ruled: chance of a rule below.
        near: chance of a piece, above and below each.
    """
    (height, width), (above, left) = mask.shape, pad
    for sign in (-1, 1):
        if rng.random() < near:
            shift = sign * int(height * rng.uniform(1.12, 1.5))
            other = np.roll(mask, int(rng.integers(width)), axis=1)[:, ::-1]
            top = above + shift
            first, last = max(top, 0), min(top + height, alpha.shape[0])
            if last > first:
                target = alpha[first:last, left : left + width]
                np.maximum(target, other[first - top : last - top], out=target)
    if rng.random() < ruled:
        thick = max(1, int(height * 0.06))
        row = above + height + int(height * rng.uniform(0.03, 0.25))
        # Links and names are underlined alone, tables and forms from end to end.
        first, last = 0, alpha.shape[1]
        if rng.random() < 0.4:
            first, last = left + np.sort(rng.integers(0, width + 1, 2))
        alpha[row : row + thick, first:last] = 255
    if rng.random() < 0.03:
        thick = max(1, int(height * 0.05))
        for column in (
            left - int(height * rng.uniform(0.1, 0.5)),
            left + width + int(height * rng.uniform(0.1, 0.5)),
        ):
            alpha[:, max(column, 0) : max(column + thick, 0)] = 255


def lines_of_paper(
    rng: Rng, alpha: Grey, drawn: TextMask, pad: tuple[int, int], *, squares: bool
) -> None:
    """Print the lines of writing paper under what was written: rules, or squares with a character in each; in place.

    Args:
        rng: draws how dark they are and where.
        alpha: (H, W), 255 where there is ink.
        drawn: the line, whose characters stand in the middles of squares.
        pad: pixels above and left of it.
        squares: walls between characters, too.
    """
    height, (above, left) = drawn.mask.shape[0], pad
    thick, ink = (
        max(1, round(height * float(rng.uniform(0.015, 0.05)))),
        float(rng.uniform(60, 255)),
    )
    paper = np.zeros(alpha.shape, np.float32)
    rows = (
        above + height * (1 + rng.uniform(-0.05, 0.25)),
        above - height * rng.uniform(-0.05, 0.25),
    )
    for row in rows if squares or rng.random() < 0.4 else rows[:1]:
        cv2.line(paper, (0, round(row)), (alpha.shape[1], round(row)), ink, thick)
    if squares and len(drawn.centers) > 1:
        middles = np.sort(drawn.centers)
        walls = (middles[1:] + middles[:-1]) / 2
        half = float(np.median(np.diff(middles))) / 2
        low, high = (round(row) for row in sorted(rows))
        for wall in (middles[0] - half, *walls, middles[-1] + half):
            x = left + round(float(wall))
            cv2.line(paper, (x, low), (x, high), ink, thick)
    np.maximum(alpha, paper, out=alpha)


def marks(rng: Rng, alpha: Grey, size: tuple[int, int], pad: tuple[int, int]) -> None:
    """Strike a line through or draw a box about it, in its ink, in place; most lines stay as they are."""
    (height, width), (above, left) = size, pad
    thick = max(1, round(height * float(rng.uniform(0.03, 0.07))))
    if shares.happens(rng, "struck"):
        first, last = (left - thick, left + width + thick)
        if rng.random() < 0.4:  # a part alone
            first, last = left + np.sort(rng.integers(0, width + 1, 2))
        rows = [rng.uniform(0.42, 0.62)] if rng.random() < 0.75 else [0.4, 0.6]
        for row in rows:
            y = above + round(height * float(row))
            slope = round(height * float(rng.uniform(-0.12, 0.12))) if rng.random() < 0.3 else 0
            cv2.line(
                alpha, (int(first), y - slope), (int(last), y + slope), 255.0, thick, cv2.LINE_AA
            )
    if shares.happens(rng, "boxed"):
        away = [round(height * float(share)) + thick for share in rng.uniform(0.08, 0.4, 2)]
        corners = (
            (left - away[0], above - away[1]),
            (left + width + away[0], above + height + away[1]),
        )
        cv2.rectangle(alpha, *corners, 255.0, thick)


def highlighted(rng: Rng, ground: Grey, size: tuple[int, int], pad: tuple[int, int]) -> Grey:
    """Return the ground with a stroke of a marker, or the shade of a selection, behind all or a part of the line."""
    (height, width), (above, left) = size, pad
    first, last = 0, width
    if rng.random() < 0.6:
        first, last = (int(x) for x in np.sort(rng.integers(0, width + 1, 2)))
    top, bottom = (round(height * float(share)) for share in rng.uniform(-0.2, 0.12, 2))
    band = ground[above + top : above + height - bottom, left + first : left + last]
    # Between the ground and grey: what stands out from the ground stands out from this.
    band += (128 - band) * float(rng.uniform(0.1, 0.35))
    return ground


def sealed(rng: Rng, canvas: Grey, size: tuple[int, int], pad: tuple[int, int]) -> Grey:
    """Return the line with a seal stamped across: a ring or a square with strokes inside, through which it is read."""
    (height, width), (above, left) = size, pad
    stamp = np.zeros(canvas.shape, np.float32)
    radius = max(6, round(height * float(rng.uniform(0.6, 1.8))))
    middle = left + int(rng.integers(0, width + 1)), above + int(rng.integers(0, height + 1))
    thick = max(1, round(radius * float(rng.uniform(0.05, 0.12))))
    if rng.random() < 0.6:
        cv2.circle(stamp, middle, radius, 1.0, thick, cv2.LINE_AA)
        sides = 5
    else:
        low = middle[0] - radius, middle[1] - radius
        cv2.rectangle(stamp, low, (middle[0] + radius, middle[1] + radius), 1.0, thick)
        sides = 8
    for _ in range(sides):  # of its own characters no crop shows more than strokes
        ends = np.clip(rng.normal(0, 0.35, (2, 2)), -0.8, 0.8) * radius + middle
        (x0, y0), (x1, y1) = np.rint(ends).astype(int).tolist()
        cv2.line(stamp, (x0, y0), (x1, y1), 1.0, thick, cv2.LINE_AA)
    # Red ink on paper is a middle grey; over dark strokes it changes little.
    return np.asarray(canvas * (1 - stamp * float(rng.uniform(0.15, 0.45))), np.float32)


def glare(rng: Rng, image: Grey) -> Grey:
    """Return a crop on which a lamp is mirrored: a soft bright spot that leaves a third of the contrast, or more."""
    height, width = image.shape
    x = np.arange(width, dtype=np.float32) - float(rng.uniform(0, width))
    y = np.arange(height, dtype=np.float32)[:, None] - float(rng.uniform(0, height))
    across, down = (height * float(rng.uniform(*limits)) for limits in ((0.4, 3.0), (0.3, 1.2)))
    spot = np.exp(-((x / across) ** 2)) * np.exp(-((y / down) ** 2))
    return image + (255 - image) * spot * float(rng.uniform(0.3, 0.65))
