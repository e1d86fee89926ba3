"""Print lines with their truth, and shapes, on a picture being made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Image
from train.data.samples import PageSample, PlacedLine
from train.synth.typesetting.typeset import Stamp, padded

Color: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


@dataclass(frozen=True)
class Ink:
    """How a line is painted.

    Args:
        color: of the strokes, at their top where `bottom` is another color.
        bottom: color that the strokes fade to at their foot.
        opacity: 0 to 1.
        outline: color around the strokes, `outline_width` pixels wide.
        hollow: only the outline, nothing inside it.
        shadow: color of a shadow `shadow_offset` pixels right and down (0 is a glow), blurred.
    """

    color: Color
    bottom: Color | None = None
    opacity: float = 1.0
    outline: Color | None = None
    outline_width: int = 1
    hollow: bool = False
    shadow: Color | None = None
    shadow_offset: int = 2
    shadow_blur: float = 0.0

    @property
    def reach(self) -> int:
        """Pixels by which paint may exceed the strokes."""
        out = self.outline_width if self.outline is not None else 0
        if self.shadow is not None:
            out += self.shadow_offset + int(2 * self.shadow_blur)
        return out


@dataclass
class Canvas:
    """The picture, the lines printed so far in reading order, and where they stand."""

    image: Image
    lines: list[PlacedLine] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.image.shape[0])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.image.shape[1])

    def put(self, stamp: Stamp, x: float, y: float, ink: Ink, *, ignore: bool = False) -> bool:
        """Print a line with its mask's top left corner at a pixel; where it does not fit say no."""
        left, top = round(x), round(y)
        quad = stamp.quad + np.array([left, top], np.float32)
        low, high = quad.min(axis=0), quad.max(axis=0)
        if (low < 0).any() or high[0] > self.width or high[1] > self.height:
            return False
        paint(self.image, stamp, left, top, ink)
        self.lines.append(
            PlacedLine(quad, stamp.text, ignore, stamp.centers, stamp.widths, stamp.vertical)
        )
        self.taken.append((low[0], low[1], high[0], high[1]))
        return True

    def is_free(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Say whether a box is inside the picture and touches nothing reserved."""
        if x0 < 0 or y0 < 0 or x1 > self.width or y1 > self.height:
            return False
        return not any(x0 < c and a < x1 and y0 < d and b < y1 for a, b, c, d in self.taken)

    def reserve(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Keep `is_free` from offering a box again."""
        self.taken.append((x0, y0, x1, y1))

    def box(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        color: Color,
        *,
        thick: int = -1,
        radius: float = 0,
    ) -> None:
        """Draw a rectangle, filled unless `thick` is given, with round corners if `radius` is."""
        a, b, c, d = round(x0), round(y0), round(x1), round(y1)
        r = int(min(radius, (c - a) / 2, (d - b) / 2))
        if r <= 1:
            cv2.rectangle(self.image, (a, b), (c - 1, d - 1), color, thick)
            return
        if thick < 0:
            cv2.rectangle(self.image, (a + r, b), (c - r - 1, d - 1), color, -1)
            cv2.rectangle(self.image, (a, b + r), (c - 1, d - r - 1), color, -1)
        else:
            for start, end in (((a + r, b), (c - r, b)), ((a + r, d - 1), (c - r, d - 1))):
                cv2.line(self.image, start, end, color, thick)
            for start, end in (((a, b + r), (a, d - r)), ((c - 1, b + r), (c - 1, d - r))):
                cv2.line(self.image, start, end, color, thick)
        corners = (
            (a + r, b + r, 180),
            (c - r - 1, b + r, 270),
            (c - r - 1, d - r - 1, 0),
            (a + r, d - r - 1, 90),
        )
        for cx, cy, angle in corners:
            cv2.ellipse(self.image, (cx, cy), (r, r), angle, 0, 90, color, thick, cv2.LINE_AA)

    def rule(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        color: Color,
        *,
        thick: int = 1,
        dash: float = 0,
    ) -> None:
        """Draw a straight line, dashed if `dash` pixels are given."""
        start, end = np.array([x0, y0]), np.array([x1, y1])
        length = float(np.linalg.norm(end - start))
        if dash <= 0 or length < dash:
            cv2.line(self.image, (round(x0), round(y0)), (round(x1), round(y1)), color, thick)
            return
        for share in np.arange(0, length, 2 * dash):
            a = start + (end - start) * (share / length)
            b = start + (end - start) * (min(share + dash, length) / length)
            cv2.line(
                self.image,
                tuple(a.astype(int).tolist()),
                tuple(b.astype(int).tolist()),
                color,
                thick,
            )

    def paste(self, picture: Image, x: float, y: float) -> None:
        """Lay a picture on the canvas; what hangs over the edge is cut off."""
        left, top = round(x), round(y)
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + picture.shape[1], self.width), min(top + picture.shape[0], self.height)
        if x1 > x0 and y1 > y0:
            self.image[y0:y1, x0:x1] = picture[y0 - top : y1 - top, x0 - left : x1 - left]

    def sample(self) -> PageSample:
        """What has been drawn."""
        return PageSample(self.image, tuple(self.lines))


def paint(image: Image, stamp: Stamp, left: int, top: int, ink: Ink) -> None:
    """Paint a mask into a picture, in place; what hangs over the edge is cut off."""
    if ink.reach:
        stamp = padded(stamp, ink.reach)
        left, top = left - ink.reach, top - ink.reach
    mask = stamp.mask
    if ink.shadow is not None:
        dark = np.roll(mask, (ink.shadow_offset, ink.shadow_offset), axis=(0, 1))
        if ink.shadow_blur > 0:
            dark = cv2.convertScaleAbs(cv2.GaussianBlur(dark, (0, 0), ink.shadow_blur), alpha=1.4)
        blend(image, dark, left, top, ink.shadow)
    if ink.outline is not None:
        side = 2 * ink.outline_width + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        around = cv2.dilate(mask, kernel)
        if ink.hollow:
            around = cv2.subtract(around, mask)
        blend(image, around, left, top, ink.outline)
    if ink.hollow and ink.outline is not None:
        return
    if ink.opacity < 1:
        mask = cv2.convertScaleAbs(mask, alpha=ink.opacity)
    fill: Color | Image = ink.color
    if ink.bottom is not None:
        share = np.linspace(0, 1, mask.shape[0], dtype=np.float32)[:, None, None]
        fill = ((1 - share) * np.array(ink.color) + share * np.array(ink.bottom)).astype(np.uint8)
        fill = np.ascontiguousarray(np.broadcast_to(fill, (*mask.shape, 3)))
    blend(image, mask, left, top, fill)


def blend(image: Image, mask: NDArray[np.uint8], left: int, top: int, fill: Color | Image) -> None:
    """Mix a color, or a picture of the mask's size, into a picture by a mask, in place."""
    height, width = mask.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    alpha = cv2.cvtColor(np.ascontiguousarray(mask[part]), cv2.COLOR_GRAY2RGB)
    region = image[y0:y1, x0:x1]
    if isinstance(fill, tuple):
        table = (np.arange(256)[:, None] * np.array(fill)[None, :] / 255).round().astype(np.uint8)
        paint_over = cv2.LUT(alpha, table.reshape(1, 256, 3))
    else:
        paint_over = cv2.multiply(fill[part], alpha, scale=1 / 255)
    kept = cv2.multiply(np.ascontiguousarray(region), cv2.bitwise_not(alpha), scale=1 / 255)
    image[y0:y1, x0:x1] = cv2.add(kept, paint_over)
