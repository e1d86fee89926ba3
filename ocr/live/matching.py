"""Find a line's picture in a frame by template matching, and how much of it is there.

All is done on detail: grey levels less their surroundings. What moves behind the text has little of it, and none that
agrees with the strokes. The share of a line that is present is the coefficient of regression of the frame's detail on
the line's: 1 where it stands in full, a half in the middle of a fade or where half its height is in view.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import cv2
import numpy as np

from common.arrays import Floats, Image

_WEAK = 0.3
"""Share of the mean energy of a line's pieces below which one says nothing: a space."""

_HALF = 2
"""How much pictures are reduced for a search far and wide."""

_MOST_WIDE = 320
"""Columns of a line that are searched for, at most: its beginning tells it as well as the whole."""


class Rect(NamedTuple):
    """A rectangle in whole pixels."""

    x: int
    y: int
    width: int
    height: int

    def moved(self, dx: int, dy: int) -> Rect:
        """The same elsewhere."""
        return Rect(self.x + dx, self.y + dy, self.width, self.height)

    def covers(self, other: Rect) -> float:
        """Share of another rectangle that lies inside this one."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if across <= 0 or down <= 0:
            return 0.0
        return across * down / (other.width * other.height)


class Place(NamedTuple):
    """Where a line was found: how far from where it was, correlation there, and the shares present."""

    dx: int
    dy: int
    correlation: float
    present: float
    least: float


class Detail:
    """The detail of one frame (H, W), made when first asked for.

    Args:
        luma: (H, W) uint8.
    """

    def __init__(self, luma: Image) -> None:
        self.luma = luma

    @functools.cached_property
    def whole(self) -> Floats:
        """(H, W) float32: grey levels less the mean of their surroundings."""
        return detail(self.luma)

    def crop(self, rect: Rect) -> Floats:
        """The detail inside a rectangle; 0 where that reaches over the edge."""
        height, width = self.luma.shape
        top, left = max(rect.y, 0), max(rect.x, 0)
        bottom, right = min(rect.y + rect.height, height), min(rect.x + rect.width, width)
        out = np.zeros((rect.height, rect.width), np.float32)
        if top < bottom and left < right:
            inside = self._inside(top, bottom, left, right)
            out[top - rect.y : bottom - rect.y, left - rect.x : right - rect.x] = inside
        return out

    def _inside(self, top: int, bottom: int, left: int, right: int) -> Floats:
        if "whole" in self.__dict__:
            return self.whole[top:bottom, left:right]
        # With what the blur reaches around it.
        above, before = max(top - _REACH, 0), max(left - _REACH, 0)
        part = detail(self.luma[above : bottom + _REACH, before : right + _REACH])
        return part[top - above : bottom - above, left - before : right - before]


_REACH = 6


def detail(luma: Image) -> Floats:
    """Grey levels less the mean of their surroundings, float32."""
    side = 2 * _REACH + 1
    grey = luma.astype(np.float32)
    blurred = cv2.blur(grey, (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(grey - blurred, np.float32)


class Template:
    """A line's picture, averaged over the frames in which it was found, so that what moves behind it vanishes."""

    def __init__(self, picture: Floats) -> None:
        self.picture = picture
        self._frames = 1

    def blend(self, picture: Floats, most: int = 12) -> None:
        """Take one more frame into the mean; old ones are forgotten slowly."""
        self._frames = min(self._frames + 1, most)
        self.picture += (picture - self.picture) / self._frames

    def rises(self, picture: Floats) -> bool:
        """Whether a picture has clearly more contrast: the line was still fading in."""
        return float(np.square(picture).sum()) > 1.5 * float(np.square(self.picture).sum())

    def presence(self, picture: Floats, skipped: tuple[int, int] = (0, 0)) -> tuple[float, float]:
        """Share of the line that is in a picture of its size, and that of its least present piece.

        Args:
            picture: Detail (H, W).
            skipped: Columns at both ends that are out of the frame: they are no sign of another text.
        """
        height, width = self.picture.shape
        pieces = max(1, round(width / height))
        edges = np.linspace(0, width, pieces + 1).astype(int)
        product = (picture * self.picture).sum(axis=0)
        energy = np.square(self.picture).sum(axis=0)
        sums = np.add.reduceat(product, edges[:-1])
        energies = np.add.reduceat(energy, edges[:-1])
        whole = float(sums.sum() / max(float(energies.sum()), 1e-6))
        told = (
            (energies >= _WEAK * energies.mean())
            & (edges[:-1] >= skipped[0])
            & (edges[1:] <= width - skipped[1])
        )
        least = float((sums[told] / energies[told]).min()) if told.any() else whole
        return whole, least

    def find(self, frame: Detail, rect: Rect, around: tuple[int, int, int, int]) -> Place:
        """Search the line near a place.

        Args:
            frame: To search in.
            rect: Where it is expected.
            around: Pixels that it may be off to the left, right, up and down.
        """
        left, right, up, down = around
        wide = min(rect.width, _MOST_WIDE)
        window = frame.crop(
            Rect(rect.x - left, rect.y - up, wide + left + right, rect.height + up + down)
        )
        found = cv2.matchTemplate(window, self.picture[:, :wide], cv2.TM_CCORR_NORMED)
        _, best, _, at = cv2.minMaxLoc(np.nan_to_num(found, posinf=0.0, neginf=0.0))
        dx, dy = at[0] - left, at[1] - up
        place = rect.moved(dx, dy)
        beyond = max(0, -place.x), max(0, place.x + rect.width - frame.luma.shape[1])
        present, least = self.presence(frame.crop(place), beyond)
        return Place(dx, dy, float(best), present, least)

    def find_far(self, frame: Detail, rect: Rect, around: tuple[int, int, int, int]) -> Place:
        """Search the line as `find` does, first in a reduced picture: many times faster over long ways."""
        left, right, up, down = (-(-pixels // _HALF) * _HALF for pixels in around)
        wide = min(rect.width, _MOST_WIDE)
        window = frame.crop(
            Rect(rect.x - left, rect.y - up, wide + left + right, rect.height + up + down)
        )
        small = _reduced(self.picture[:, :wide])
        found = cv2.matchTemplate(_reduced(window), small, cv2.TM_CCORR_NORMED)
        _, _, _, at = cv2.minMaxLoc(np.nan_to_num(found, posinf=0.0, neginf=0.0))
        dx, dy = at[0] * _HALF - left, at[1] * _HALF - up
        place = self.find(frame, rect.moved(dx, dy), (_HALF, _HALF, _HALF, _HALF))
        return place._replace(dx=dx + place.dx, dy=dy + place.dy)


def _reduced(picture: Floats) -> Floats:
    size = max(1, picture.shape[1] // _HALF), max(1, picture.shape[0] // _HALF)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
