"""Cut a line out of what it is drawn on as detectors do: loose, tight, a little turned, a letter short."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.line import shares
from train.synth.typesetting.draw_line import TextMask

Grey = NDArray[np.float32]
Rng = np.random.Generator

_SLIM = frozenset(" .,:;'`!|()[]{}iIjlftr1-·、。，！：；\"/\\")
"""A fifth of their advance holds most of their ink, or none."""


@dataclass(frozen=True)
class Crop:
    """A cut-out line.

    Attributes:
        image: (H, W) grey levels.
        text: what it says.
        centers: (n,) middles of the characters in columns.
        widths: (n,) their advances in columns.
    """

    image: Grey
    text: str
    centers: NDArray[np.float32]
    widths: NDArray[np.float32]

    def widened(self, factor: float) -> Crop:
        """Return places for the picture made so many times as wide, which is left as it is."""
        return replace(self, centers=self.centers * factor, widths=self.widths * factor)


def cut(
    rng: Rng,
    canvas: Grey,
    drawn: TextMask,
    box: tuple[int, int, int, int],
    *,
    askew: float,
    fine: float,
) -> Crop:
    """Cut the line as a detector would: a little loose or tight, a little turned; places of characters follow.

    Args:
        rng: draws by how much.
        canvas: (H, W) grey levels.
        drawn: the line on it.
        box: left, top, width and height of the line in pixels.
        askew: how much it is turned, from 0 to 1.
        fine: a line lower than this many pixels comes out twice as large.
    """
    left, top, width, height = box
    loose = rng.uniform(-0.02, 0.22, 2) * height
    if rng.random() < 0.2:
        loose = rng.uniform(0.1, 0.45, 2) * height
    ends = rng.uniform(-0.03, 0.35, 2) * height
    x0, x1 = left - ends[0], left + width + ends[1]
    y0, y1 = top - loose[0], top + height + loose[1]
    # A tilt moves the two ends of a long line by a share of the line's height, not of its length.
    tilt = float(np.clip(rng.normal(0, 0.05), -0.14, 0.14)) * height * askew
    wobble = rng.uniform(-0.05, 0.05, (4, 2)) * height * askew
    wobble[:, 0] *= 2 if rng.random() < 0.15 else 1
    quad = np.array([[x0, y0 - tilt], [x1, y0 + tilt], [x1, y1 + tilt], [x0, y1 - tilt]]) + wobble
    stretch = float(rng.uniform(0.75, 1.3)) if rng.random() < 0.3 else 1.0
    if shares.happens(rng, "stretched"):
        stretch = float(np.exp(rng.uniform(np.log(0.5), np.log(1.8))))
    # Small lines are enlarged as they are cut, as `common.quads.crop` does.
    scale = 2.0 if y1 - y0 < fine else 1.0
    out_height = round(scale * float(y1 - y0))
    out_width = max(8, round(scale * float(x1 - x0) * stretch))
    target = np.array(
        [[0, 0], [out_width, 0], [out_width, out_height], [0, out_height]], np.float32
    )
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    image = cv2.warpPerspective(
        canvas,
        matrix,
        (out_width, out_height),
        flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    middles = np.stack([drawn.centers + left, np.full(len(drawn.text), top + height / 2)], 1)
    centers = cv2.perspectiveTransform(middles[None].astype(np.float32), matrix)[0, :, 0]
    return Crop(image, drawn.text, centers, drawn.widths * out_width / float(x1 - x0))


def cut_short(rng: Rng, crop: Crop) -> Crop:
    """Cut up to a fifth off the first or last letter, or all of it but a sliver.

    What is left is read, what is gone is not. A letter too slim for that, and a text of one letter, stay whole.
    """
    for _ in range(1 if rng.random() < 0.7 else 2):
        last = bool(rng.random() < 0.5)
        mirrored = _shortened(rng, _mirrored(crop)) if last else _shortened(rng, crop)
        crop = _mirrored(mirrored) if last else mirrored
    return crop


def _shortened(rng: Rng, crop: Crop) -> Crop:
    """Cut at the left end."""
    gone = len(crop.text) > 2 and " " not in crop.text[:2] and bool(rng.random() < 0.3)
    if len(crop.text) < 2 or crop.text[0] in _SLIM:
        return crop
    edge = float(crop.centers[0] - crop.widths[0] / 2)
    share = rng.uniform(0.86, 0.98) if gone else rng.uniform(0.03, 0.2)
    column = round(edge + float(share) * float(crop.widths[0]))
    # Letters that lean over each other, or a crop that is cut already.
    if not 0 < column < crop.centers[1] - 0.45 * crop.widths[1]:
        return crop
    first = int(gone)
    return Crop(
        crop.image[:, column:],
        crop.text[first:],
        crop.centers[first:] - column,
        crop.widths[first:],
    )


def _mirrored(crop: Crop) -> Crop:
    centers = crop.image.shape[1] - crop.centers[::-1]
    return Crop(crop.image[:, ::-1], crop.text[::-1], centers, crop.widths[::-1])
