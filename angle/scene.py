"""Tell which way a picture is up by what it shows besides text: sky over ground, people on their feet.

A few blurred letters tell little of how a photograph is turned; the photograph itself tells something. The network
scores how upright a picture looks, and is asked that of the picture in its four turns: so it cannot favour one of
them, and learns from few photographs (Gidaris et al. 2018, "Unsupervised Representation Learning by Predicting Image
Rotations", asks for the turn itself).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image, Network
from common.softmax import softmax

SIDE = 96
"""Pixels of a view."""

PLACES = (0.0, 0.5, 1.0)
"""Where along the picture's longer side views are taken."""

_QUIET = 10.0
"""Grey levels added to a view's deviation: what is nearly even stays so."""


class Scene:
    """Tells how far clockwise a photograph is turned: 0, 90, 180 or 270 degrees."""

    def __init__(self, network: Network, *, side: int = SIDE, temperature: float = 1.0) -> None:
        """Bind a network to its settings.

        Args:
            network: (N, 3, side, side) float32 to (N, 1), the higher the more upright a view looks.
            side: Pixels of a view.
            temperature: Divides the scores; fitted on photographs that were not trained on.

        Raises:
            ValueError: A temperature that is not positive.
        """
        if temperature <= 0:
            raise ValueError(f"temperature {temperature}, expected a positive number")
        self._network = network
        self._side = side
        self._temperature = temperature

    def __call__(self, image: Image) -> NDArray[np.float64]:
        """Return (4,), the probability of each turn of a picture (H, W, 3), uint8 RGB."""
        scores = np.asarray(self._network(four_turns(views(image, self._side)))[0], np.float64)
        return turn_chances(scores, self._temperature)


def views(image: Image, side: int = SIDE) -> Floats:
    """Cut squares along the longer side of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        side: Pixels of a square.

    Returns:
        (N, 3, side, side) of zero mean and about unit deviation.
    """
    height, width = image.shape[:2]
    short = min(height, width)
    squares = []
    for place in PLACES if height != width else PLACES[:1]:
        top, left = round((height - short) * place), round((width - short) * place)
        square = image[top : top + short, left : left + short]
        small = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
        squares.append(normalize(np.asarray(small, np.uint8)))
    return np.stack(squares)


def normalize(square: Image | Floats) -> Floats:
    """(S, S, 3) to (3, S, S) of zero mean and about unit deviation."""
    values = square.astype(np.float32)
    return np.asarray(
        ((values - values.mean()) / (values.std() + _QUIET)).transpose(2, 0, 1), np.float32
    )


def four_turns(seen: Floats) -> Floats:
    """Return what views would be upright if they were turned clockwise by 0, 90, 180 and 270.

    Args:
        seen: (N, 3, S, S).

    Returns:
        (4 * 2 N, 3, S, S): for each turn the views, and the views mirrored.
    """
    turns = [np.rot90(seen, k, (2, 3)) for k in range(4)]
    # Mirrored when upright: a mirror beside one that lies on its side would turn it over.
    return np.concatenate([each for turn in turns for each in (turn, turn[..., ::-1])])


def turn_chances(scores: Floats | NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Combine the scores (M, 1) of `four_turns` into the chance (4,) of each turn."""
    return softmax(np.asarray(scores, np.float64).reshape(4, -1).mean(axis=1) / temperature)
