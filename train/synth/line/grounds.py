"""Make the grounds of lines, in grey: photographs, paper, walls, the panels of screens."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.preprocess import HEIGHT
from train.synth.line import shares

Grey = NDArray[np.float32]
Rng = np.random.Generator

_LEVELS = {"white": (255, 255), "light": (180, 255), "dark": (0, 90), "any": (0, 255)}
_PAPER = {"white": 0.42, "light": 0.33, "dark": 0.15, "any": 0.10}
_BOARD = {"white": 0.20, "light": 0.23, "dark": 0.30, "any": 0.27}
"""Paper is light; walls and boards have colours, which are greys here."""

_BUSIEST = 40.0
"""Grey levels of deviation of a ground at most: nobody writes on more."""


class Grounds:
    """Grounds to write on.

    Args:
        photographs: a folder of JPEG or PNG files to write on, or None for grounds made by rule.
    """

    def __init__(self, photographs: Path | None = None) -> None:
        self._photographs = load_grey(photographs) if photographs else []

    def draw(self, rng: Rng, height: int, width: int, *, board: bool = False) -> Grey:
        """Return (height, width) grey levels to write on: mostly paper, or mostly a wall or board."""
        kind = rng.random()
        if kind < 0.30 and self._photographs:
            photograph = self._photographs[int(rng.integers(len(self._photographs)))]
            return _patch(rng, photograph, height, width)
        low, high = _LEVELS[shares.draw(rng, _BOARD if board else _PAPER)]
        level = float(rng.uniform(low, high))
        ground = np.full((height, width), level, np.float32)
        if kind > 0.6:
            coarse = rng.normal(
                0, 12 * rng.random() + 1, (max(2, height // 12), max(2, width // 12))
            )
            ground += cv2.resize(
                coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
            )
        if kind > 0.9:
            ground += np.linspace(0, float(rng.uniform(-90, 90)), width, dtype=np.float32)
        return ground


def sheet(rng: Rng, height: int, width: int) -> Grey:
    """Return paper as somebody photographs it on a table: light or in a shadow, its fibres hardly seen."""
    level = float(rng.uniform(120, 255))
    ground = np.full((height, width), level, np.float32)
    ground += np.linspace(0, float(rng.normal(0, 25)), width, dtype=np.float32)
    if rng.random() < 0.5:
        coarse = rng.normal(0, 5 * rng.random(), (max(2, height // 12), max(2, width // 12)))
        ground += cv2.resize(
            coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
    return ground


def scanned(rng: Rng, height: int, width: int) -> Grey:
    """Return the even white of a PDF page or a scan, seldom a light grey."""
    level = 255.0 if rng.random() < 0.6 else float(rng.uniform(215, 255))
    return np.full((height, width), level, np.float32)


def plain(rng: Rng, height: int, width: int) -> Grey:
    """Return the even ground of a window or a game's panel, dark or light."""
    level = float(rng.uniform(0, 80)) if rng.random() < 0.55 else float(rng.uniform(190, 255))
    slope = float(rng.uniform(-12, 12)) if rng.random() < 0.4 else 0.0
    return np.full((height, width), level, np.float32) + np.linspace(
        0, slope, width, dtype=np.float32
    )


def _patch(rng: Rng, photograph: NDArray[np.uint8], height: int, width: int) -> Grey:
    """Cut a random window with the shape of the line and bring it to size, its contrast lowered at times."""
    rows, columns = photograph.shape
    scale = min(rows / height, columns / width, float(rng.uniform(0.5, 2.0)))
    h, w = max(1, int(height * scale)), max(1, int(width * scale))
    y, x = int(rng.integers(rows - h + 1)), int(rng.integers(columns - w + 1))
    patch = cv2.resize(photograph[y : y + h, x : x + w], (width, height)).astype(np.float32)
    factor = float(rng.uniform(0.1, 0.7)) if rng.random() < 0.6 else 1.0
    mean, spread = (float(each.item()) for each in cv2.meanStdDev(patch))
    return mean + (patch - mean) * min(factor, _BUSIEST / max(spread, 1e-3))


def load_grey(folder: Path) -> list[NDArray[np.uint8]]:
    """Read the JPEG and PNG files directly in a folder as grey pictures, those lower than a line left out.

    Raises:
        FileNotFoundError: there is none.
    """
    paths = sorted(
        p for p in Path(folder).iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    if not paths:
        raise FileNotFoundError(f"no JPEG or PNG photographs in {folder}")
    pictures = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths)
    return [picture for picture in pictures if picture is not None and min(picture.shape) >= HEIGHT]
