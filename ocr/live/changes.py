"""Find the rows of a picture that have to be read again: a map of cells in which strokes have changed.

A cell that has not changed since it was last looked at holds what was found there. One that has changed but shows no
strokes holds no text.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
from ocr.live.matching import Rect
from ocr.live.settings import LiveSettings

_MARGIN = 3
"""Cells above and below those that have changed that are looked at with them."""


class ChangeMap:
    """Remembers each cell as it was last looked at.

    Args:
        size: (height, width) of the pictures.
        settings: Of live reading.
    """

    def __init__(self, size: tuple[int, int], settings: LiveSettings) -> None:
        self._settings = settings
        self._size = size
        cell = settings.cell
        rows, columns = -(-size[0] // cell), -(-size[1] // cell)
        self._known = np.zeros(size, np.float32)
        self._due = np.full((rows, columns), -np.inf)
        self._wait = np.full((rows, columns), settings.look_again)

    def band(self, detail: Floats, known: list[Rect], seconds: float) -> tuple[int, int] | None:
        """Rows (top, bottom) that may hold new text; None where there is none.

        Args:
            detail: (H, W) of the frame.
            known: Places whose text is known.
            seconds: Time of the frame.
        """
        s = self._settings
        changed = self._mean(np.abs(detail - self._known)) > np.maximum(
            s.changed_share * self._mean(np.abs(detail)), 0.06 * s.stroke_contrast
        )
        # Steps along rows: what surrounds a line only differs from its own surroundings, smoothly.
        steps = np.abs(np.diff(detail, axis=1, append=detail[:, -1:])) > s.stroke_contrast
        strokes = self._mean(steps.astype(np.float32))
        news = ~self._covered(known) & (strokes >= s.stroke_share)
        self._wait[changed] = s.look_again
        self._take(detail, changed & ~news)
        # Strokes that have been looked at are looked at again, ever more rarely: the detector may have missed them.
        due = np.asarray(news & (seconds >= self._due), np.bool_)
        # Text has strokes in cells side by side.
        due[:, 1:] &= news[:, :-1]
        return self._around(np.flatnonzero(due.any(axis=1)).tolist())

    def looked(self, detail: Floats, band: tuple[int, int], seconds: float) -> None:
        """Note that a band has been looked at."""
        cell = self._settings.cell
        rows = slice(band[0] // cell, -(-band[1] // cell))
        self._due[rows] = seconds + self._wait[rows]
        self._wait[rows] = np.minimum(2 * self._wait[rows], self._settings.look_again_most)
        self._known[band[0] : band[1]] = detail[band[0] : band[1]]

    def _around(self, rows: list[int]) -> tuple[int, int] | None:
        """From the first to the last of some rows of cells, grown by what a line needs around it, in pixels.

        One wide band costs less than several narrow ones, and cuts fewer lines.
        """
        if not rows:
            return None
        cell = self._settings.cell
        return max(0, (rows[0] - _MARGIN) * cell), min(
            self._size[0], (rows[-1] + 1 + _MARGIN) * cell
        )

    def _mean(self, values: Floats) -> Floats:
        """Means of cells (R, C)."""
        cell = self._settings.cell
        rows, columns = self._due.shape
        below, beside = rows * cell - values.shape[0], columns * cell - values.shape[1]
        padded = cv2.copyMakeBorder(values, 0, below, 0, beside, cv2.BORDER_REPLICATE)
        return np.asarray(
            cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA), np.float32
        )

    def _covered(self, known: list[Rect]) -> NDArray[np.bool_]:
        """Cells (R, C) that lie in known places, or a third of their side in them."""
        cell = self._settings.cell
        cells = np.zeros(self._due.shape, np.bool_)
        for rect in known:
            top, left = (rect.y + cell // 3) // cell, (rect.x + cell // 3) // cell
            bottom = -(-(rect.y + rect.height - cell // 3) // cell)
            right = -(-(rect.x + rect.width - cell // 3) // cell)
            cells[max(top, 0) : bottom, max(left, 0) : right] = True
        return cells

    def _take(self, detail: Floats, cells: NDArray[np.bool_]) -> None:
        """Remember cells as they are now."""
        cell = self._settings.cell
        mask = np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1)
        np.copyto(self._known, detail, where=mask[: self._size[0], : self._size[1]])
