"""View a word from a camera: slanted, squeezed and in perspective inside an upright crop."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.line.crop import Crop
from train.synth.typesetting.draw_line import TextMask

Grey = NDArray[np.float32]
Rng = np.random.Generator

MAX_HEIGHT = 64
"""Pixels of a crop at most: a recognizer sees 32."""


@dataclass(frozen=True)
class View:
    """A crop about a drawn word.

    Attributes:
        quad: (4, 2) float32, the crop's corners in the padded drawing, clockwise from its top left.
        size: (height, width) of the crop in pixels.
        pad: pixels above and below, left and right of the drawing, enough for the crop.
        shrink: height of the crop against that of the word, hardly below 1.
    """

    quad: NDArray[np.float32]
    size: tuple[int, int]
    pad: tuple[int, int]
    shrink: float

    @classmethod
    def draw(cls, rng: Rng, height: int, width: int, turned: float = 1.0) -> View:
        """Draw a view of a word of (height, width) pixels: mostly nearly straight, up to 30 degrees `turned`."""
        degrees = float(np.clip(rng.normal(0, 11), -30, 30)) if rng.random() < 0.6 else 0.0
        degrees *= turned
        # A long word that is slanted leaves little height for its letters.
        degrees *= min(1.0, 5.0 * height / width)
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        wide = width * cos + height * abs(sin) + 2 * height * float(rng.uniform(0, 0.2))
        # Boxes that people draw touch the strokes.
        above = rng.uniform(-0.06, 0.02) if rng.random() < 0.25 else rng.uniform(0, 0.15)
        high = width * abs(sin) + height * cos + 2 * height * float(above)
        corners = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
        corners += rng.uniform(-0.07, 0.07, (4, 2)) * high
        if rng.random() < 0.3:  # seen from aside: one end is nearer
            nearer = float(rng.uniform(0.0, 0.2))
            ends = [1, 2] if rng.random() < 0.5 else [0, 3]
            corners[ends, 1] *= 1 + 2 * nearer
        turn = np.array([[cos, sin], [-sin, cos]])
        corners = corners @ turn
        across, down = (
            np.ceil(np.abs(corners).max(0) - [width / 2, height / 2]).astype(int).tolist()
        )
        pad = max(0, down) + 2, max(0, across) + 2
        middle = np.array([width / 2 + pad[1], height / 2 + pad[0]])
        kind = rng.random()  # as drawn, seen from aside, or drawn narrow or wide to fill a board
        squeeze = 1.0 if kind < 0.4 else float(rng.uniform(0.55, 1.15))
        if kind > 0.7:
            squeeze = float(np.exp(rng.uniform(np.log(0.45), np.log(2.0))))
        scale = min(1.0, MAX_HEIGHT / high)
        size = max(8, round(high * scale)), max(8, round(wide * scale * squeeze))
        quad = (corners + middle).astype(np.float32)
        return cls(quad, size, pad, high / height)

    def padded(self, pad: tuple[int, int]) -> View:
        """Return the view for a drawing with at least as much room about it."""
        more = np.array([pad[1] - self.pad[1], pad[0] - self.pad[0]], np.float32)
        return replace(self, quad=self.quad + more, pad=pad)

    def cut(self, canvas: Grey, drawn: TextMask) -> Crop:
        """Cut the crop out of the padded drawing; centers and widths of the characters follow."""
        height, width = self.size
        target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(self.quad, target)
        how = {"flags": cv2.INTER_AREA, "borderMode": cv2.BORDER_REPLICATE}
        crop = cv2.warpPerspective(canvas, matrix, (width, height), **how)
        middle = self.pad[0] + drawn.mask.shape[0] / 2
        places = [drawn.centers + self.pad[1] + side * drawn.widths for side in (-0.5, 0.0, 0.5)]
        left, centers, right = (
            cv2.perspectiveTransform(
                np.stack([x, np.full(len(x), middle)], 1)[None].astype(np.float32), matrix
            )[0, :, 0]
            for x in places
        )
        return Crop(crop, drawn.text, centers, np.maximum(right - left, 0.5))
